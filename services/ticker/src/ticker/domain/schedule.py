"""Time: slots of a timer, and where a cursor goes. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from synckit import clamps

SKEW = timedelta(minutes=10)
"""How far a remote's clock may be off before a cursor could pass a change."""
FIRST_LOOK = timedelta(hours=24)
"""How far back the first look goes."""


def slot(now: datetime, seconds: float) -> int:
    """The number of the interval that `now` lies in; the same on every replica."""
    return int(now.timestamp() // seconds)


def until_next_slot(now: datetime, seconds: float) -> float:
    """Seconds, never 0."""
    return (slot(now, seconds) + 1) * seconds - now.timestamp() or seconds


def start_of(cursor: str | None, now: datetime, overlap: timedelta) -> datetime:
    """Where a look begins. A cursor that is unreadable is none, nor is one that has passed `now`: what it skipped
    nobody knows.
    """
    at = _read(cursor)
    return now - FIRST_LOOK if at is None or at > now else at - overlap


def next_cursor(previous: str | None, began: datetime, newest: datetime | None = None, *, capped: bool = False) -> str:
    """The newest that was seen, or the begin of the look less the skew, so that an old burst is not read for ever.

    Never past the begin of the look, whatever a row says of itself, and never back, but from there. After a look that
    was cut short no further than what it saw.
    """
    moments = [min(newest, began)] if newest else []
    if not (capped and newest):
        moments.append(began - SKEW)
    before = _read(previous)
    return max([*moments, before] if before and before <= began else moments).isoformat()


def _read(cursor: str | None) -> datetime | None:
    """None also where it is no time that can be: what is reckoned with it would end in an error of Python's."""
    try:
        at = datetime.fromisoformat(cursor or "")
    except ValueError:
        return None
    return clamps.believable(at) if at.tzinfo else None


def believable(since: datetime, now: datetime, limit: int, most: int) -> int:
    """How many changed rows are believed: for the last hour `limit`, for more than that as many as there are."""
    return limit if now - since <= timedelta(hours=1) else most
