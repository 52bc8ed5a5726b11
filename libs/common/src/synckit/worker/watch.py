"""When nothing moves any more: the watchdog's judgement. Pure: what was seen goes in, a reason to end comes out.

Each case was seen in reality: a group left for ever, a recovery that ended silently, two workers with one id.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot by the event loop. `at` is when it was made, `lag` counts records not yet acknowledged.

    `resting`: nothing runs and no key waits for its next try. `in_contact`: the lease is held.
    """

    at: float
    rebalancing: bool = False
    assigned_once: bool = True
    commits_refused: int = 0
    lag: int = 0
    resting: bool = True
    in_contact: bool = True
    progress_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a state may last. `gap` between two looks means that the process itself was stopped.

    `rebalance`: while it lasts nobody works on what the group has given us, though the group takes us for alive. The
    longest healthy one: the group waits 25 for a member that is stuck; then our first seek times out after 30 and comes
    through at the second try. Twice the group's wait, 50, leaves out only that both happen at once.
    """

    rebalance: float = 50.0
    first_assignment: float = 60.0
    stuck: float = 120.0
    silent: float = 60.0
    refused_commits: int = 2
    gap: float = 5.0


class Watch:
    """Remembers since when each bad state lasts. Time that the process itself was stopped does not count."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: dict[str, tuple[float, object]] = {}
        self._last_look: float | None = None

    def look(self, now: float, seen: Seen) -> str | None:
        """A reason to end the process, or None. Called about once a second."""
        if self._last_look is not None and now - self._last_look > self._patience.gap:
            self._since.clear()
        self._last_look = now
        if seen.commits_refused >= self._patience.refused_commits:
            return "commits refused: another member with our id, or none of ours"
        for reason, limit, mark in self._states(seen):
            if mark is None:
                self._since.pop(reason, None)
                continue
            since, known = self._since.setdefault(reason, (now, mark))
            if known != mark:
                self._since[reason] = (now, mark)
            elif now - since > limit:
                return reason
        return None

    def _states(self, seen: Seen) -> list[tuple[str, float, object]]:
        """(what lasts, how long it may, a mark that stays equal while it lasts or None where it does not)."""
        stuck = seen.lag > 0 and seen.resting and seen.in_contact and not seen.rebalancing
        patience = self._patience
        return [
            ("rebalancing without end", patience.rebalance, True if seen.rebalancing else None),
            ("no first assignment", patience.first_assignment, None if seen.assigned_once else True),
            ("lag, nothing running, no progress", patience.stuck, seen.progress_at if stuck else None),
            ("event loop silent", patience.silent, seen.at),
        ]
