"""Records that are gone together: one deletion is no sweep, and siblings don't testify against each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from household import Household
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from recordsync import Engine, EngineSettings, Remotes
from recordsync.testing.brake import FakeBrake
from synckit.ports import BRAKED, Snapshot

RETRY = EngineSettings().brake.retry.total_seconds() + 1
DAY = timedelta(days=1).total_seconds()
ADDRESSES = [f"a{n}" for n in range(7)]
STRANGERS = [f"b{n}" for n in range(4)]


def braked(office: Office) -> FakeBrake:
    brake = FakeBrake(office.links)
    ports = (office.left, office.right, office.links, office.locks, office.notifier, office.clock)
    office.engine = Engine(BETEILIGTE, Remotes(*ports, brake=brake), office.settings)
    return brake


async def family() -> tuple[Household, FakeBrake]:
    """A party with seven addresses, and another one with four."""
    home = Household(ADRESSEN)
    brake = FakeBrake(home.child_links)
    ports = (home.children, home.rows, home.child_links, home.locks, home.notifier, home.clock)
    home.engine = Engine(ADRESSEN, Remotes(*ports, home.party_links, brake), home.settings)
    await home.with_party()
    home.party_left.seed("p2", lastName="Zwei")
    await home.party_synced("p2")
    for one in STRANGERS:
        home.children.seed(
            one, beteiligteId="p2", adresseStreet=f"Gasse {one}", adresseCity="Ort", adressePostalCode="1"
        )
        await home.sync(one)
    for one in ADDRESSES:
        home.child(one, adresseStreet=f"Weg {one}", adresseCity="Ort")
        await home.sync(one)
    home.publisher.sent.clear()
    home.forget_calls()
    return home, brake


async def test_a_party_with_seven_addresses_that_a_desk_deletes_is_no_sweep() -> None:
    home, brake = await family()
    del home.party_right.records[str(home.party_left.records["p1"]["betnr"])]
    assert (await home.party_synced()).result == "deleted_right"
    assert sorted(await home.deliver()) == ADDRESSES
    assert {home.children.records[one]["syncStatus"] for one in ADDRESSES} == {"deleted_in_advoware"}
    assert (brake.counted, brake.engaged) == ({}, {})
    home.rows.edit(home.right_id("b0"), strasse=None)
    assert (await home.sync("b0")).result == "updated", "one cleared field of another party is everyday work"


async def test_the_addresses_of_a_party_that_espocrm_deleted_are_its_loss() -> None:
    home, brake = await family()
    del home.party_left.records["p1"]
    for one in ADDRESSES:
        del home.children.records[one]
    await home.party_synced()
    assert sorted(await home.deliver()) == ADDRESSES
    tombstones = {row.link.tombstone for one, row in home.child_links.rows.items() if row.link and one in ADDRESSES}
    assert (tombstones, brake.counted, brake.engaged) == ({"left_deleted"}, {}, {})


async def test_addresses_that_are_gone_do_not_testify_against_their_siblings() -> None:
    home, brake = await family()
    for one in ADDRESSES[:4]:
        del home.children.records[one]
    for one in ADDRESSES[4:]:
        home.child_links.rows[one].link = None
    assert [(await home.sync(one)).result for one in ADDRESSES[:4]] == ["deleted_left"] * 4
    assert brake.engaged == {}


async def test_where_the_rows_of_all_parties_are_gone_none_is_given_up() -> None:
    home, _ = await family()
    home.rows.records.clear()
    results = {(await home.sync(one)).result for one in (*ADDRESSES, *STRANGERS)}
    assert results == {"held"}


async def test_two_of_two_that_are_deleted_are_believed_after_a_day() -> None:
    office = Office()
    brake = braked(office)
    for one in ("p1", "p2"):
        await office.linked(one)
        del office.left.records[one]
    for _ in range(12):
        assert {(await office.sync(one)).result for one in ("p1", "p2")} == {"held"}
        office.clock.advance(RETRY)
    office.clock.advance(DAY)
    assert {(await office.sync(one)).result for one in ("p1", "p2")} == {"deleted_left"}
    assert (len(office.notifier.notes), brake.engaged) == (2, {})


async def test_a_side_that_knows_nobody_for_an_hour_takes_nothing_however_few_they_are() -> None:
    office = Office()
    braked(office)
    for one in ("p1", "p2", "p3"):
        await office.linked(one)
    there = dict(office.right.records)
    office.right.records.clear()
    for _ in range(12):
        assert {(await office.sync(one)).result for one in ("p1", "p2", "p3")} == {"held"}
        office.clock.advance(RETRY)
    office.right.records.update(there)
    assert {(await office.sync(one)).result for one in ("p1", "p2", "p3")} == {"updated"}
    assert {office.left.records[one]["syncStatus"] for one in ("p1", "p2", "p3")} == {"clean"}


async def test_of_more_than_a_few_none_is_given_up_however_long_all_are_said_to_be_gone() -> None:
    office = Office()
    brake = braked(office)
    everybody = [f"p{n}" for n in range(7)]
    for one in everybody:
        await office.linked(one)
    office.left.records.clear()
    for _ in range(4):
        assert {(await office.sync(one)).result for one in everybody} == {"held"}
        office.clock.advance(DAY)
    assert brake.engaged


@pytest.mark.parametrize("side", ["left", "right"])
async def test_what_would_be_deleted_in_advoware_waits_for_a_person_however_long_it_takes(side: str) -> None:
    office = Office(EngineSettings(delete="when-unused"))
    braked(office)
    for one in ("p1", "p2"):
        await office.linked(one)
    getattr(office, side).records.clear()
    for _ in range(4):
        results = {(await office.sync(one)).result for one in ("p1", "p2")}
        office.clock.advance(DAY)
    parked = {row.parked.reason for row in office.links.rows.values() if row.parked}
    if side == "left":
        assert (results, parked) == ({"held"}, {BRAKED})
        assert len(office.right.records) == 2
    else:
        assert results == {"right_gone"}


@pytest.mark.parametrize("side", ["left", "right"])
async def test_a_record_that_is_away_for_less_than_the_pause_is_not_gone(
    side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two reads that must both say so are a second apart: a row that is being replaced is back by then."""
    office = Office()
    await office.linked()
    store = office.left if side == "left" else office.right
    read, back_at = store.read, office.clock.now() + timedelta(seconds=0.9)

    async def being_replaced(record_id: str) -> Snapshot | None:
        return await read(record_id) if office.clock.now() >= back_at else None

    monkeypatch.setattr(store, "read", being_replaced)
    assert (await office.sync("p1")).result == "unchanged"
    link = office.links.rows["p1"].link
    assert link is not None
    assert link.tombstone == ""
