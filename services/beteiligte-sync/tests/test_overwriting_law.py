"""A PUT to Advoware overwrites no value of a desk's unless that is decided and told, whatever its times say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kommunikation_office import Shop
from office import Office

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from synckit.ports import Payload, Snapshot
from synckit.reconcile.plan import Side

FIELDS = ("titel", "zusatz", "bAnrede")
ATTRIBUTES = {"titel": "titel", "zusatz": "zusatz", "bAnrede": "briefAnrede"}
"""In Advoware, in EspoCRM."""
MONTH = timedelta(days=30)
LIES = ("none", "past", "constant", "future", "null")
ACTIONS = st.one_of(
    st.tuples(st.just("desk"), st.sampled_from(FIELDS), st.sampled_from(LIES)),
    st.tuples(st.just("user"), st.sampled_from(FIELDS), st.just("")),
    st.tuples(st.just("sync"), st.just(""), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(["5", "4000", "90000"]), st.just("")),
)


@dataclass
class Watched:
    """An office whose every PUT to Advoware is held against what it replaces. Each typed value is a word of its own."""

    office: Office = field(default_factory=Office)
    desk: list[tuple[str, str]] = field(default_factory=list)
    words: int = 0
    shown: set[str] = field(default_factory=set)

    async def begin(self) -> None:
        self.betnr = await self.office.linked()
        self._update = self.office.right.update
        self.office.right.update = self._judged  # type: ignore[method-assign]

    async def _judged(self, record_id: str, payload: Payload) -> Snapshot:
        row = self.office.links.rows["p1"]
        agreed = BETEILIGTE.patch(Side.RIGHT, row.base.right, row.base.right)
        for name in FIELDS:
            there = self.office.right.records[record_id][name]
            if payload[name] != there and there != agreed[name]:
                assert there is None or there in self.told(), (name, there, payload[name])
        return await self._update(record_id, payload)

    def told(self) -> str:
        pending = [note.text for note in self.office.links.rows["p1"].pending.values()]
        return "\n".join((*pending, *(text for _, _, text in self.office.notifier.notes)))

    def word(self) -> str:
        self.words += 1
        return f"Wort{self.words}."

    async def do(self, what: str, which: str, lie: str) -> None:
        if what == "desk":
            word = self.word()
            self.desk.append((which, word))
            self.office.right.edit(self.betnr, **{which: word})
            self.office.right.records[self.betnr]["geaendertAm"] = told_as(lie, self.office.clock.now())
        elif what == "user":
            self.office.left.edit("p1", **{ATTRIBUTES[which]: self.word()})
        elif what == "sync":
            await self.sync()
        else:
            self.office.clock.advance(float(which))

    async def sync(self) -> None:
        await self.office.sync("p1")
        self.shown |= {str(self.office.left.records["p1"][name]) for name in ATTRIBUTES.values()}

    async def settle(self) -> None:
        """Days go by, in which nobody types."""
        for _ in range(3):
            self.office.clock.advance(90_000)
            await self.sync()

    def lost(self) -> list[tuple[str, str]]:
        """What a desk typed last into a field, and is neither there, nor was ever in EspoCRM or in a note."""
        there = self.office.right.records[self.betnr]
        newest = dict(self.desk)
        known = {*self.shown, *(there[name] for name in FIELDS)}
        return [(name, word) for name, word in newest.items() if word not in known and word not in self.told()]


def told_as(lie: str, at: datetime) -> str | None:
    match lie:
        case "past":
            at -= MONTH
        case "constant":
            at = datetime(2020, 1, 1, tzinfo=UTC)
        case "future":
            at += MONTH
        case "null":
            return None
    return at.isoformat()


@given(actions=st.lists(ACTIONS, max_size=12))
@settings(deadline=None, max_examples=300)
def test_no_value_of_a_desk_is_lost(actions: list[tuple[str, str, str]]) -> None:
    """Neither by a PUT nor in the end, and both sides are in step after three days."""

    async def run() -> None:
        watched = Watched()
        await watched.begin()
        for action in actions:
            await watched.do(*action)
        await watched.settle()
        assert watched.lost() == []
        left, right = watched.office.left.records["p1"], watched.office.right.records[watched.betnr]
        assert [left[ATTRIBUTES[n]] for n in FIELDS] == [right[n] for n in FIELDS]
        assert left["syncStatus"] == "clean"

    asyncio.run(run())


async def test_a_put_keeps_what_a_desk_has_just_saved() -> None:
    """Advoware tells a constant old time: a user's other field goes over and takes nothing along."""
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, titel="Dr.")
    office.right.records[betnr]["geaendertAm"] = "2020-01-01T12:00:00+00:00"
    office.left.edit("p1", zusatz="c/o Probe")
    await office.sync("p1")
    assert (office.party()["titel"], office.party()["zusatz"]) == ("Dr.", "c/o Probe")


