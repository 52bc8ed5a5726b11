"""A parked record whose turn has come is parked no more, whatever the look came to: or it would be called for ever."""

from __future__ import annotations

import pytest
from office import Office

from synckit.errors import RemoteUnavailable
from synckit.testing.faults import Crash

AWAY = RemoteUnavailable("advoware", "503")
LAST_RUNG = 6


def arm(office: Office, point: str, error: BaseException) -> None:
    def hook(passed: str) -> None:
        if passed == point:
            raise error

    office.faults.hook = hook


async def is_parked(office: Office) -> bool:
    return (await office.links.load("p1")).parked is not None


@pytest.mark.parametrize("gone", ["left", "right"])
async def test_a_record_of_which_one_side_is_gone(gone: str) -> None:
    office = Office()
    betnr = await office.linked()
    del (office.left.records if gone == "left" else office.right.records)["p1" if gone == "left" else betnr]
    await office.sync("p1")
    await office.engine.park("p1", AWAY)
    office.clock.advance(120)
    if gone == "right":
        office.left.edit("p1", syncStatus="deleted_in_advoware")
    await office.sync("p1")
    assert not await is_parked(office)


async def test_a_record_that_was_deleted_before_it_ever_was_in_advoware() -> None:
    office = Office()
    await office.engine.park("p1", AWAY)
    office.clock.advance(120)
    assert (await office.sync("p1")).result == "nothing"
    assert not await is_parked(office)


async def test_a_record_in_step() -> None:
    office = Office()
    await office.linked()
    await office.engine.park("p1", AWAY)
    office.clock.advance(120)
    await office.sync("p1")
    assert not await is_parked(office)


async def parked_often(office: Office, times: int, error: RemoteUnavailable = AWAY) -> None:
    for _ in range(times):
        await office.engine.park("p1", error)
        office.clock.advance(2 * 86400)


@pytest.mark.parametrize("point", ["left.update.before", "links.announce.before", "notifier.tell.before"])
async def test_the_one_note_of_a_record_that_failed_for_good_comes_later_where_espocrm_was_away(point: str) -> None:
    office = Office()
    await office.linked()
    await parked_often(office, LAST_RUNG - 1)
    arm(office, point, RemoteUnavailable("espocrm", "503"))
    await parked_often(office, 1)
    assert office.notifier.notes == []
    office.faults.clear()
    await parked_often(office, 3)
    assert len(office.notifier.notes) == 1


@pytest.mark.parametrize(
    "point", ["links.commit.after", "left.update.after", "links.announce.after", "notifier.tell.after"]
)
async def test_the_one_note_of_a_record_that_failed_for_good_is_neither_lost_nor_doubled_by_a_kill(point: str) -> None:
    office = Office()
    await office.linked()
    await parked_often(office, LAST_RUNG - 1)
    arm(office, point, Crash())
    with pytest.raises(Crash):
        await office.engine.park("p1", AWAY)
    office.faults.clear()
    office.locks.held.clear()
    office.clock.advance(2 * 86400)
    await parked_often(office, 3, RemoteUnavailable("advoware", "502"))
    assert len(office.notifier.notes) == 1


async def test_a_record_that_recovered_is_not_told_to_have_failed_and_is_when_it_fails_for_good_again() -> None:
    office = Office()
    await office.linked()
    await parked_often(office, LAST_RUNG - 1)
    arm(office, "notifier.tell.before", RemoteUnavailable("espocrm", "503"))
    await parked_often(office, 1)
    office.faults.clear()
    await office.sync("p1")
    assert office.notifier.notes == []
    for count in (1, 2):
        await parked_often(office, LAST_RUNG + 2)
        assert len(office.notifier.notes) == count
        await office.sync("p1")
        assert office.left.records["p1"]["syncStatus"] == "clean"
