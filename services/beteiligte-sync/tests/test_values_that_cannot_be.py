"""A value that can't be, or a row that is none, keeps nothing else of its record from being synced."""

from __future__ import annotations

from typing import Any

import pytest
from kommunikation_office import Shop
from office import Office

NO_DAYS: list[Any] = [
    "0001-01-01T00:00:00",
    "9999-12-31T00:00:00",
    "99999-01-01",
    "2026-02-30",
    "20260101",
    "gestern",
    20260101,
    True,
    {"tag": 1},
]
NO_ROWS: list[Any] = [None, "x", 7, [], {}, {"id": None}, {"id": True}, {"id": -1}, {"rowId": "r"}]


@pytest.mark.parametrize("day", NO_DAYS)
async def test_a_day_that_cannot_be_spoils_one_field(day: Any) -> None:
    """Neither is it carried over, nor does it empty the other side, nor does it hold the rest."""
    office = Office()
    await office.linked(dateOfBirth="1990-05-01")
    office.right.edit(office.betnr(), geburtsdatum=day, titel="Dr.")
    await office.sync("p1")
    record = office.left.records["p1"]
    assert (record["dateOfBirth"], record["titel"]) == ("1990-05-01", "Dr.")
    office.left.edit("p1", dateOfBirth="1990-05-02")
    await office.sync("p1")
    assert office.party()["geburtsdatum"] == "1990-05-02T00:00:00"


@pytest.mark.parametrize("bad", NO_ROWS)
async def test_a_bad_row_hides_no_other(bad: Any) -> None:
    """What EspoCRM changed goes to its row, and nothing is made twice."""
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.party()["kommunikation"].insert(0, bad)
    shop.mails("neu@probe.de", "bert@probe.de")
    await shop.sync("p1")
    rows = [each["tlf"] for each in shop.party()["kommunikation"] if isinstance(each, dict) and "tlf" in each]
    assert sorted(rows) == ["bert@probe.de", "neu@probe.de"]


@pytest.mark.parametrize("bad", NO_ROWS)
async def test_a_row_that_became_unreadable_is_not_gone(bad: Any) -> None:
    """Nothing is written on either side for it, and the party's own fields go on."""
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de", "carl@probe.de")
    shop.party()["kommunikation"][0] = bad
    shop.right.edit(shop.betnr(), titel="Dr.")
    await shop.sync("p1")
    shown = [each["emailAddress"] for each in shop.left.records["p1"]["emailAddressData"]]
    assert sorted(shown) == ["anna@probe.de", "bert@probe.de", "carl@probe.de"]
    assert shop.left.records["p1"]["titel"] == "Dr."
    assert shop.rows.calls == []


@pytest.mark.parametrize("bad", [None, "x", 7, []])
async def test_a_bad_item_of_espocrm_empties_no_row(bad: Any) -> None:
    """It may stand for the address that is missing."""
    shop = Shop()
    await shop.with_mails("anna@probe.de", "bert@probe.de")
    shop.left.records["p1"]["emailAddressData"][0] = bad
    await shop.sync("p1")
    assert sorted(shop.numbers()) == ["anna@probe.de", "bert@probe.de"]


@pytest.mark.parametrize("claim", ["1/../2", "-1", -1, 10**30, "Müller", 1.5])
async def test_a_number_that_cannot_be_is_neither_link_nor_none(claim: Any) -> None:
    """No party is made for a record that says it has one."""
    office = Office()
    office.left.seed("p1", lastName="Probe", betnr=claim)
    await office.sync("p1")
    assert office.right.records == {}
    assert office.left.records["p1"]["syncStatus"] == "failed"
