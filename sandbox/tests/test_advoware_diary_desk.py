"""Termine and Mitarbeiter at a desk: entering, changing, history, the week page, and lies that only the API tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from sandbox.advoware.app import DIARY
from sandbox.advoware.lies import LIES
from sandbox.tests.advoware_caller import Caller, logged_in

SINGLE = {"sb": "SB", "datum": "2026-02-02T09:00:00", "uhrzeitBis": "10:00:00", "text": "Besprechung"}
DAY = {"kuerzel": "SB", "from": "2026-02-02T00:00:00", "to": "2026-02-02T23:59:59"}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        yield caller


async def entered(caller: Caller, **fields: Any) -> int:
    return int((await caller.desk("POST", "/desk/termine", SINGLE | fields))["frNr"])


async def told(caller: Caller, number: int) -> tuple[Any, Any]:
    """What a single read and a list say; text where it is no JSON."""
    answers = []
    for query in ({"frnr": str(number)}, DAY):
        headers = {"Authorization": f"Bearer {caller.token}"}
        async with caller.client.get("/api/v1/advonet/Termine", params=query, headers=headers) as answer:
            answers.append((answer.status, await answer.text()))
    return answers[0], answers[1]


async def test_a_desk_enters_changes_and_deletes(caller: Caller) -> None:
    status, termin = await caller.raw("POST", "/_sandbox/desk/termine", SINGLE)
    assert (status, termin["anwalt"], termin["text"]) == (201, "SB", "Besprechung")
    number = termin["frNr"]
    changed = await caller.desk("POST", f"/desk/termine/{number}", {"ort": "Ulm"})
    assert (changed["ort"], changed["text"], changed["rowId"] == termin["rowId"]) == ("Ulm", "Besprechung", False)
    assert await caller.desk("GET", f"/desk/termine/{number}") == changed
    await caller.desk("DELETE", f"/desk/termine/{number}")
    for method in ("GET", "POST", "DELETE"):
        assert (await caller.raw(method, f"/_sandbox/desk/termine/{number}", {}))[0] == 404


async def test_a_desk_lists_one_employees_or_all(caller: Caller) -> None:
    first, second = await entered(caller), await entered(caller, sb="KMO", anwalt="SB")
    third = await entered(caller, sb="KMO")
    shown = {who: await caller.desk("GET", f"/desk/termine?kuerzel={who}") for who in ("SB", "KMO", "")}
    assert {who: [row["frNr"] for row in each["list"]] for who, each in shown.items()} == {
        "SB": [first, second],
        "KMO": [second, third],
        "": [first, second, third],
    }
    assert shown[""]["total"] == 3


async def test_many_are_entered_at_once(caller: Caller) -> None:
    made = await caller.desk("POST", "/desk/termine", {"items": [SINGLE, SINGLE]})
    assert made == {"frNr": [70001, 70002]}


async def test_a_field_that_the_form_lacks_is_refused(caller: Caller) -> None:
    status, answer = await caller.raw("POST", "/_sandbox/desk/termine", SINGLE | {"titel": "x"})
    assert (status, list(answer["errors"])) == (400, ["titel"])


async def test_the_history_and_the_changes_say_who(caller: Caller) -> None:
    number = await entered(caller)
    await caller.api("PUT", "/Termine", SINGLE | {"frNr": number, "ort": "Ulm"})
    await caller.desk("DELETE", f"/desk/termine/{number}")
    versions = (await caller.desk("GET", f"/desk/termine/{number}/history"))["versions"]
    assert [(each["origin"], each["action"]) for each in versions] == [
        ("desk", "anlegen"),
        ("api", "ändern"),
        ("desk", "löschen"),
    ]
    assert (versions[1]["fields"], versions[1]["values"]["ort"]) == (["anwalt", "ort"], "Ulm")
    changes = (await caller.desk("GET", "/changes?entity=Termine"))["changes"]
    assert [(each["record"], each["action"], each["by"]) for each in changes] == [
        (str(number), "create", "desk"),
        (str(number), "update", "api"),
        (str(number), "delete", "desk"),
    ]


async def test_employees_come_change_and_go(caller: Caller) -> None:
    new = {"kuerzel": "MÜ", "name": "Münch", "vorname": "Maja", "email": None, "aktiv": True}
    assert await caller.desk("POST", "/desk/mitarbeiter", new) == new
    _, active = await caller.api("GET", "/Mitarbeiter", aktiv="true")
    await caller.desk("POST", "/desk/mitarbeiter", new | {"aktiv": False})
    _, left = await caller.api("GET", "/Mitarbeiter", aktiv="true")
    await caller.desk("DELETE", "/desk/mitarbeiter/MÜ")
    _, everybody = await caller.api("GET", "/Mitarbeiter")
    assert [[each["kuerzel"] for each in rows] for rows in (active, left, everybody)] == [
        ["SB", "KMO", "MÜ"],
        ["SB", "KMO"],
        ["SB", "KMO", "AH"],
    ]
    assert active[2] == new
    assert (await caller.raw("POST", "/_sandbox/desk/mitarbeiter", new | {"kuerzel": "X1"}))[0] == 400
    assert (await caller.raw("DELETE", "/_sandbox/desk/mitarbeiter/ZZ"))[0] == 404


@pytest.mark.parametrize("lie", sorted(LIES))
async def test_lies_concern_termine_too(caller: Caller, lie: str) -> None:
    numbers = [await entered(caller, text=f"Nr. {index}") for index in range(3)]
    truth = await told(caller, numbers[0])
    await caller.desk("POST", "/switches", {"lie": lie})
    if lie == "old_snapshot":
        await caller.desk("POST", f"/desk/termine/{numbers[0]}", {"text": "Neu"})
        await caller.desk("DELETE", "/desk/mitarbeiter/KMO")
        assert await told(caller, numbers[0]) == truth
        assert len((await caller.api("GET", "/Mitarbeiter"))[1]) == 3
    else:
        single, several = await told(caller, numbers[0])
        assert (single == truth[0]) is (lie == "half_list")
        assert several != truth[1]
    at_the_desk = await caller.desk("GET", f"/desk/termine/{numbers[0]}")
    assert at_the_desk["text"] == ("Neu" if lie == "old_snapshot" else "Nr. 0")
    await caller.desk("POST", "/switches", {"lie": None})
    assert (await told(caller, numbers[0]) == truth) is (lie != "old_snapshot")


async def test_lies_keep_to_what_they_say(caller: Caller) -> None:
    first, second = await entered(caller, text="A"), await entered(caller, text="B")

    async def single(lie: str) -> dict[str, Any]:
        await caller.desk("POST", "/switches", {"lie": lie})
        shown: dict[str, Any] = (await caller.api("GET", "/Termine", frnr=str(first)))[1][0]
        return shown

    assert (await single("another_record"))["frNr"] == second
    swapped = await single("swapped_ids")
    assert (swapped["frNr"], swapped["text"]) == (first, "B")
    assert (await single("equal_names"))["text"] == "Unbekannt"
    assert (await single("zero_dates"))["datum"] == "0001-01-01T00:00:00"
    assert "frNr" not in await single("wrong_entity")
    nothing = await single("null_fields")
    assert (nothing["frNr"], nothing["datum"]) == (first, None)


async def test_a_stale_snapshot_hides_writes(caller: Caller) -> None:
    number = await entered(caller)
    await caller.desk("POST", "/switches", {"stale_snapshot": True})
    await caller.api("DELETE", "/Termine", frnr=str(number))
    _, hidden = await caller.api("GET", "/Termine", frnr=str(number))
    await caller.desk("POST", "/switches", {"stale_snapshot": False})
    _, shown = await caller.api("GET", "/Termine", frnr=str(number))
    assert ([row["frNr"] for row in hidden], shown) == ([number], [])


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"turnusArt": 1, "turnus": 2, "datumBis": "2026-01-05T00:00:00"}, ["2026-01-01", "2026-01-03", "2026-01-05"]),
        ({"turnusArt": 2, "turnus": 0, "datumBis": "2026-01-15T00:00:00"}, ["2026-01-01", "2026-01-08", "2026-01-15"]),
        ({"datum": "2026-01-31T09:00:00", "turnusArt": 3, "turnus": 1, "datumBis": "2026-04-30T00:00:00"},
         ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ({"datum": "2024-02-29T09:00:00", "turnusArt": 4, "turnus": 2, "datumBis": "2028-12-31T00:00:00"},
         ["2024-02-29", "2026-02-28", "2028-02-29"]),
    ],
)  # fmt: skip
async def test_a_series_takes_place_by_its_rule(caller: Caller, fields: dict[str, Any], days: list[str]) -> None:
    series = {**SINGLE, "datum": "2026-01-01T09:00:00", "dauertermin": 1, **fields}
    termin = caller.client.app[DIARY].desk_create(series)
    assert [str(day) for day in termin.days(date(2020, 1, 1), date(2100, 1, 1))] == days


async def test_the_week_page_shows_what_takes_place(caller: Caller) -> None:
    await entered(caller, text="<b>Einmal</b>", ort="Ulm")
    await entered(caller, text="Wöchentlich", datum="2026-01-05T14:00:00", dauertermin=1, turnus=1, turnusArt=2)
    await entered(caller, text="Urlaub", datum="2026-01-30T00:00:00", uhrzeitBis="", datumBis="2026-02-03T00:00:00")
    await entered(caller, text="Fremd", sb="KMO")
    _, page = await caller.raw("GET", "/_page/termine?kuerzel=SB&tag=2026-02-05")
    assert "&lt;b&gt;Einmal&lt;/b&gt; Ulm" in page
    assert (page.count("Wöchentlich"), page.count("ganztägig Urlaub"), page.count("Fremd")) == (1, 2, 0)
    _, own = await caller.raw("GET", "/_page/termine")
    assert "Woche ab 12.01.2026" in own


async def test_the_page_edits_locks_and_deletes(caller: Caller) -> None:
    answer = await caller.client.post("/_page/termine/neu", data=SINGLE | {"notiz": "eins\r\nzwei"})
    number = (await caller.desk("GET", "/desk/termine"))["list"][0]["frNr"]
    path = f"/_page/termine/{number}"
    assert answer.url.path == path
    await caller.client.post(path, data={"dauertermin": "1", "turnus": "2", "turnusArt": "3", "datumBis": ""})
    await caller.client.post(f"{path}/open")
    shown = (await caller.raw("GET", path))[1]
    refused = await caller.client.post(path, data={"datum": "morgen"})
    termin = await caller.desk("GET", f"/desk/termine/{number}")
    assert (termin["notiz"], termin["turnusArt"], termin["datumBis"]) == ("eins\nzwei", 3, None)
    assert ("Schließen" in shown, termin["rowId"] in shown, "anlegen" in shown) == (True, True, True)
    assert (refused.status, "Kein gültiger Zeitpunkt" in await refused.text()) == (400, True)
    assert (await caller.client.post("/_page/termine/neu", data={"datum": ""})).status == 400
    await caller.client.post(f"{path}/delete")
    assert (await caller.desk("GET", "/desk/termine"))["total"] == 0
