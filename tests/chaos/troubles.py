"""What blows have done to memory, clocks, times and topics: the oracle has to know what each of them allows."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.chaos.fields import Side
from tests.chaos.remains import Event

LET_GO = 5.0
"""Seconds that a PUT may need once it is held no more."""


@dataclass(frozen=True)
class Loss:
    """PostgreSQL fell back at `at` to what it knew at some moment from `since` on. Unix seconds."""

    since: float
    at: float


@dataclass(frozen=True)
class Shift:
    """From `at` on that side's clock is `offset` seconds ahead."""

    at: float
    side: Side
    offset: float


@dataclass(frozen=True)
class TimeLie:
    """From `began` to `over` that side told wrong times of change."""

    side: Side
    began: float
    over: float


@dataclass(frozen=True)
class Unlocked:
    """Redis forgot this record's lock while a PUT was held on its way, from `since` until it was let go, at `over`.

    Another worker may write meanwhile: no lock can stop what the remote already has. What both sides hold in the end
    is judged all the same.
    """

    key: str
    since: float
    over: float

    def allows(self, key: str, at: float) -> bool:
        """Whether that PUT was stored then."""
        return key == self.key and self.since <= at <= self.over + LET_GO


@dataclass
class Troubles:
    """Of one run. `poison`: (partition, offset) of what was put into the topic → what it was."""

    losses: list[Loss] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    lies: list[TimeLie] = field(default_factory=list)
    poison: dict[tuple[int, int], str] = field(default_factory=dict)
    unlocked: list[Unlocked] = field(default_factory=list)
    purged: list[Event] = field(default_factory=list)

    def offset(self, side: Side, at: float) -> float:
        """Seconds that the side's clock was ahead."""
        told = [each.offset for each in self.shifts if each.side is side and each.at <= at]
        return told[-1] if told else 0.0
