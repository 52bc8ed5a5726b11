"""How long our bookkeeping is kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAILY = timedelta(days=1)
Mark = tuple[datetime, int]
"""A moment, and the newest fence there was then."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Lines of the journal; those of what a person did by command; fences of records that nobody looked at."""

    journal: timedelta
    operator: timedelta
    guard: timedelta


def with_mark(marks: Sequence[Mark], now: datetime, fence: int) -> list[Mark]:
    """One mark a day, oldest first."""
    return list(marks) if marks and now - marks[-1][0] < DAILY else [*marks, (now, fence)]


def abandoned(marks: Sequence[Mark], now: datetime, kept: timedelta) -> tuple[int, list[Mark]]:
    """The fence up to which a guard is so old, 0 where none is; and the marks that are still of use."""
    old = [mark for mark in marks if now - mark[0] >= kept]
    return (old[-1][1], [old[-1], *marks[len(old) :]]) if old else (0, list(marks))
