"""Rows that a desk made and EspoCRM refuses: told once at the party, remembered, and taken over when they can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from household import PARTY, Household
from office import ANNA

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from synckit.errors import RemoteRejected

DAY = 86_400
ROW: dict[str, Any] = {"strasse": "Am Markt 3", "plz": "89073", "ort": "Ulm", "land": "DE"}


async def house_with_a_row() -> tuple[Household, str]:
    house = Household(ADRESSEN)
    betnr = await house.with_party()
    return house, house.rows.seed(betnr, **ROW)


def strict(house: Household, status: int, reason: str, field: str | None) -> None:
    create = house.children.create

    async def checked(payload: Mapping[str, Any]) -> Any:
        if field is None or payload.get(field) is not None or reason == "required":
            house.children.calls.append(("create", ""))
            raise RemoteRejected("espocrm", status, reason, field=field)
        return await create(payload)

    house.children.create = checked  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("status", "reason", "field"),
    [(403, "No create access", None), (400, "required", "kategorie"), (400, "required", "adresseCountry")],
)
async def test_a_refused_row_is_told_once_and_not_tried_again(status: int, reason: str, field: str | None) -> None:
    house, right_id = await house_with_a_row()
    strict(house, status, reason, field)
    outcome = await house.party_synced()
    assert [(each.upstream, each.status) for each in outcome.refused][-1] == ("espocrm", status)
    for _ in range(3):
        house.forget_calls()
        await house.party_synced()
        assert house.calls == 2
    (note,) = house.notifier.notes
    assert note[:2] == (PARTY, ANNA)
    assert all(part in note[2] for part in ("Am Markt 3, 89073 Ulm", *right_id.split("/"), "EspoCRM"))
    house.clock.advance(DAY)
    await house.party_synced()
    assert (house.children.calls.count(("create", "")) >= 1, len(house.notifier.notes)) == (True, 1)


async def test_a_refused_row_comes_over_after_it_is_mended() -> None:
    house, right_id = await house_with_a_row()
    create = house.children.create
    strict(house, 403, "No create access", None)
    await house.party_synced()
    house.children.create = create  # type: ignore[method-assign]
    house.rows.edit(right_id, strasse="Am Markt 4")
    await house.party_synced()
    await house.deliver()
    assert [record["adresseStreet"] for record in house.children.records.values()] == ["Am Markt 4"]
    assert not any(cause.startswith(("rejected", "not_imported")) for cause in house.party_links.rows[PARTY].notes)


async def test_a_row_comes_over_without_the_field_that_is_refused() -> None:
    house, _ = await house_with_a_row()
    strict(house, 400, "maxLength", "adresseCity")
    await house.party_synced()
    (made,) = house.children.records
    assert house.children.records[made]["adresseStreet"] == "Am Markt 3"
    update = house.children.update

    async def checked(record_id: str, payload: Mapping[str, Any]) -> Any:
        if payload.get("adresseCity"):
            raise RemoteRejected("espocrm", 400, "maxLength", field="adresseCity")
        return await update(record_id, payload)

    house.children.update = checked  # type: ignore[method-assign]
    await house.deliver()
    record = house.children.records[made]
    assert (record["syncStatus"], "Ort" in record["syncErrorMessage"]) == ("failed", True)
    assert "„Ulm“" in record["syncErrorMessage"]


async def test_the_search_for_a_row_that_is_refused_is_no_trouble_of_the_party() -> None:
    house, _ = await house_with_a_row()

    def refuse(point: str) -> None:
        if point == "left.find.before":
            raise RemoteRejected("espocrm", 403, "No read access")

    house.faults.hook = refuse
    await house.party_synced()
    assert house.party_left.records[PARTY]["syncStatus"] == "clean"
    assert len(house.notifier.notes) == 1


async def test_an_unreadable_row_is_told_once() -> None:
    house = Household(ADRESSEN)
    betnr = await house.with_party()
    house.rows.seed(betnr, strasse="Am Markt 3", ort=["gestern"])
    for _ in range(2):
        await house.party_synced()
    assert len(house.notifier.notes) == 1


async def test_a_note_of_a_refused_row_that_nobody_takes_is_kept() -> None:
    house, _ = await house_with_a_row()
    strict(house, 403, "No create access", None)

    def refuse(point: str) -> None:
        if point == "notifier.tell.before":
            raise RemoteRejected("espocrm", 403, "no")

    house.faults.hook = refuse
    outcome = await house.party_synced()
    assert outcome.undeliverable == 1
    house.faults.clear()
    house.clock.advance(DAY)
    await house.party_synced()
    await house.party_synced()
    assert len(house.notifier.notes) == 1


async def test_an_impossible_day_keeps_no_row_out() -> None:
    """It is left out, and the row comes over with all the rest."""
    house = Household(ADRESSEN)
    betnr = await house.with_party()
    house.rows.seed(betnr, strasse="Am Markt 3", gueltigVon="0001-01-01T00:00:00")
    await house.party_synced()
    assert house.notifier.notes == []
    assert len(house.left.records) == 1
