"""A worker that has perhaps lost its lock, as one that was frozen: it sends, shows and remembers nothing more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from office import Office

from synckit.errors import Locked, RemoteUnavailable, StaleVersion
from synckit.ports import Commit


def loses_its_lock_at(office: Office, where: str) -> Callable[[str], None]:
    def lose(point: str) -> None:
        if point == where:
            for lease in office.locks.held.values():
                lease.lost = True

    return lose


async def test_nothing_is_written_once_the_lock_may_be_lost() -> None:
    office = Office()
    await office.linked()
    office.left.edit("p1", titel="Dr.")
    office.faults.hook = loses_its_lock_at(office, "right.read.before")
    with pytest.raises(Locked):
        await office.sync("p1")
    assert office.party()["titel"] is None


async def test_a_post_that_was_not_sent_because_the_lock_may_be_lost_leaves_no_intent() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")
    office.faults.hook = loses_its_lock_at(office, "links.declare.after")
    with pytest.raises(Locked):
        await office.sync("p1")
    assert (office.links.rows["p1"].intent, office.right.records) == (None, {})


async def test_a_post_that_was_on_its_way_when_the_lock_was_lost_keeps_its_intent() -> None:
    office = Office()
    office.left.seed("p1", lastName="Probe")

    def broken_off(point: str) -> None:
        if point == "right.create.after":
            raise Locked("the lock was lost while a write was on its way", maybe_applied=True)

    office.faults.hook = broken_off
    with pytest.raises(Locked):
        await office.sync("p1")
    assert office.links.rows["p1"].intent is not None
    office.faults.clear()
    await office.sync("p1")
    assert len(office.right.records) == 1


async def test_no_note_is_posted_once_the_lock_may_be_lost_and_none_is_forgotten() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", titel="Dr.")
    office.right.edit(betnr, titel="Prof.")
    office.faults.hook = loses_its_lock_at(office, "left.update.after")
    with pytest.raises(Locked):
        await office.sync("p1")
    assert office.notifier.notes == []
    office.faults.clear()
    await office.sync("p1")
    await office.sync("p1")
    assert len(office.notifier.notes) == 1


async def test_no_rival_is_shown_as_failed_once_the_lock_may_be_lost() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.seed("p2", lastName="Zwilling", betnr=int(betnr))
    office.faults.hook = loses_its_lock_at(office, "left.update.after")
    with pytest.raises(Locked):
        await office.sync("p2")
    assert office.left.records["p1"]["syncStatus"] == "clean"


@pytest.mark.parametrize("point", ["links.load.before", "links.commit.after"])
async def test_a_record_is_not_shown_as_failed_once_the_lock_may_be_lost(point: str) -> None:
    office = Office()
    await office.linked()
    office.faults.hook = loses_its_lock_at(office, point)
    with suppress(Locked):
        await office.engine.park("p1", RemoteUnavailable("advoware", "503"))
    assert office.left.records["p1"]["syncStatus"] == "clean"
    is_parked = (await office.links.load("p1")).parked is not None
    assert is_parked is (point == "links.commit.after")


async def test_nobody_is_told_of_the_last_try_once_the_lock_may_be_lost() -> None:
    office = Office()
    await office.linked()
    for _ in range(6):
        office.faults.hook = loses_its_lock_at(office, "left.update.after")
        await office.engine.park("p1", RemoteUnavailable("advoware", "503"))
        office.clock.advance(86_400)
    assert office.left.records["p1"]["syncStatus"] == "permanently_failed"
    assert office.notifier.notes == []


async def test_a_worker_that_was_overtaken_parks_nothing() -> None:
    office = Office()
    await office.linked()
    before = office.left.records["p1"]["syncStatus"]

    def overtake(point: str) -> None:
        if point == "links.commit.before":
            office.links.rows["p1"].fence += 1

    office.faults.hook = overtake
    with pytest.raises(StaleVersion):
        await office.engine.park("p1", RemoteUnavailable("advoware", "503"))
    assert (office.links.rows["p1"].parked, office.left.records["p1"]["syncStatus"]) == (None, before)


async def test_a_stale_workers_base_is_refused() -> None:
    office = Office()
    await office.linked()
    stale = await office.links.load("p1")
    await office.sync("p1")
    with pytest.raises(StaleVersion):
        await office.links.commit(Commit("p1", stale.fence, office.clock.now()))
