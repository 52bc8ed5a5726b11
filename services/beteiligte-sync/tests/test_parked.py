"""A parked record whose turn has come is parked no more, whatever the look came to: or it would be called for ever."""

from __future__ import annotations

import pytest
from office import Office

from synckit.errors import RemoteUnavailable

AWAY = RemoteUnavailable("advoware", "503")


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
