"""Termine as the API shows and takes them: windows, single reads, what a write cuts, fills and empties."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.advoware.app import DIARY
from sandbox.tests.advoware_caller import Caller, logged_in

SINGLE = {"sb": "SB", "anwalt": "SB", "datum": "2026-02-02T09:00:00", "uhrzeitBis": "10:00:00", "text": "Besprechung"}
SERIES = {**SINGLE, "dauertermin": 1, "turnus": 1, "turnusArt": 2}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        yield caller


async def made(caller: Caller, **fields: Any) -> dict[str, Any]:
    status, termin = await caller.api("POST", "/Termine", SINGLE | fields)
    assert status == 201, termin
    shown: dict[str, Any] = termin
    return shown


async def listed(caller: Caller, start: str, end: str, kuerzel: str = "SB") -> list[int]:
    status, found = await caller.api("GET", "/Termine", **{"kuerzel": kuerzel, "from": start, "to": end})
    assert status == 200, found
    return [row["frNr"] for row in found]


async def test_sb_or_anwalt_puts_it_into_a_list(caller: Caller) -> None:
    number = (await made(caller, anwalt="KMO"))["frNr"]
    day = ("2026-02-02T00:00:00", "2026-02-02T23:59:59")
    assert [await listed(caller, *day, who) for who in ("SB", "KMO", "AH")] == [[number], [number], []]


@pytest.mark.parametrize("given", [{"from": "2026-02-02T00:00:00"}, {"to": "2026-02-02T00:00:00"}, {}])
async def test_both_ends_of_the_window_are_required(caller: Caller, given: dict[str, str]) -> None:
    assert (await caller.api("GET", "/Termine", kuerzel="SB", **given))[0] == 400


@pytest.mark.parametrize(
    ("fields", "start", "end", "is_in"),
    [
        ({}, "2026-02-02T10:00:00", "2026-02-02T11:00:00", True),
        ({}, "2026-02-02T10:00:01", "2026-02-02T11:00:00", False),
        ({}, "2026-02-02T08:00:00", "2026-02-02T09:00:00", True),
        ({}, "2026-02-02T08:00:00", "2026-02-02T08:59:59", False),
        ({"datumBis": "2026-02-04T00:00:00"}, "2026-02-04T10:00:00", "2026-02-05T00:00:00", True),
        ({"datumBis": "2026-02-04T00:00:00"}, "2026-02-04T10:00:01", "2026-02-05T00:00:00", False),
        ({"uhrzeitBis": "08:00:00"}, "2026-02-02T09:00:00", "2026-02-02T09:00:00", True),
        ({"datum": "2026-02-02T00:00:00", "uhrzeitBis": ""}, "2026-02-02T23:00:00", "2026-02-03T00:00:00", True),
        ({"datum": "2026-02-02T00:00:00", "uhrzeitBis": "23:59:59", "datumBis": "2026-02-03T00:00:00"},
         "2026-02-03T20:00:00", "2026-02-03T21:00:00", True),
        ({"vorbereitungsDauer": "02:00:00"}, "2026-02-02T07:00:00", "2026-02-02T08:00:00", False),
    ],
)  # fmt: skip
async def test_the_window_has_what_touches_it(
    caller: Caller, fields: dict[str, Any], start: str, end: str, is_in: bool
) -> None:
    number = (await made(caller, **fields))["frNr"]
    assert await listed(caller, start, end) == ([number] if is_in else [])


async def test_a_series_comes_once_with_its_first_day(caller: Caller) -> None:
    await made(caller, **SERIES)
    span = {"kuerzel": "SB", "from": "2030-02-01T00:00:00", "to": "2030-03-01T00:00:00"}
    _, [shown] = await caller.api("GET", "/Termine", **span)
    assert (shown["datum"], shown["datumBis"], shown["dauertermin"]) == ("2026-02-02T09:00:00", None, 1)


async def test_a_list_is_cut_at_ten_thousand(caller: Caller) -> None:
    diary = caller.client.app[DIARY]
    for _ in range(10_001):
        diary.desk_create(SINGLE)
    assert len(await listed(caller, "2026-01-01T00:00:00", "2027-01-01T00:00:00")) == 10_000


async def test_one_is_a_list_of_none_or_one(caller: Caller) -> None:
    number = (await made(caller))["frNr"]
    _, [one] = await caller.api("GET", "/Termine", frnr=str(number))
    assert one["frNr"] == number
    assert await caller.api("GET", "/Termine", frnr="1") == (200, [])
    assert (await caller.api("GET", "/Termine", frnr="x"))[0] == 400


async def test_in_its_other_shape_one_is_bare_or_404(caller: Caller) -> None:
    number = (await made(caller))["frNr"]
    await caller.desk("POST", "/switches", {"single_as_list": False, "post_row_id": False})
    _, one = await caller.api("GET", "/Termine", frnr=str(number))
    assert one["frNr"] == number
    assert (await caller.api("GET", "/Termine", frnr="1"))[0] == 404
    assert "rowId" not in await made(caller)


async def test_an_ignored_number_answers_something_else(caller: Caller) -> None:
    numbers = [(await made(caller))["frNr"] for _ in range(2)]
    await caller.desk("POST", "/switches", {"frnr_ignored": True})
    _, found = await caller.api("GET", "/Termine", frnr="1")
    assert [row["frNr"] for row in found] == numbers
    span = {"from": "2026-03-01T00:00:00", "to": "2026-03-02T00:00:00"}
    assert await caller.api("GET", "/Termine", frnr=str(numbers[0]), **span) == (200, [])


async def test_a_put_empties_what_is_left_out(caller: Caller) -> None:
    termin = await made(caller, ort="Ulm", notiz="Akte", vorbereitungsDauer="00:30:00", **SERIES | {"turnus": 3})
    bare = {"frNr": termin["frNr"], "sb": "SB", "datum": "2026-02-03T09:00:00"}
    _, [put] = await caller.api("PUT", "/Termine", bare)
    assert {name: put[name] for name in put if name not in ("rowId", "geaendertAm")} == {
        **bare, "anwalt": "", "uhrzeitBis": "", "datumBis": None, "text": "", "notiz": "", "ort": "",
        "dauertermin": 0, "turnus": 0, "turnusArt": 0, "vorbereitungsDauer": "",
    }  # fmt: skip
    assert put["rowId"] != termin["rowId"]


async def test_a_post_fills_sb_and_anwalt(caller: Caller) -> None:
    termin = await made(caller, sb=None, anwalt="KMO")
    assert (termin["sb"], termin["anwalt"]) == ("KMO", "KMO")


async def test_a_write_cuts_seconds(caller: Caller) -> None:
    times = {"datum": "2026-02-02T09:00:59", "uhrzeitBis": "10:00:31", "vorbereitungsDauer": "00:15:01"}
    termin = await made(caller, **times)
    assert {name: termin[name] for name in times} == {
        "datum": "2026-02-02T09:00:00",
        "uhrzeitBis": "10:00:00",
        "vorbereitungsDauer": "00:15:00",
    }
    assert (await made(caller, datum="2026-02-02T00:00:00", uhrzeitBis="23:59:59"))["uhrzeitBis"] == "23:59:59"


async def test_a_write_takes_4000_characters_of_notiz(caller: Caller) -> None:
    number = (await made(caller, notiz="n" * 4000))["frNr"]
    status, refused = await caller.api("PUT", "/Termine", SINGLE | {"frNr": number, "notiz": "n" * 4001})
    assert (status, list(refused["errors"])) == (400, ["notiz"])
    older = await caller.desk("POST", "/desk/termine", SINGLE | {"notiz": "n" * 900_000})
    assert len(older["notiz"]) == 900_000


@pytest.mark.parametrize("number", [None, 1, "70001", True])
async def test_a_put_of_what_is_not_there_is_refused(caller: Caller, number: object) -> None:
    await made(caller)
    status, _ = await caller.api("PUT", "/Termine", SINGLE | {"frNr": number})
    assert status == (400 if number is None else 404)


async def test_while_a_desk_has_it_open_writes_are_409(caller: Caller) -> None:
    number = (await made(caller))["frNr"]
    assert await caller.desk("POST", "/desk/open", {"frNr": number}) == {"open": [], "termine": [number]}
    assert (await caller.api("PUT", "/Termine", SINGLE | {"frNr": number}))[0] == 409
    assert (await caller.api("DELETE", "/Termine", frnr=str(number)))[0] == 409
    await caller.desk("POST", "/desk/close", {"frNr": number})
    assert (await caller.api("DELETE", "/Termine", frnr=str(number)))[0] == 204


async def test_nothing_is_idempotent_and_conditions_are_ignored(caller: Caller) -> None:
    first, second = await made(caller), await made(caller)
    assert first["frNr"] != second["frNr"]
    path = "/api/v1/advonet/Termine"
    headers = {"Authorization": f"Bearer {caller.token}", "If-Match": first["rowId"] + "x"}
    async with caller.client.put(path, json=SINGLE | {"frNr": first["frNr"]}, headers=headers) as answer:
        assert answer.status == 200


async def test_reading_changes_neither_row_id_nor_time(caller: Caller) -> None:
    termin = await made(caller)
    caller.clock.pass_(minutes=5)
    for _ in range(2):
        _, [again] = await caller.api("GET", "/Termine", frnr=str(termin["frNr"]))
        assert again == termin


async def test_changed_at_reads_null_by_its_own_switch(caller: Caller) -> None:
    number = (await made(caller))["frNr"]
    party = await caller.create()
    await caller.desk("POST", "/switches", {"termine_geaendert_am_null": True})
    _, [one] = await caller.api("GET", "/Termine", frnr=str(number))
    assert one["geaendertAm"] is None
    assert (await caller.party(party))["geaendertAm"] is not None
    assert (await caller.desk("GET", f"/desk/termine/{number}"))["geaendertAm"] is not None
    await caller.desk("POST", "/switches", {"termine_geaendert_am_null": False, "geaendert_am_lie": "future"})
    _, [one] = await caller.api("GET", "/Termine", frnr=str(number))
    assert one["geaendertAm"].startswith("2026-02-14")
