"""Children: killed at any step, also of their parent's look, then looked at again: the same end state, no twin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
import test_bankverbindungen as bank
from household import PARTY, Household
from test_adressen import HOME, household

from synckit.errors import RemoteRejected, TransientError
from synckit.ports import IMPORT
from synckit.testing.faults import Crash

Scene = Callable[[], Awaitable[Household]]
VOLATILE = {
    "rowId",
    "geaendertAm",
    "advowareRowId",
    "advowareLastSync",
    "advowareDeletedAt",
    "id",
    "advowareId",
    "betnr",
}


async def address_created() -> Household:
    house = household()
    await house.with_party()
    house.child(**HOME)
    return house


async def address_changed() -> Household:
    house = household()
    await house.with_child(**HOME)
    house.children.edit("a1", adresseStreet="Nebenweg 2", gueltigBis="2026-12-31")
    return house


async def address_ignored() -> Household:
    house = household()
    await house.with_child(**HOME)
    house.rows.ignored = {"ort"}
    house.children.edit("a1", adresseStreet="Nebenweg 2", adresseCity="Ulm")
    return house


async def address_before_its_party() -> Household:
    house = household()
    house.party_left.seed(PARTY, lastName="Probe", assignedUserId="anna")
    house.child(**HOME)
    await house.sync("a1")
    return house


async def address_made_at_a_desk() -> Household:
    house = household()
    betnr = await house.with_party()
    house.rows.seed(betnr, strasse="Am Markt 3", ort="Ulm", postfach="12")
    return house


async def address_deleted() -> Household:
    house = household()
    await house.with_child(**HOME)
    del house.children.records["a1"]
    return house


async def address_deleted_at_a_desk() -> Household:
    house = household()
    del house.rows.records[await house.with_child(**HOME)]
    return house


async def party_deleted_at_a_desk() -> Household:
    house = household()
    right_id = await house.with_child(**HOME)
    del house.party_right.records[right_id.partition("/")[0]]
    return house


async def account_created() -> Household:
    house = bank.household()
    await house.with_party()
    house.child(**bank.ACCOUNT)
    return house


async def account_there_already() -> Household:
    house = bank.household()
    betnr = await house.with_party()
    house.rows.seed(betnr, iban=bank.IBAN, kontoinhaber="P. Probe")
    house.child(**bank.ACCOUNT)
    return house


async def account_changed() -> Household:
    house = bank.household()
    await house.with_child(**bank.ACCOUNT)
    house.children.edit("a1", iban=bank.OTHER, bank="Neue Bank")
    return house


async def account_deleted() -> Household:
    house = bank.household()
    await house.with_child(**bank.ACCOUNT)
    del house.children.records["a1"]
    return house


async def account_made_at_a_desk() -> Household:
    house = bank.household()
    betnr = await house.with_party()
    house.rows.seed(betnr, **bank.DESK)
    return house


async def account_made_on_both_sides() -> Household:
    house = bank.household()
    betnr = await house.with_party()
    house.child(**bank.ACCOUNT)
    house.rows.seed(betnr, iban=bank.IBAN, kontoinhaber="Paula Probe", bic="COBADEFFXXX")
    return house


async def account_refused() -> Household:
    """EspoCRM does not take the bank's name: the record is made without it, and says so."""
    house = await account_made_at_a_desk()
    create, update = house.children.create, house.children.update

    def refuse(payload: Mapping[str, Any]) -> None:
        if payload.get("bank") is not None:
            raise RemoteRejected("espocrm", 400, "maxLength", field="bank")

    async def creating(payload: Mapping[str, Any]) -> Any:
        refuse(payload)
        return await create(payload)

    async def updating(record_id: str, payload: Mapping[str, Any]) -> Any:
        refuse(payload)
        return await update(record_id, payload)

    house.children.create, house.children.update = creating, updating  # type: ignore[method-assign]
    return house


SCENES = [
    account_made_at_a_desk,
    account_made_on_both_sides,
    account_refused,
    account_created,
    account_there_already,
    account_changed,
    account_deleted,
    address_created,
    address_changed,
    address_ignored,
    address_before_its_party,
    address_made_at_a_desk,
    address_deleted,
    address_deleted_at_a_desk,
    party_deleted_at_a_desk,
]


async def _morning(house: Household) -> None:
    """What one round of events and of the ticker does: the party, whoever was woken, who is due, who has a state."""
    await house.party_synced()
    await house.deliver()
    for one in {*house.children.records, *house.child_links.rows}:
        if not one.startswith(IMPORT):
            await house.sync(one)


async def _quiet(house: Household) -> None:
    for _ in range(6):
        house.clock.advance(120)
        before = house.writes
        await _morning(house)
        if house.writes == before and not house.publisher.sent:
            return
    raise AssertionError("it never came to rest")


def _end(house: Household) -> dict[str, Any]:
    def stable(records: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if k not in VOLATILE} for r in records.values()]

    rows = [house.child_links.rows[one] for one in sorted(house.child_links.rows)]
    return {
        "left": stable(house.children.records),
        "right": stable(house.rows.records),
        "parties": stable(house.party_left.records),
        "notes": sorted(part for _, _, text in house.notifier.notes for part in text.rpartition("(")[0].split("\n\n")),
        "tombstones": [row.link.tombstone if row.link else None for row in rows],
        "pending": [dict(row.pending) for row in rows],
        "intents": [row.intent for row in rows],
        "parked": [row.parked.reason if row.parked else None for row in rows],
        "locks": dict(house.locks.held),
    }


async def _undisturbed(scene: Scene) -> tuple[dict[str, Any], int]:
    house = await scene()
    house.faults.points.clear()
    await _morning(house)
    points = len(house.faults.points)
    await _quiet(house)
    return _end(house), points


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
async def test_a_crash_at_any_step_ends_as_if_there_had_been_none(scene: Scene) -> None:
    expected, points = await _undisturbed(scene)
    assert points > 6
    for number in range(points):
        house = await scene()
        house.faults.crash_at(number)
        with pytest.raises(Crash):
            await _morning(house)
        house.faults.clear()
        await _quiet(house)
        assert _end(house) == expected, f"crash at point {number}"


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
async def test_a_failed_call_at_any_step_ends_as_if_there_had_been_none(scene: Scene) -> None:
    expected, points = await _undisturbed(scene)
    for number in range(points):
        house = await scene()
        house.faults.fail_at(number, TransientError("lost"))
        with suppress(TransientError):
            await _morning(house)
        house.faults.clear()
        await _quiet(house)
        assert _end(house) == expected, f"failure at point {number}"
