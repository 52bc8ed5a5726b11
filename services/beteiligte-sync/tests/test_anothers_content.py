"""EspoCRM answers with another record's content under our record's id: no link is changed, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from office import Office
from test_engine_findings import braked

from synckit.ports import Snapshot


async def shown_as(office: Office, values: dict[str, Any], ahead: timedelta) -> None:
    """What EspoCRM shows of p1 from now on."""
    whole = office.left._snapshot

    def another(record_id: str) -> Snapshot:
        shown = whole(record_id)
        at = office.clock.now().replace(microsecond=0) + ahead
        return replace(shown, payload={**shown.payload, **values}, changed_at=at, changed_by="anna")

    office.left._snapshot = another  # type: ignore[method-assign]


@pytest.mark.parametrize("status", ["pending_sync", "clean", None])
@pytest.mark.parametrize("is_numbered", [False, True], ids=["no number", "of an unlinked party"])
@pytest.mark.parametrize("ahead", [timedelta(days=-2), timedelta(0)], ids=["older", "just saved"])
@pytest.mark.parametrize("has_ledger", [False, True])
async def test_anothers_content_changes_no_link(
    status: str | None, is_numbered: bool, ahead: timedelta, has_ledger: bool
) -> None:
    """It is held, and all is well once EspoCRM tells the truth again."""
    office = Office()
    if has_ledger:
        braked(office)
    betnr = await office.linked()
    await office.sync("p1")
    other = office.right.seed(name="Ander", vorname="Anton")
    truth, party = office.left._snapshot, dict(office.right.records[betnr])
    number = int(other) if is_numbered else None
    content = {"lastName": "Ander", "firstName": "Anton", "betnr": number, "advowareRowId": None, "syncStatus": status}
    await shown_as(office, content, ahead)
    for _ in range(3):
        assert (await office.sync("p1")).result == "held"
        office.clock.advance(600)
    link = office.links.rows["p1"].link
    assert link is not None
    assert (link.right_id, link.tombstone, office.right.records[betnr]) == (betnr, "", party)
    office.left._snapshot = truth  # type: ignore[method-assign]
    office.left.edit("p1", titel="Dr.")
    await office.sync("p1")
    assert (office.party()["titel"], office.left.records["p1"]["syncStatus"]) == ("Dr.", "clean")
    assert office.notifier.notes == []


async def test_a_person_may_correct_number_and_name_at_once() -> None:
    """The row id beside them is the one that we wrote: it is our record."""
    office = Office()
    await office.linked()
    await office.sync("p1")
    other = office.right.seed(name="Ander", vorname="Anton")
    office.left.edit("p1", betnr=int(other), lastName="Ander", firstName="Anton")
    await office.sync("p1")
    link = office.links.rows["p1"].link
    assert link is not None
    assert link.right_id == other
