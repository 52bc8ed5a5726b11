"""Ten thousand random edits: every write changes something, and once it is quiet nothing is written any more."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from beteiligte_sync.entities.beteiligte.mapping import ANREDEN, BETEILIGTE, RECHTSFORMEN
from recordsync import Engine, Remotes
from recordsync.testing.memory import FakeLinks, FakeLocks, FakeNotifier
from recordsync.testing.remotes import FakeLeft, FakeRight
from recordsync.testing.strategies import WORDS, attributes
from synckit.ports import Payload, Snapshot
from synckit.reconcile.plan import Side
from synckit.testing.clock import FakeClock
from tests.e2e.budgets import AMPLIFICATION, AMPLIFICATION_EDITS, MOVES_WITH_EVERY_WRITE

RECORDS = 300
STATE = ("syncStatus", "syncErrorMessage", "syncRetryCount", "syncNextRetry", "betnr", "advowareRowId")
STATE_TOO = ("advowareLastSync", "advowareDeletedAt", "assignedUserId")
DAYS = ("1752-12-31", "1753-01-01", "1980-02-29", None)
TEXTS = (*WORDS, " blanks ", "x" * 61, "", None)


@dataclass
class Tally:
    """Writes, and those of them after which the record was the same."""

    writes: int = 0
    idle: list[str] = field(default_factory=list)

    def count(self, side: str, before: dict[str, Any], after: dict[str, Any], body: Payload) -> None:
        self.writes += 1
        if _lasting(before) == _lasting(after):
            self.idle.append(f"{side}: {sorted(body)}")

    @property
    def amplification(self) -> float:
        return self.writes / (self.writes - len(self.idle))


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in MOVES_WITH_EVERY_WRITE}


@dataclass
class CountedLeft(FakeLeft):
    tally: Tally = field(default_factory=Tally)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        before = dict(self.records[record_id])
        told = await super().update(record_id, payload)
        self.tally.count("left", before, self.records[record_id], payload)
        return told


@dataclass
class CountedRight(FakeRight):
    tally: Tally = field(default_factory=Tally)

    async def create(self, payload: Payload) -> Snapshot:
        told = await super().create(payload)
        self.tally.count("right", {}, self.records[told.id], payload)
        return told

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        before = dict(self.records[record_id])
        told = await super().update(record_id, payload)
        self.tally.count("right", before, self.records[record_id], payload)
        return told


class People:
    """Users on both sides who change one thing after another, now and then the same one on both."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock, self.tally = FakeClock(), Tally()
        shown = attributes(BETEILIGTE, Side.RIGHT)
        self.left_names, self.right_names = attributes(BETEILIGTE, Side.LEFT), shown
        self.left = CountedLeft(self.clock, attributes=(*self.left_names, *STATE, *STATE_TOO), tally=self.tally)
        read_only = sorted(set(shown) - set(BETEILIGTE.right_writable))
        self.right = CountedRight(self.clock, writable=BETEILIGTE.right_writable, readable=read_only, tally=self.tally)
        notifier = FakeNotifier()
        remotes = Remotes(self.left, self.right, FakeLinks(), FakeLocks(), notifier, self.clock)
        self.engine = Engine(BETEILIGTE, remotes)

    async def morning(self) -> list[str]:
        """All records, linked."""
        ids = [f"p{number}" for number in range(RECORDS)]
        for record_id in ids:
            self.left.seed(record_id, lastName=f"Probe {record_id}", firstName="Paula", assignedUserId="anna")
            await self.engine.sync(record_id)
        return ids

    def edit(self, record_id: str) -> None:
        """One field of one side."""
        self.clock.advance(self.chance.choice((0, 1, 30)))
        if self.chance.random() < 0.6:
            name = self.chance.choice(self.left_names)
            self.left.edit(record_id, **{name: self._value(name)})
        else:
            name = self.chance.choice(self.right_names)
            self.right.edit(str(self.left.records[record_id]["betnr"]), **{name: self._value(name)})

    def _value(self, name: str) -> Any:
        match name:
            case "rechtsform":
                return self.chance.choice((*sorted(RECHTSFORMEN), "PartG mbB", None, None, None))
            case "salutationName" | "anrede":
                return self.chance.choice((*sorted(ANREDEN), "Eheleute", None))
            case "dateOfBirth":
                return self.chance.choice(DAYS)
            case "geburtsdatum":
                day = self.chance.choice(DAYS[1:])
                return day and f"{day}T00:00:00"
            case _:
                return self.chance.choice(TEXTS)


@pytest.mark.parametrize("seed", [1])
async def test_no_write_of_ten_thousand_random_edits_changes_nothing(seed: int) -> None:
    people = People(seed)
    ids = await people.morning()
    for _ in range(AMPLIFICATION_EDITS):
        record_id = people.chance.choice(ids)
        people.edit(record_id)
        if people.chance.random() < 0.7:
            await people.engine.sync(record_id)
    for record_id in ids:
        await people.engine.sync(record_id)
    assert people.tally.idle == []
    assert people.tally.writes > AMPLIFICATION_EDITS / 2
    assert people.tally.amplification == AMPLIFICATION

    at_rest = people.tally.writes
    for record_id in ids:
        await people.engine.sync(record_id)
    assert people.tally.writes == at_rest, "where nothing was edited nothing is written"


async def test_a_write_that_changes_nothing_is_seen() -> None:
    people = People(1)
    record_id, *_ = await people.morning()
    before = people.tally.writes
    await people.left.update(record_id, {"advowareLastSync": "2026-06-01 12:00:00"})
    await people.right.update(
        str(people.left.records[record_id]["betnr"]), dict(next(iter(people.right.records.values())))
    )
    assert (people.tally.writes, len(people.tally.idle)) == (before + 2, 2)
    assert people.tally.amplification > AMPLIFICATION
