"""POSTs that land long after we gave up on them, and what is slow around them: never a second record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime

import pytest
from household import Household
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from synckit.errors import RemoteRejected, RemoteUnavailable, SyncError
from synckit.ports import IMPORT, Payload, Snapshot
from synckit.testing.faults import Crash


def office_with_a_new_person() -> Office:
    office = Office()
    office.left.seed("p1", lastName="Probe")
    return office


@pytest.mark.parametrize(("seconds", "posts"), [(5, 1), (6, 0)])
async def test_a_post_is_not_sent_where_the_database_took_too_long_with_its_intent(seconds: int, posts: int) -> None:
    office = office_with_a_new_person()

    def slow(point: str) -> None:
        if point == "links.declare.after":
            office.faults.clear()
            office.clock.advance(seconds)

    office.faults.hook = slow
    with nullcontext() if posts else pytest.raises(RemoteUnavailable, match="postgres"):
        await office.sync("p1")
    assert office.right.calls.count(("create", "")) == posts
    assert office.links.rows["p1"].intent is None
    assert (await office.sync("p1")).result == ("unchanged" if posts else "created")
    assert len(office.right.records) == 1


async def test_killed_with_an_intent_that_took_too_long_the_next_look_waits_for_it() -> None:
    office = office_with_a_new_person()

    def killed(point: str) -> None:
        if point == "links.declare.after":
            office.clock.advance(6)
        if point == "links.commit.before":
            raise Crash

    office.faults.hook = killed
    with pytest.raises(Crash):
        await office.sync("p1")
    office.faults.clear()
    with pytest.raises(RemoteUnavailable) as waiting:
        await office.sync("p1")
    assert waiting.value.retry_after == pytest.approx(19)
    office.clock.advance(19)
    assert (await office.sync("p1")).result == "created"


async def test_what_lands_while_an_answer_is_on_its_way_is_not_held_for_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = office_with_a_new_person()
    candidates = office.right.candidates

    def lost(point: str) -> None:
        if point == "right.create.before":
            office.faults.clear()
            raise RemoteUnavailable("advoware", "no end within the limit", maybe_applied=True)

    async def slow(payload: Payload, since: datetime) -> Sequence[Snapshot]:
        monkeypatch.setattr(office.right, "candidates", candidates)
        found = await candidates(payload, since)
        await office.right.create(payload)
        office.clock.advance(10)
        return found

    office.faults.hook = lost
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    monkeypatch.setattr(office.right, "candidates", slow)
    office.clock.advance(20)
    with pytest.raises(RemoteUnavailable):
        await office.sync("p1")
    assert (await office.sync("p1")).result == "recovered"
    assert len(office.right.records) == 1


async def house_with_a_desks_row() -> tuple[Household, str]:
    """And the key of its intent."""
    house = Household(ADRESSEN)
    betnr = await house.with_party()
    return house, IMPORT + house.rows.seed(betnr, strasse="Am Markt 3", ort="Ulm")


@pytest.mark.parametrize("end", [RemoteUnavailable("espocrm", "no answer", maybe_applied=True), Crash()], ids=repr)
async def test_an_import_that_lands_late_makes_no_second_record(end: BaseException) -> None:
    house, key = await house_with_a_desks_row()
    house.faults.hook = raises_at("left.create.before", end)
    with pytest.raises(type(end)):
        await house.party_synced()
    house.faults.clear()
    house.clock.advance(1)
    with pytest.raises(RemoteUnavailable) as waiting:
        await house.party_synced()
    assert waiting.value.retry_after == pytest.approx(24)
    intent = house.child_links.rows[key].intent
    assert intent is not None
    await house.children.create({**intent.fingerprint, "adresseStreet": "Am Markt 3", "adresseCity": "Ulm"})
    house.clock.advance(24)
    await house.party_synced()
    (record_id,) = house.children.records
    assert await house.deliver() == [record_id]
    assert house.children.records[record_id]["syncStatus"] == "clean"
    assert house.child_links.rows[key].intent is None


async def test_an_import_that_never_lands_is_made_again_once_it_can_land_no_more() -> None:
    house, key = await house_with_a_desks_row()
    house.faults.hook = raises_at("left.create.before", Crash())
    with pytest.raises(Crash):
        await house.party_synced()
    house.faults.clear()
    house.clock.advance(25)
    await house.party_synced()
    await house.deliver()
    assert [record["syncStatus"] for record in house.children.records.values()] == ["clean"]
    assert house.child_links.rows[key].intent is None


@pytest.mark.parametrize(
    "error", [RemoteRejected("espocrm", 400, "no"), RemoteUnavailable("espocrm", "connection refused")], ids=repr
)
async def test_an_import_that_was_not_done_is_not_waited_for(error: SyncError) -> None:
    house, key = await house_with_a_desks_row()
    house.faults.hook = raises_at("left.create.before", error)
    with suppress(RemoteUnavailable):
        await house.party_synced()
    assert house.child_links.rows[key].intent is None
    house.faults.clear()
    await house.party_synced()
    assert len(house.children.records) == 1


def raises_at(where: str, error: BaseException) -> Callable[[str], None]:
    def hook(point: str) -> None:
        if point == where:
            raise error

    return hook
