"""Edits that look like a contradiction, because of when we read and wrote: each is somebody's, and gets over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from household import Household
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from synckit.errors import StaleVersion
from synckit.ports import Snapshot


class Once:
    """A desk's edit in the moment before our PUT."""

    def __init__(self, faults: Any, edit: Any) -> None:
        self._faults, self._edit = faults, edit

    def __call__(self, point: str) -> None:
        if point == "right.update.before":
            self._faults.hook = lambda _point: None
            self._edit()


async def days_of_looks(office: Any, record_id: str, days: int = 3) -> list[str]:
    results = []
    for _ in range(days):
        office.clock.advance(86_400)
        results.append((await office.sync(record_id)).result)
    return results


async def test_a_desks_edit_of_what_our_put_does_not_take_comes_over_in_the_same_look() -> None:
    office = Office()
    betnr = await office.linked()
    office.left.edit("p1", titel="Dr.")
    office.faults.hook = Once(office.faults, lambda: office.right.edit(betnr, familienstand="verheiratet"))
    assert (await office.sync("p1")).result == "updated"
    assert (office.party()["titel"], office.left.records["p1"]["familienstand"]) == ("Dr.", "verheiratet")
    assert await days_of_looks(office, "p1") == ["unchanged"] * 3


async def test_the_same_of_an_address() -> None:
    office = Household(ADRESSEN)
    row = await office.with_child(adresseStreet="Weg 1", adresseCity="Ort")
    office.children.edit("a1", adresseStreet="Weg 2")
    office.faults.hook = Once(office.faults, lambda: office.rows.edit(row, gueltigBis="2026-12-31T00:00:00"))
    await office.sync("a1")
    assert office.children.records["a1"]["gueltigBis"] == "2026-12-31"
    assert await days_of_looks(office, "a1") == ["unchanged"] * 3


@pytest.mark.parametrize("side", ["left", "right"])
async def test_an_answer_that_lacks_a_field_makes_no_lie_of_the_whole_one(side: str) -> None:
    office = Office()
    betnr = await office.linked()
    if side == "right":
        office.right.edit(betnr, titel="Dr.", zusatz="c/o")
    else:
        office.left.edit("p1", titel="Dr.", zusatz="c/o")
    store: Any = office.right if side == "right" else office.left
    whole = store._snapshot

    def partial(record_id: str) -> Snapshot:
        shown: Snapshot = whole(record_id)
        return replace(shown, payload={k: v for k, v in shown.payload.items() if k != "titel"})

    store._snapshot = partial
    await office.sync("p1")
    store._snapshot = whole
    results = await days_of_looks(office, "p1")
    assert (office.left.records["p1"]["titel"], office.party()["titel"]) == ("Dr.", "Dr.")
    assert results == ["updated", "unchanged", "unchanged"]
    assert not {cause for cause in (await office.links.load("p1")).notes if cause.startswith("refused:")}


async def test_what_a_person_saves_while_espocrm_carries_out_our_put_gets_over() -> None:
    """EspoCRM loads, the person saves, EspoCRM saves ours: the answer shows the field as it was loaded."""
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, zusatz="c/o")
    update = office.left.update

    async def racing(record_id: str, payload: Any) -> Snapshot:
        office.left.update = update  # type: ignore[method-assign]
        office.left.edit(record_id, titel="Dr.")
        answer = await update(record_id, payload)
        return replace(answer, payload={**answer.payload, "titel": None})

    office.left.update = racing  # type: ignore[method-assign]
    await office.sync("p1")
    await days_of_looks(office, "p1")
    assert office.party()["titel"] == "Dr."
    assert office.left.records["p1"]["syncStatus"] == "clean"


async def test_a_record_that_is_deleted_between_our_read_and_our_write_is_looked_at_again_and_is_no_error() -> None:
    office = Office()
    betnr = await office.linked()
    office.right.edit(betnr, zusatz="c/o")

    def deleted(point: str) -> None:
        if point == "left.update.before":
            office.faults.hook = lambda _point: None
            office.left.records.pop("p1")

    office.faults.hook = deleted
    with pytest.raises(StaleVersion):
        await office.sync("p1")
    assert (await office.sync("p1")).result == "deleted_left"
