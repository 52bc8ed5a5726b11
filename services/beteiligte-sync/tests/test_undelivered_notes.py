"""Notes that nobody can be given: kept, counted, tried again once a day, and posted once when that becomes possible."""

from __future__ import annotations

import pytest
from household import Household
from office import Office
from test_adressen import HOME

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from recordsync.decide.deletion import NOTE_OWED
from synckit.errors import RemoteRejected

HOUR = 3600


def forbid(office: Office) -> None:
    """Neither a user nor a stream takes a post."""

    def refuse(point: str) -> None:
        if point == "notifier.tell.before":
            raise RemoteRejected("espocrm", 403, "cannotRelateForbidden")

    office.faults.hook = refuse


def posts_tried(office: Office) -> int:
    return office.faults.points.count("notifier.tell.before")


async def conflict(office: Office) -> None:
    betnr = await office.linked()
    office.left.edit("p1", titel="Dr.")
    office.right.edit(betnr, titel="Prof.")


async def test_a_note_is_kept_until_it_can_be_posted() -> None:
    office = Office()
    await conflict(office)
    forbid(office)
    outcome = await office.sync("p1")
    assert (outcome.undeliverable, outcome.notices, office.left.records["p1"]["syncStatus"]) == (1, 0, "clean")
    assert [entry.step for entry in office.links.rows["p1"].journal].count("note_refused") == 1
    office.faults.clear()
    office.clock.advance(25 * HOUR)
    await office.sync("p1")
    await office.sync("p1")
    (note,) = office.notifier.notes
    assert "„Prof.“" in note[2]
    assert office.links.rows["p1"].pending == {}


async def test_a_note_that_nobody_takes_is_tried_once_a_day() -> None:
    office = Office()
    await conflict(office)
    forbid(office)
    await office.sync("p1")
    tried = posts_tried(office)
    for _ in range(5):
        office.forget_calls()
        outcome = await office.sync("p1")
        assert (office.calls, office.writes, outcome.undeliverable) == (2, 0, 0)
    assert posts_tried(office) == tried
    office.clock.advance(25 * HOUR)
    outcome = await office.sync("p1")
    assert (posts_tried(office), outcome.undeliverable) == (tried + 1, 1)


async def test_a_new_note_that_is_taken_brings_the_old_ones_along() -> None:
    office = Office()
    await conflict(office)
    forbid(office)
    await office.sync("p1")
    office.faults.clear()
    office.left.edit("p1", zusatz="a")
    office.right.edit(office.betnr(), zusatz="b")
    await office.sync("p1")
    told = "".join(text for _, _, text in office.notifier.notes)
    assert (told.count("„Prof.“"), told.count("„b“")) == (1, 1)


@pytest.mark.parametrize("side", ["left", "right"])
async def test_the_note_of_a_deletion_is_not_lost(side: str) -> None:
    """Nobody looks at what was given up: it is parked, and comes back until somebody could be told."""
    office = Office()
    betnr = await office.linked()
    office.right.seed(name="Andere")
    if side == "left":
        del office.left.records["p1"]
    else:
        del office.right.records[betnr]
    forbid(office)
    outcome = await office.sync("p1")
    assert outcome.undeliverable == 1
    for _ in range(2):
        parked = office.links.rows["p1"].parked
        assert parked is not None
        assert (parked.reason, parked.attempts) == (NOTE_OWED, 0)
        assert await office.links.due(office.clock.now(), 10) == []
        office.clock.advance(25 * HOUR)
        assert await office.links.due(office.clock.now(), 10) == ["p1"]
        await office.sync("p1")
    office.faults.clear()
    office.clock.advance(25 * HOUR)
    await office.sync("p1")
    await office.sync("p1")
    (note,) = office.notifier.notes
    assert "gelöscht" in note[2]
    assert office.links.rows["p1"].parked is None
    assert office.links.rows["p1"].pending == {}


async def test_the_note_of_a_deleted_address_goes_to_its_party_later() -> None:
    house = Household(ADRESSEN)
    await house.with_child(**HOME)
    del house.children.records["a1"]
    forbid(house)
    await house.sync("a1")
    house.faults.clear()
    house.clock.advance(25 * HOUR)
    await house.sync("a1")
    (note,) = house.notifier.notes
    assert (note[0], "Hauptstr. 1" in note[2]) == ("p1", True)


async def test_what_nobody_takes_does_not_grow_for_ever() -> None:
    office = Office()
    betnr = await office.linked()
    forbid(office)
    for n in range(30):
        office.left.edit("p1", titel=f"Dr. {n}")
        office.right.edit(betnr, titel=f"Prof. {n}")
        await office.sync("p1")
    row = office.links.rows["p1"]
    assert 5 <= len(row.pending) <= 25
    assert "note_given_up" in [entry.step for entry in row.journal]
