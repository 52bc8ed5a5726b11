"""Bank accounts through the engine: created once, never changed or deleted there, told with the number masked."""

from __future__ import annotations

from typing import Any

import pytest
from household import PARTY, Household
from office import ANNA

from beteiligte_sync.entities.bankverbindungen.mapping import BANKVERBINDUNGEN
from synckit.errors import RemoteRejected, RemoteUnavailable

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


DESK: dict[str, Any] = {"iban": OTHER, "kontoinhaber": "Paula Probe", "bank": "Westbank", "mandatVom": None}


async def test_an_account_made_at_a_desk_comes_over_once() -> None:
    house = household()
    betnr = await house.with_party()
    right_id = house.rows.seed(betnr, **{**DESK, "iban": "GB82 WEST 1234 5698 7654 32"})
    for _ in range(2):
        await house.party_synced()
    (record_id,) = house.children.records
    assert set(await house.deliver()) == {record_id}
    record = house.children.records[record_id]
    assert (record["beteiligteId"], record["kontoinhaber"], record["bank"]) == (PARTY, "Paula Probe", "Westbank")
    assert record["name"] == "Paula Probe, IBAN …5432"
    assert (record["syncStatus"], house.right_id(record_id)) == ("clean", right_id)
    assert [method for method, _ in house.rows.calls if method != "read"] == []
    house.forget_calls()
    await house.party_synced()
    assert (house.calls, house.notifier.notes) == (2, [])
    assert (await house.sync(record_id)).result == "unchanged"


async def test_a_desks_account_costs_a_look_at_its_party_two_searches_and_a_post() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, **DESK)
    await house.party_synced()
    assert [method for method, _ in house.children.calls] == ["find", "find", "create"]
    house.forget_calls()
    await house.deliver()
    assert house.calls == 3


async def test_a_desks_account_that_espocrm_has_already_is_linked_and_makes_no_twin() -> None:
    """A user entered the same before anybody looked: blanks and dashes of an IBAN make no difference."""
    house = household()
    betnr = await house.with_party()
    house.child(**{**ACCOUNT, "iban": "de89 3704 0044 0532 0130 00"})
    right_id = house.rows.seed(betnr, iban=IBAN, kontoinhaber="Paula Probe", bic="COBADEFFXXX")
    await house.party_synced()
    assert await house.deliver() == ["a1"]
    assert (list(house.children.records), house.right_id()) == (["a1"], right_id)
    assert (len(house.rows.records), house.children.records["a1"]["syncStatus"]) == (1, "clean")
    house.forget_calls()
    await house.party_synced()
    assert (house.calls, house.publisher.sent) == (2, [])


SPELLINGS = ("DE89-3704-0044-0532-0130-00", "DE89~3704~0044~0532~0130~00", "DE89⁃3704⁃0044⁃0532⁃0130⁃00")
MORE_SPELLINGS = ("DE89|3704|0044|0532|0130|00", "(DE89 3704 0044 0532 0130 00)", "IBAN-Nr. DE89370400440532013000")


@pytest.mark.parametrize("spelling", [*SPELLINGS, *MORE_SPELLINGS])
@pytest.mark.parametrize("first", ["account", "party"])
async def test_a_desks_spelling_makes_no_second_account(spelling: str, first: str) -> None:
    """Whatever stands between the groups, and whichever of the two is looked at first."""
    house = household()
    betnr = await house.with_party()
    right_id = house.rows.seed(betnr, iban=spelling, kontoinhaber="Paula Probe", bic="COBADEFFXXX")
    house.child(**ACCOUNT)
    if first == "account":
        await house.sync("a1")
    for _ in range(2):
        await house.party_synced()
        await house.deliver()
    assert (list(house.children.records), list(house.rows.records)) == (["a1"], [right_id])
    assert (house.right_id(), house.children.records["a1"]["syncStatus"]) == (right_id, "clean")


async def test_two_rows_of_one_iban_are_one_record_and_one_note() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, **DESK)
    house.rows.seed(betnr, **{**DESK, "iban": "GB82 WEST 1234 5698 7654 32", "bank": "Doppelt"})
    for _ in range(3):
        await house.party_synced()
        await house.deliver()
    assert [record["syncStatus"] for record in house.children.records.values()] == ["clean"]
    (note,) = house.notifier.notes
    assert (note[0], "doppelt" in note[2], "…5432" in note[2], OTHER in note[2]) == (PARTY, True, True, False)
    house.forget_calls()
    await house.party_synced()
    assert house.calls == 2


async def test_an_account_of_another_party_with_the_same_iban_is_another_account() -> None:
    house = household()
    await house.with_child(**ACCOUNT)
    house.party_left.seed("p2", lastName="Andere", assignedUserId=ANNA)
    await house.party_synced("p2")
    house.rows.seed(str(house.party_left.records["p2"]["betnr"]), iban=IBAN, kontoinhaber="Paula Probe")
    await house.party_synced("p2")
    await house.deliver()
    assert sorted(record["beteiligteId"] for record in house.children.records.values()) == [PARTY, "p2"]


async def test_a_desks_account_with_a_wrong_iban_comes_over_as_it_is() -> None:
    """It is what the desk has. EspoCRM's user sees it, and nothing of it is ever sent back."""
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, **{**DESK, "iban": "GB00WEST12345698765432"})
    await house.party_synced()
    await house.deliver()
    (record,) = house.children.records.values()
    assert (record["iban"], record["syncStatus"]) == ("GB00WEST12345698765432", "clean")
    assert [method for method, _ in house.rows.calls if method != "read"] == []


async def test_a_desks_account_without_an_iban_comes_over_without_a_search_for_one() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, kontoinhaber="Paula Probe", bank="Altbank", kontoNr="12345", blz="60050101")
    await house.party_synced()
    await house.deliver()
    (record,) = house.children.records.values()
    assert (record["bank"], record["iban"], record["syncStatus"]) == ("Altbank", None, "clean")


async def test_an_account_that_a_desk_deletes_and_enters_again_is_a_new_record() -> None:
    house = household()
    right_id = await house.with_child(**ACCOUNT)
    del house.rows.records[right_id]
    await house.sync("a1")
    house.rows.seed(right_id.partition("/")[0], iban=IBAN, kontoinhaber="Paula Probe")
    await house.party_synced()
    await house.deliver()
    states = {one: record["syncStatus"] for one, record in house.children.records.items()}
    assert sorted(states.values()) == ["clean", "deleted_in_advoware"]


async def test_an_account_deleted_in_espocrm_does_not_come_back_from_the_desk() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, **DESK)
    await house.party_synced()
    await house.deliver()
    (record_id,) = house.children.records
    del house.children.records[record_id]
    await house.sync(record_id)
    await house.party_synced()
    assert (await house.deliver(), house.children.records) == ([], {})


async def test_accounts_of_a_party_that_is_given_up_are_not_taken_over() -> None:
    house = household()
    betnr = await house.with_party()
    del house.party_right.records[betnr]
    house.rows.seed(betnr, **DESK)
    await house.party_synced()
    assert house.children.records == {}


async def test_an_account_that_espocrm_refuses_is_told_masked() -> None:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, **DESK)

    def refuse(point: str) -> None:
        if point == "left.create.before":
            raise RemoteRejected("espocrm", 403, "No create access")

    house.faults.hook = refuse
    for _ in range(2):
        await house.party_synced()
    (note,) = house.notifier.notes
    assert "…5432" in note[2]
    assert OTHER[:-4] not in note[2]
    assert house.children.calls.count(("create", "new-0")) == 1
