"""How long our bookkeeping is kept, and when the time itself is not believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LEAP = timedelta(days=7)
"""More than this between two runs: the office was closed, or the database's clock is wrong. A person knows which."""
TIMED = 1 << 40
"""Fences below this are of a sequence alone: when they were taken nobody knows."""
_SEQUENCE_BITS = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """Lines of the journal; those of what a person did by command; fences of records that nobody looked at."""

    journal: timedelta
    operator: timedelta
    guard: timedelta


def is_leap(now: datetime, last: datetime | None) -> bool:
    """Whether time has gone on by more than it can have since the run before."""
    return last is not None and now - last > LEAP


def fence_at(moment: datetime) -> int:
    """The lowest fence that was taken then."""
    return int(moment.timestamp() * 1000) << _SEQUENCE_BITS


def abandoned(now: datetime, kept: timedelta, timed_since: datetime | None) -> tuple[int, int]:
    """Fences from the first to below the second have had their time. `timed_since`: when fences began to tell it."""
    untimed_are_old = timed_since is not None and now - timed_since >= kept
    return 0 if untimed_are_old else TIMED, fence_at(now - kept)