async def test_an_old_snapshot_is_not_brought_back() -> None:
    """A version that we have seen before hides nobody's edit: a PUT carries what was agreed since."""
    office = Office()
    betnr = await office.linked()
    old = dict(office.right.records[betnr])
    office.clock.advance(4000)
    office.right.edit(betnr, titel="Dr.")
    await office.sync("p1")
    office.right.records[betnr].update(old)
    office.left.edit("p1", zusatz="c/o Probe")
    await office.sync("p1")
    assert (office.party()["titel"], office.party()["zusatz"]) == ("Dr.", "c/o Probe")


async def test_emptied_under_a_lie_brakes_no_other_field() -> None:
    """What the doubted side shows weighs nothing in the brake of a single plan."""
    office = Office()
    betnr = await office.linked(titel="Dr.", zusatz="c/o", briefAnrede="Liebe Paula")
    office.right.edit(betnr, titel=None, zusatz=None, bAnrede=None, vorname=None)
    office.right.records[betnr]["geaendertAm"] = "2020-01-01T12:00:00+00:00"
    office.left.edit("p1", dateOfBirth="1980-02-29")
    await office.sync("p1")
    assert office.party()["geburtsdatum"].startswith("1980-02-29")
    assert (office.left.records["p1"]["titel"], office.left.records["p1"]["firstName"]) == ("Dr.", "Paula")


async def test_a_rows_conflict_under_a_lie_is_told() -> None:
    """An address that both sides changed: EspoCRM's wins, and the user reads what stood in Advoware."""
    office = Shop()
    betnr = await office.with_mails("paula@probe.example")
    office.mails("neu@probe.example")
    office.at_the_desk(0, "tisch@probe.example")
    office.right.edit(betnr, titel="Dr.")
    office.right.records[betnr]["geaendertAm"] = "2020-01-01T12:00:00+00:00"
    await office.sync("p1")
    assert office.numbers() == ["neu@probe.example"]
    assert "tisch@probe.example" in " ".join(text for _, _, text in office.notifier.notes)


@pytest.mark.parametrize("side", list(Side))
async def test_a_time_that_cannot_be_yet_is_none(side: Side) -> None:
    """After a remote has told times a month ahead, and tells true ones again, nothing is doubted."""
    office = Office()
    betnr = await office.linked()
    ahead = office.clock.now() + MONTH
    if side is Side.RIGHT:
        office.right.edit(betnr, titel="Dr.")
        office.right.records[betnr]["geaendertAm"] = ahead.isoformat()
    else:
        office.left.edit("p1", titel="Dr.")
        office.left.changed["p1"] = ahead.replace(microsecond=0)
    await office.sync("p1")
    office.clock.advance(60)
    edited: dict[str, Any] = {"zusatz": "c/o Probe"}
    office.right.edit(betnr, **edited) if side is Side.RIGHT else office.left.edit("p1", **edited)
    assert (await office.sync("p1")).result == "updated"
    assert (office.left.records["p1"]["zusatz"], office.party()["zusatz"]) == ("c/o Probe", "c/o Probe")
    assert office.left.records["p1"]["syncStatus"] == "clean"
