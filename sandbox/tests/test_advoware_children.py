"""Kommunikation, Adressen and Bankverbindungen over the API: what takes, what is ignored, what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.advoware_caller import Caller, logged_in

ADDRESS = {
    "strasse": "Gasse 1",
    "plz": "89073",
    "ort": "Ulm",
    "anschrift": "Edda Kornblum\nGasse 1\n89073 Ulm",
    "land": "DE",
    "postfach": "12 34",
    "postfachPLZ": "89000",
    "standardAnschrift": True,
    "bemerkung": "EspoCRM-ID: abc",
    "gueltigVon": "2020-01-01T00:00:00",
    "gueltigBis": None,
}
ACCOUNT = {
    "kontoinhaber": "Edda Kornblum",
    "iban": "DE02120300000000202051",
    "bic": "BYLADEM1001",
    "bank": "Probebank",
    "kontoNr": "",
    "blz": "",
    "mandatsreferenz": "M-1",
    "mandatVom": "2024-02-29T00:00:00",
}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        yield caller


async def add(caller: Caller, number: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, made = await caller.api("POST", f"/Beteiligte/{number}/{path}", body)
    assert status == 201, made
    answer: dict[str, Any] = made
    return answer


@pytest.mark.parametrize("path", ["Kommunikationen", "Adressen", "Bankverbindungen"])
async def test_delete_is_403_always(caller: Caller, path: str) -> None:
    number = await caller.create()
    made = await add(caller, number, path, {"kommKz": 1, "tlf": "1"})
    for child in (made["id"], 999):
        status, answer = await caller.api("DELETE", f"/Beteiligte/{number}/{path}/{child}")
        assert (status, bool(answer["message"])) == (403, True)


@pytest.mark.parametrize("path", ["Kommunikationen", "Adressen", "Bankverbindungen"])
async def test_children_of_nobody_are_404(caller: Caller, path: str) -> None:
    assert (await caller.api("POST", f"/Beteiligte/1/{path}", {"kommKz": 1}))[0] == 404


@pytest.mark.parametrize("path", ["Kommunikationen", "Adressen"])
async def test_a_put_of_a_child_that_is_not_there_is_a_404(caller: Caller, path: str) -> None:
    number = await caller.create()
    assert (await caller.api("PUT", f"/Beteiligte/{number}/{path}/5", {}))[0] == 404


async def test_the_row_id_of_a_child_changes_with_every_write_of_it(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Kommunikationen", {"kommKz": 4, "tlf": "e@x.example"})
    path = f"/Beteiligte/{number}/Kommunikationen/{made['id']}"
    _, [put] = await caller.api("PUT", path, {"tlf": "e@x.example"})
    desk = await caller.desk("POST", f"/desk/beteiligte/{number}/kommunikation/{made['id']}", {"bemerkung": "x"})
    assert len({made["rowId"], put["rowId"], desk["rowId"]}) == 3


async def test_komm_kz_of_what_the_api_made_reads_0_until_a_desk_edits_it(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Kommunikationen", {"kommKz": 4, "tlf": "e@x.example"})
    before = (await caller.party(number))["kommunikation"][0]["kommKz"]
    await caller.desk("POST", f"/desk/beteiligte/{number}/kommunikation/{made['id']}", {"bemerkung": "neu"})
    after = (await caller.party(number))["kommunikation"][0]["kommKz"]
    assert (made["kommKz"], before, after) == (0, 0, 4)


async def test_komm_kz_of_what_a_desk_made_reads_right(caller: Caller) -> None:
    number = await caller.create()
    await caller.desk("POST", f"/desk/beteiligte/{number}/kommunikation", {"kommKz": 6, "tlf": "0711 / 12 34-5"})
    assert (await caller.party(number))["kommunikation"][0]["kommKz"] == 6


async def test_the_komm_kz_bug_can_be_switched_off(caller: Caller) -> None:
    number = await caller.create()
    await caller.desk("POST", "/switches", {"komm_kz_zero": False})
    assert (await add(caller, number, "Kommunikationen", {"kommKz": 12}))["kommKz"] == 12


async def test_a_put_of_a_kommunikation_ignores_komm_kz_and_empties_what_is_left_out(caller: Caller) -> None:
    number = await caller.create()
    body = {"kommKz": 4, "tlf": "e@x.example", "bemerkung": "privat", "online": True}
    made = await add(caller, number, "Kommunikationen", body)
    path = f"/Beteiligte/{number}/Kommunikationen/{made['id']}"
    status, [put] = await caller.api("PUT", path, {"kommKz": 1, "tlf": ""})
    desk = (await caller.desk("GET", f"/desk/beteiligte/{number}"))["kommunikation"][0]
    assert (status, put["tlf"], put["bemerkung"], put["online"]) == (200, "", "", False)
    assert (put["kommKz"], desk["kommKz"]) == (0, 4)


@pytest.mark.parametrize(
    ("field", "value"),
    [("kommKz", 0), ("kommKz", 13), ("kommKz", None), ("kommKz", "4"), ("bemerkung", "x" * 256), ("online", "yes")],
)
async def test_an_invalid_kommunikation_is_a_400(caller: Caller, field: str, value: Any) -> None:
    number = await caller.create()
    body = {"kommKz": 4, "tlf": "e@x.example", field: value}
    status, answer = await caller.api("POST", f"/Beteiligte/{number}/Kommunikationen", body)
    assert (status, list(answer["errors"])) == (400, [field])


async def test_a_post_of_an_address_takes_all_fields(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Adressen", ADDRESS)
    second = await add(caller, number, "Adressen", ADDRESS)
    _, listed = await caller.api("GET", f"/Beteiligte/{number}/Adressen")
    assert {name: made[name] for name in ADDRESS} == ADDRESS
    assert (made["reihenfolgeIndex"], second["reihenfolgeIndex"]) == (1, 2)
    assert listed == [made, second] == (await caller.party(number))["adressen"]


async def test_a_put_of_an_address_takes_four_fields_and_silently_ignores_seven(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Adressen", ADDRESS)
    other = {
        "strasse": "Allee 2",
        "ort": "Neu-Ulm",
        "land": "AT",
        "postfach": "99",
        "postfachPLZ": "1",
        "standardAnschrift": False,
        "bemerkung": "EspoCRM-ID: zzz",
        "gueltigVon": None,
        "gueltigBis": "2026-01-01T00:00:00",
    }
    status, [put] = await caller.api("PUT", f"/Beteiligte/{number}/Adressen/{made['id']}", other)
    ignored = ("land", "postfach", "postfachPLZ", "standardAnschrift", "bemerkung", "gueltigVon", "gueltigBis")
    assert status == 200
    assert (put["strasse"], put["ort"], put["plz"], put["anschrift"]) == ("Allee 2", "Neu-Ulm", "", "")
    assert {name: put[name] for name in ignored} == {name: ADDRESS[name] for name in ignored}


@pytest.mark.parametrize(("field", "value"), [("land", "Deutschland"), ("gueltigVon", "1752-01-01T00:00:00")])
async def test_an_invalid_address_is_a_400(caller: Caller, field: str, value: str) -> None:
    number = await caller.create()
    status, answer = await caller.api("POST", f"/Beteiligte/{number}/Adressen", ADDRESS | {field: value})
    assert (status, list(answer["errors"])) == (400, [field])


async def test_a_bank_account_can_be_posted_and_read(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Bankverbindungen", ACCOUNT)
    _, listed = await caller.api("GET", f"/Beteiligte/{number}/Bankverbindungen")
    assert {name: made[name] for name in ACCOUNT} == ACCOUNT
    assert listed == [made]


async def test_a_put_of_a_bank_account_is_403_always(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Bankverbindungen", ACCOUNT)
    assert (await caller.api("PUT", f"/Beteiligte/{number}/Bankverbindungen/{made['id']}", ACCOUNT))[0] == 403
    assert (await caller.api("PUT", f"/Beteiligte/{number}/Bankverbindungen/9", ACCOUNT))[0] == 403


async def test_an_iban_that_the_party_has_already_is_a_409_in_any_notation(caller: Caller) -> None:
    number, other = await caller.create(), await caller.create()
    await add(caller, number, "Bankverbindungen", ACCOUNT)
    again = ACCOUNT | {"iban": "de02 1203 0000 0000 2020 51"}
    assert (await caller.api("POST", f"/Beteiligte/{number}/Bankverbindungen", again))[0] == 409
    assert (await caller.api("POST", f"/Beteiligte/{other}/Bankverbindungen", again))[0] == 201


async def test_a_desk_can_delete_what_the_api_never_can(caller: Caller) -> None:
    number = await caller.create()
    made = await add(caller, number, "Adressen", ADDRESS)
    await caller.desk("DELETE", f"/desk/beteiligte/{number}/adressen/{made['id']}")
    assert (await caller.party(number))["adressen"] == []
