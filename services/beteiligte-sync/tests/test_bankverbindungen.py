"""Bank accounts through the engine: created once, never changed or deleted there, told with the number masked."""

from __future__ import annotations

from typing import Any

import pytest
from household import PARTY, Household
from office import ANNA

from beteiligte_sync.entities.bankverbindungen.mapping import BANKVERBINDUNGEN
from synckit.errors import RemoteUnavailable

IBAN, OTHER = "DE89370400440532013000", "GB82WEST12345698765432"
ACCOUNT: dict[str, Any] = {"kontoinhaber": "Paula Probe", "iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX"}


def household() -> Household:
    return Household(BANKVERBINDUNGEN, is_unique=True)


async def test_a_new_account_is_created_with_three_calls() -> None:
    house = household()
    await house.with_party()
    house.child(**ACCOUNT)
    outcome = await house.sync("a1")
    assert (outcome.result, house.calls) == ("created", 3)
    assert (house.row()["iban"], house.row()["kontoinhaber"]) == (IBAN, "Paula Probe")
    assert house.children.records["a1"]["iban"] == ACCOUNT["iban"]
    assert house.children.records["a1"]["syncStatus"] == "clean"


async def test_nothing_to_do_costs_two_reads() -> None:
    house = household()
    await house.with_child(**ACCOUNT)
    outcome = await house.sync("a1")
    assert (outcome.result, house.calls, house.writes) == ("unchanged", 2, 0)


@pytest.mark.parametrize("iban", ["DE89370400440532013001", "DE8937040044053201300", "kein Konto", None])
async def test_a_wrong_iban_is_failed_and_named_and_never_sent(iban: str | None) -> None:
    house = household()
    await house.with_party()
    house.child(**{**ACCOUNT, "iban": iban})
    await house.sync("a1")
    record = house.children.records["a1"]
    assert record["syncStatus"] == "failed"
    assert "IBAN" in record["syncErrorMessage"]
    assert str(iban) not in record["syncErrorMessage"]
    assert house.rows.calls == []
    house.children.edit("a1", iban=IBAN)
    await house.sync("a1")
    assert record["syncStatus"] == "clean"


async def test_a_change_is_one_note_with_old_and_new_masked_and_the_steps() -> None:
    house = household()
    right_id = await house.with_child(**ACCOUNT)
    house.children.edit("a1", iban=OTHER, bank="Neue Bank")
    await house.sync("a1")
    await house.sync("a1")
    (note,) = house.notifier.notes
    assert note[:2] == (PARTY, ANNA)
    assert all(part in note[2] for part in ("…3000", "…5432", "Neue Bank", *right_id.split("/")))
    assert not any(number[:-4] in note[2] for number in (IBAN, OTHER))
    record = house.children.records["a1"]
    assert (record["syncStatus"], record["iban"]) == ("manual_action", OTHER)
    assert record["syncErrorMessage"] == "Am Arbeitsplatz in Advoware nachzutragen: IBAN, Bank."
    assert all(method == "read" for method, _ in house.rows.calls)
    house.rows.edit(right_id, iban=OTHER, bank="Neue Bank")
    await house.sync("a1")
    assert record["syncStatus"] == "clean"


async def test_a_change_at_the_desk_comes_over() -> None:
    house = household()
    right_id = await house.with_child(**ACCOUNT)
    house.rows.edit(right_id, bank="Andere Bank", mandatVom="2026-01-15T00:00:00")
    await house.sync("a1")
    record = house.children.records["a1"]
    assert (record["bank"], record["mandatVom"]) == ("Andere Bank", "2026-01-15")
    assert house.notifier.notes == []


async def test_a_deletion_is_one_note_with_the_number_masked() -> None:
    house = household()
    right_id = await house.with_child(**ACCOUNT)
    del house.children.records["a1"]
    await house.sync("a1")
    await house.sync("a1")
    (note,) = house.notifier.notes
    assert note[:2] == (PARTY, ANNA)
    assert "…3000" in note[2]
    assert IBAN[:-4] not in note[2]
    assert right_id in house.rows.records


async def test_an_account_that_the_party_has_already_is_adopted() -> None:
    house = household()
    betnr = await house.with_party()
    right_id = house.rows.seed(betnr, iban="DE89 3704 0044 0532 0130 00", kontoinhaber="P. Probe", bank="Commerzbank")
    house.child(**ACCOUNT)
    outcome = await house.sync("a1")
    record = house.children.records["a1"]
    assert (outcome.result, house.right_id(), len(house.rows.records)) == ("adopted", right_id, 1)
    assert (record["kontoinhaber"], record["bank"]) == ("P. Probe", "Commerzbank")
    assert (await house.child_links.load("a1")).intent is None
    assert len(house.notifier.notes) == 1
    assert "Paula Probe" in house.notifier.notes[0][2]


async def test_the_same_account_twice_in_espocrm_is_failed_on_both() -> None:
    house = household()
    await house.with_child(**ACCOUNT)
    house.child("a2", **ACCOUNT)
    outcome = await house.sync("a2")
    assert (outcome.result, len(house.rows.records)) == ("duplicate", 1)
    assert "a1" in house.children.records["a2"]["syncErrorMessage"]


async def test_a_lost_answer_finds_the_account_by_its_iban() -> None:
    house = household()
    await house.with_party()
    house.child(**ACCOUNT)

    def lost(point: str) -> None:
        if point == "right.create.after":
            house.faults.clear()
            raise RemoteUnavailable("advoware", "no answer", maybe_applied=True)

    house.faults.hook = lost
    with pytest.raises(RemoteUnavailable):
        await house.sync("a1")
    outcome = await house.sync("a1")
    assert (outcome.result, len(house.rows.records)) == ("recovered", 1)


async def test_an_account_made_at_a_desk_stays_there() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, iban=OTHER)
    await house.party_synced()
    assert (house.children.records, house.publisher.sent) == ({}, [])
