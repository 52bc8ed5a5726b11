"""People at desks, nonsense on demand, the call log, the page, and the sandbox as a process."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from deploy.local.waiting import LONG
from sandbox.advoware.app import OFFICE
from sandbox.tests.advoware_caller import Caller, logged_in

CPU_SECONDS = 10.0
"""Of this process, so that others on the machine do not count; a scan of everything takes many times more."""


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        yield caller


async def listed(caller: Caller, **query: str) -> list[int]:
    status, parties = await caller.api("GET", "/Beteiligte", **query)
    assert status == 200
    return [party["betNr"] for party in parties]


async def test_a_desk_changes_single_fields_and_those_that_the_api_only_reads(caller: Caller) -> None:
    number = await caller.create(vorname="Edda")
    await caller.desk("POST", f"/desk/beteiligte/{number}", {"anrede": "Frau", "geburtsname": "Halm"})
    party = await caller.party(number)
    assert (party["vorname"], party["anrede"], party["geburtsname"]) == ("Edda", "Frau", "Halm")


async def test_a_desk_can_create_and_delete(caller: Caller) -> None:
    made = await caller.desk("POST", "/desk/beteiligte", {"name": "Neuling", "art": "Gegner"})
    assert (await caller.party(made["betNr"]))["art"] == "Gegner"
    await caller.desk("DELETE", f"/desk/beteiligte/{made['betNr']}")
    assert await listed(caller) == []


async def test_a_desk_is_told_of_a_field_that_there_is_not(caller: Caller) -> None:
    number = await caller.create()
    status, answer = await caller.raw("POST", f"/_sandbox/desk/beteiligte/{number}", {"nachname": "x"})
    assert (status, list(answer["errors"])) == (400, ["nachname"])


async def test_the_history_says_who_changed_what_and_when(caller: Caller) -> None:
    number = await caller.create(vorname="Edda")
    caller.clock.pass_(seconds=3)
    await caller.desk("POST", f"/desk/beteiligte/{number}", {"anrede": "Frau"})
    await caller.desk("DELETE", f"/desk/beteiligte/{number}")
    versions = (await caller.desk("GET", f"/desk/beteiligte/{number}/history"))["versions"]
    assert [(each["origin"], each["action"]) for each in versions] == [
        ("api", "anlegen"),
        ("desk", "ändern"),
        ("desk", "löschen"),
    ]
    assert (versions[1]["fields"], versions[1]["values"]["anrede"]) == (["anrede"], "Frau")
    assert versions[1]["at"].startswith("2026-01-15T12:00:03")


async def test_nonsense_changed_since_can_be_ignored(caller: Caller) -> None:
    number = await caller.create()
    assert await listed(caller, geaendertSeit="2030-01-01T00:00:00") == []
    await caller.desk("POST", "/switches", {"geaendert_seit_ignored": True})
    assert await listed(caller, geaendertSeit="2030-01-01T00:00:00") == [number]


async def test_nonsense_lists_can_be_empty_with_200(caller: Caller) -> None:
    number = await caller.create()
    await caller.api("POST", f"/Beteiligte/{number}/Adressen", {"ort": "Ulm"})
    await caller.desk("POST", "/switches", {"empty_lists": True})
    assert await listed(caller) == []
    for path in (f"/Beteiligte/{number}/Adressen", "/Termine?frnr=1", "/Mitarbeiter"):
        assert await caller.api("GET", path) == (200, [])
    assert (await caller.party(number))["betNr"] == number


async def test_nonsense_a_stale_snapshot_hides_all_writes_until_it_is_off(caller: Caller) -> None:
    number = await caller.create(titel="alt")
    await caller.desk("POST", "/switches", {"stale_snapshot": True})
    await caller.api("PUT", f"/Beteiligte/{number}", {"name": "Probst", "titel": "neu"})
    later = await caller.create()
    hidden = ((await caller.party(number))["titel"], await listed(caller))
    at_the_desk = (await caller.desk("GET", f"/desk/beteiligte/{number}"))["titel"]
    await caller.desk("POST", "/switches", {"stale_snapshot": False})
    assert (hidden, at_the_desk) == (("alt", [number]), "neu")
    assert ((await caller.party(number))["titel"], await listed(caller)) == ("neu", [number, later])


async def test_lies_are_told_to_reads_and_end_with_their_switch(caller: Caller) -> None:
    numbers = [await caller.create(name=f"N{index}", geburtsdatum="1961-04-30T00:00:00") for index in range(4)]

    async def told(lie: str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        await caller.desk("POST", "/switches", {"lie": lie})
        return await caller.party(numbers[0]), (await caller.api("GET", "/Beteiligte"))[1]

    truth = await told(None)
    assert [row["betNr"] for row in (await told("half_list"))[1]] == numbers[::2]
    nothing, _ = await told("null_fields")
    assert (nothing["betNr"], nothing["name"], nothing["geburtsdatum"]) == (numbers[0], None, None)
    other, _ = await told("another_record")
    assert (other["betNr"], other["name"]) == (numbers[1], "N1")
    swapped, rows = await told("swapped_ids")
    assert (swapped["betNr"], swapped["name"], [row["betNr"] for row in rows]) == (numbers[0], "N1", numbers)
    assert {row["name"] for row in (await told("equal_names"))[1]} == {"Unbekannt"}
    assert (await told("zero_dates"))[0]["geburtsdatum"] == "0001-01-01T00:00:00"
    assert "betNr" not in (await told("wrong_entity"))[0]
    assert await told(None) == truth


async def test_lies_that_are_no_answer_at_all(caller: Caller) -> None:
    number = await caller.create()
    await caller.desk("POST", "/switches", {"lie": "not_found"})
    assert (await caller.api("GET", f"/Beteiligte/{number}"))[0] == 404
    assert (await caller.api("GET", "/Beteiligte"))[0] == 404
    await caller.desk("POST", "/switches", {"lie": "truncated"})
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        await caller.api("GET", f"/Beteiligte/{number}")


@pytest.mark.parametrize(
    "wrong", [{"lie": "white"}, {"gravity": True}, {"post_row_id": 1}, {"bank_spelling": "x"}, {"expires_in": "1"}]
)
async def test_a_wrong_switch_is_refused(caller: Caller, wrong: dict[str, Any]) -> None:
    assert (await caller.raw("POST", "/_sandbox/switches", wrong))[0] == 400


async def test_calls_are_counted_by_party_also_the_one_that_made_it(caller: Caller) -> None:
    number = await caller.create()
    await caller.party(number)
    await caller.api("POST", f"/Beteiligte/{number}/Adressen", {"ort": "Ulm"})
    await caller.desk("POST", f"/desk/beteiligte/{number}", {"titel": "x"})
    _, count = await caller.raw("GET", "/_sandbox/calls/count", record=str(number))
    _, calls = await caller.raw("GET", "/_sandbox/calls", path="Token")
    assert (count["total"], count["writes"]) == (3, 2)
    assert [call["status"] for call in calls["calls"]] == [200]


async def test_a_post_whose_answer_is_lost_has_made_the_party(caller: Caller) -> None:
    match = {"method": "POST", "path_regex": "/Beteiligte$"}
    await caller.desk("POST", "/faults", {"match": match, "fault": {"kind": "reset_after"}, "times": 1})
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.api("POST", "/Beteiligte", {"name": "A"})
    assert len(await listed(caller)) == 1


async def test_an_appointment_lives_in_one_resource(caller: Caller) -> None:
    body = {"anwalt": "SB", "datum": "2026-02-01T09:00:00", "uhrzeitBis": "10:00:00", "text": "Termin", "ort": "Ulm"}
    status, made = await caller.api("POST", "/Termine", body)
    span = {"from": "2026-02-01T00:00:00", "to": "2026-02-02T00:00:00"}
    _, found = await caller.api("GET", "/Termine", kuerzel="SB", **span)
    _, others = await caller.api("GET", "/Termine", kuerzel="KMO", **span)
    _, [put] = await caller.api("PUT", "/Termine", body | {"frNr": made["frNr"], "ort": None})
    assert (status, [each["frNr"] for each in found], others) == (201, [made["frNr"]], [])
    assert (put["ort"], put["text"], put["rowId"] == made["rowId"]) == ("", "Termin", False)
    assert (await caller.api("DELETE", "/Termine", frnr=str(made["frNr"])))[0] == 204
    assert (await caller.api("DELETE", "/Termine", frnr=str(made["frNr"])))[0] == 404


async def test_a_series_is_found_between_its_ends(caller: Caller) -> None:
    series = {"sb": "KMO", "datum": "2026-01-05T09:00:00", "datumBis": "2026-03-05T09:00:00"}
    await caller.api("POST", "/Termine", series | {"dauertermin": 1, "turnus": 1, "turnusArt": 2})
    inside = await caller.api("GET", "/Termine", **{"from": "2026-02-01T00:00:00", "to": "2026-02-02T00:00:00"})
    after = await caller.api("GET", "/Termine", **{"from": "2026-04-01T00:00:00", "to": "2026-04-02T00:00:00"})
    assert (len(inside[1]), after[1]) == (1, [])


@pytest.mark.parametrize(
    "wrong",
    [{"datum": None}, {"datum": "2026-02-01T09:00:00Z"}, {"anwalt": ""}, {"anwalt": "ZZ"}, {"uhrzeitBis": "9 Uhr"}],
)
async def test_an_invalid_appointment_is_a_400(caller: Caller, wrong: dict[str, Any]) -> None:
    body = {"anwalt": "SB", "datum": "2026-02-01T09:00:00"} | wrong
    assert (await caller.api("POST", "/Termine", body))[0] == 400


async def test_employees_are_listed_by_being_active(caller: Caller) -> None:
    _, active = await caller.api("GET", "/Mitarbeiter", aktiv="true")
    _, everybody = await caller.api("GET", "/Mitarbeiter")
    assert [each["kuerzel"] for each in active] == ["SB", "KMO"]
    assert len(everybody) == 3


async def test_the_page_shows_edits_locks_and_deletes_and_escapes(caller: Caller) -> None:
    number = await caller.create(name="<script>", vorname="Edda")
    page, one = (await caller.raw("GET", "/"))[1], f"/_page/beteiligte/{number}"
    await caller.client.post(one, data={"anrede": "Frau", "geburtsdatum": "1961-04-30"})
    await caller.client.post(f"{one}/open")
    shown = (await caller.raw("GET", one))[1]
    refused = await caller.client.post(one, data={"name": ""})
    party = await caller.party(number)
    assert ("&lt;script&gt;" in page, "<script>" in page) == (True, False)
    assert (party["anrede"], party["geburtsdatum"], party["vorname"]) == ("Frau", "1961-04-30T00:00:00", "Edda")
    assert party["rowId"] in shown
    assert "Schließen" in shown
    assert (refused.status, "Pflichtfeld" in await refused.text()) == (400, True)
    await caller.client.post(f"{one}/delete")
    assert await listed(caller) == []


async def test_the_page_creates_parties_and_their_children(caller: Caller) -> None:
    answer = await caller.client.post("/_page/beteiligte/neu", data={"name": "Neuling"})
    number = (await listed(caller))[0]
    path = f"/_page/beteiligte/{number}/kommunikation"
    await caller.client.post(path, data={"kommKz": "4", "tlf": "n@x.example", "online": "on"})
    child = (await caller.party(number))["kommunikation"][0]
    assert answer.url.path == f"/_page/beteiligte/{number}"
    assert (child["kommKz"], child["tlf"], child["online"]) == (4, "n@x.example", True)
    wrong = await caller.client.post("/_page/beteiligte/neu", data={"name": ""})
    assert wrong.status == 400


async def test_ten_thousand_parties_are_no_burden(caller: Caller) -> None:
    office = caller.client.app[OFFICE]
    numbers = [office.desk_create({"name": f"Nummer {index}"}).bet_nr for index in range(10_000)]
    started = time.process_time()
    for number in numbers[::500]:
        await caller.api("PUT", f"/Beteiligte/{number}", {"name": "Neu"})
    assert await listed(caller, name="neu", take="3") == numbers[::500][:3]
    assert time.process_time() - started < CPU_SECONDS


async def test_as_a_process_it_says_where_it_listens_and_ends() -> None:
    command = (sys.executable, "-m", "sandbox.advoware", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), LONG)).decode()
    process.terminate()
    code = await asyncio.wait_for(process.wait(), LONG)
    assert line.startswith("Advoware sandbox listening on http://127.0.0.1:")
    assert code == 0
