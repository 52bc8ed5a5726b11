"""How far a remote's clock is off, by what it says of the time. Pure: measured against the database's clock.

Nothing is decided by a remote's clock. What was measured only makes us look further back, and tells which of its times
can't be true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

RESOLUTION = timedelta(seconds=1)
"""Of a `Date` header, and of both remotes' times of change: the fraction is cut off."""


@dataclass(frozen=True, slots=True)
class Skew:
    """The remote's clock less the database's, in seconds: at least `low`, at most `high`."""

    low: float
    high: float

    @property
    def seconds(self) -> float:
        """The middle of what it can be."""
        return (self.low + self.high) / 2

    @property
    def behind(self) -> float:
        """How far back its times may lie, in seconds; 0 where it may as well be right."""
        return -self.low if self.high < 0 else 0.0


def measured(told: datetime, asked: datetime, answered: datetime) -> Skew:
    """`told` was its time at some moment between the question and the answer."""
    return Skew((told - answered).total_seconds(), (told + RESOLUTION - asked).total_seconds())


LATEST = timedelta(hours=1)
"""So far ahead of what its clock can show a time may lie: an hour that comes twice is read as the other one."""


def credible(told: datetime | None, now: datetime, skew: Skew | None) -> datetime | None:
    """None where the remote's clock can't have shown that time yet: it is no time at all. `now` is the database's."""
    ahead = timedelta(seconds=max(0.0, skew.high if skew else 0.0))
    return told if told is not None and told <= now + ahead + LATEST else None


def narrowed(known: Skew | None, fresh: Skew) -> Skew:
    """What both measures allow; the fresh one alone where they contradict each other: somebody set a clock."""
    if known is None:
        return fresh
    low, high = max(known.low, fresh.low), min(known.high, fresh.high)
    return Skew(low, high) if low <= high else fresh
