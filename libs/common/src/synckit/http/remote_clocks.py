"""What the remotes' clocks say, beside the database's: from every answer's `Date`, and from our own writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from synckit.skew import Skew, measured, narrowed

MOST_BEHIND = timedelta(hours=24)
"""A clock that is off by more tells nothing: then the daily look finds what a cursor can't."""
DATE, WRITE = "date", "write"
OnSkew = Callable[[str, float], None]
"""(upstream, seconds that it is ahead)."""


class RemoteClocks:
    """Of one process. `now` is the database's time; without it nothing is measured."""

    def __init__(
        self, now: Callable[[], datetime] | None = None, on_skew: OnSkew = lambda _upstream, _seconds: None
    ) -> None:
        self._now = now
        self._on_skew = on_skew
        self._known: dict[tuple[str, str], Skew] = {}

    def dated(self, upstream: str, date: str | None, seconds: float) -> None:
        """The `Date` of an answer that took so many seconds. Nonsense is none."""
        try:
            told = parsedate_to_datetime(date) if date else None
        except (ValueError, OverflowError):
            return
        if told is not None:
            self._saw(upstream, DATE, told.replace(tzinfo=told.tzinfo or UTC), seconds)

    def wrote(self, upstream: str, changed_at: datetime | None, seconds: float, *, is_new: bool) -> None:
        """The time of change in the answer to our own write, which took so many seconds.

        An update that changed nothing shows an old time: it proves no more than that a clock is ahead.
        """
        if changed_at is not None and (is_new or (self._now is not None and changed_at > self._now())):
            self._saw(upstream, WRITE, changed_at, seconds)

    def behind(self, upstream: str) -> timedelta:
        """How much further back a question about changes has to reach."""
        known = [skew.behind for (name, _), skew in self._known.items() if name == upstream]
        return min(timedelta(seconds=max(known, default=0.0)), MOST_BEHIND)

    def skew(self, upstream: str) -> Skew | None:
        """As its `Date` says; without one as its answers to our writes do, which may be lies. None: not measured."""
        known = self._known.get((upstream, DATE)) or self._known.get((upstream, WRITE))
        return known if known is not None and abs(known.seconds) <= MOST_BEHIND.total_seconds() else None

    def _saw(self, upstream: str, source: str, told: datetime, seconds: float) -> None:
        if self._now is None:
            return
        answered = self._now()
        fresh = measured(told, answered - timedelta(seconds=seconds), answered)
        self._known[upstream, source] = narrowed(self._known.get((upstream, source)), fresh)
        worst = max((s.seconds for (name, _), s in self._known.items() if name == upstream), key=abs)
        self._on_skew(upstream, worst)
