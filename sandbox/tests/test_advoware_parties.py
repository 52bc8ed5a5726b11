"""Beteiligte over the API: every trap of the contract, one test each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.advoware_caller import Caller, logged_in

FULL = {
    "name": "Kornblum",
    "vorname": "Edda",
    "rechtsform": "natürliche Person",
    "titel": "Dr.",
    "anrede": "Frau",
    "bAnrede": "Sehr geehrte Frau Dr. Kornblum",
    "zusatz": "c/o Möller",
    "geburtsdatum": "1961-04-30T00:00:00",
}
READ_ONLY = {
    "art": "Mandant",
    "kurzname": "KORN",
    "geburtsname": "Halm",
    "familienstand": "ledig",
    "handelsRegisterNummer": "HRB 1",
    "registergericht": "Ulm",
}


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        yield caller


def picked(party: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    return {name: party[name] for name in names}


async def test_get_and_put_answer_a_list_with_one_object_and_post_a_bare_one(caller: Caller) -> None:
    status, made = await caller.api("POST", "/Beteiligte", FULL)
    _, got = await caller.api("GET", f"/Beteiligte/{made['betNr']}")
    _, put = await caller.api("PUT", f"/Beteiligte/{made['betNr']}", FULL)
    assert (status, type(made), type(got), type(put), len(got), len(put)) == (201, dict, list, list, 1, 1)
    assert picked(got[0], FULL) == FULL


async def test_single_answers_can_be_switched_to_bare_objects(caller: Caller) -> None:
    number = await caller.create()
    await caller.desk("POST", "/switches", {"single_as_list": False})
    _, got = await caller.api("GET", f"/Beteiligte/{number}")
    _, put = await caller.api("PUT", f"/Beteiligte/{number}", FULL)
    assert (got["betNr"], put["name"]) == (number, "Kornblum")


async def test_the_row_id_of_a_post_answer_can_be_switched_off(caller: Caller) -> None:
    _, with_it = await caller.api("POST", "/Beteiligte", FULL)
    await caller.desk("POST", "/switches", {"post_row_id": False})
    _, without = await caller.api("POST", "/Beteiligte", FULL)
    assert with_it["rowId"]
    assert "rowId" not in without
    assert (await caller.party(without["betNr"]))["rowId"]


async def test_every_write_gives_a_new_row_id_even_one_that_changes_nothing(caller: Caller) -> None:
    number = await caller.create(**FULL)
    seen = [(await caller.party(number))["rowId"]]
    for _ in range(3):
        _, [answer] = await caller.api("PUT", f"/Beteiligte/{number}", FULL)
        seen.append(answer["rowId"])
        assert (await caller.party(number))["rowId"] == answer["rowId"]
    seen.append((await caller.desk("POST", f"/desk/beteiligte/{number}", {"titel": "Prof."}))["rowId"])
    assert len(set(seen)) == 5


async def test_reading_does_not_change_the_row_id(caller: Caller) -> None:
    number = await caller.create()
    assert (await caller.party(number))["rowId"] == (await caller.party(number))["rowId"]


async def test_six_fields_are_silently_ignored_by_post_and_put(caller: Caller) -> None:
    status, made = await caller.api("POST", "/Beteiligte", FULL | READ_ONLY)
    put_status, [put] = await caller.api("PUT", f"/Beteiligte/{made['betNr']}", FULL | READ_ONLY)
    assert (status, put_status) == (201, 200)
    assert picked(made, READ_ONLY) == picked(put, READ_ONLY) == dict.fromkeys(READ_ONLY, "")


async def test_a_put_keeps_what_a_desk_entered_in_the_six(caller: Caller) -> None:
    number = await caller.create(**FULL)
    await caller.desk("POST", f"/desk/beteiligte/{number}", READ_ONLY)
    await caller.api("PUT", f"/Beteiligte/{number}", FULL | {"geburtsname": "Anders"})
    assert picked(await caller.party(number), READ_ONLY) == READ_ONLY


async def test_unknown_fields_and_numbers_of_our_own_are_ignored(caller: Caller) -> None:
    number = await caller.create(**FULL)
    _, [put] = await caller.api("PUT", f"/Beteiligte/{number}", FULL | {"betNr": 7, "rowId": "AAAA", "farbe": "rot"})
    assert (put["betNr"], put["rowId"] == "AAAA", "farbe" in put) == (number, False, False)


async def test_a_put_empties_every_writable_field_that_is_left_out(caller: Caller) -> None:
    number = await caller.create(**FULL)
    _, [put] = await caller.api("PUT", f"/Beteiligte/{number}", {"name": "Kornblum"})
    emptied = dict.fromkeys(FULL, "") | {"name": "Kornblum", "geburtsdatum": None}
    assert picked(put, FULL) == emptied


async def test_the_last_put_wins_whatever_row_id_was_read(caller: Caller) -> None:
    number = await caller.create(**FULL)
    old = await caller.party(number)
    await caller.api("PUT", f"/Beteiligte/{number}", FULL | {"titel": "first"})
    status, [put] = await caller.api("PUT", f"/Beteiligte/{number}", old | {"titel": "second"})
    assert (status, put["titel"]) == (200, "second")


async def test_the_change_date_is_local_time_in_seconds_in_winter_and_in_summer(caller: Caller) -> None:
    number = await caller.create()
    winter = (await caller.party(number))["geaendertAm"]
    caller.clock.now = caller.clock.now.replace(month=7, microsecond=999_999)
    await caller.log_in()
    await caller.desk("POST", f"/desk/beteiligte/{number}", {"titel": "x"})
    assert (winter, (await caller.party(number))["geaendertAm"]) == ("2026-01-15T13:00:00", "2026-07-15T14:00:00")


async def test_the_change_date_can_be_null(caller: Caller) -> None:
    number = await caller.create()
    await caller.desk("POST", "/switches", {"geaendert_am_null": True})
    assert (await caller.party(number))["geaendertAm"] is None


@pytest.mark.parametrize("name", ["", "   ", None, "x" * 141, 12])
async def test_a_name_that_is_missing_or_too_long_is_a_400_that_names_it(caller: Caller, name: Any) -> None:
    number = await caller.create()
    for method, path in (("POST", "/Beteiligte"), ("PUT", f"/Beteiligte/{number}")):
        status, answer = await caller.api(method, path, {"name": name})
        assert (status, list(answer["errors"]), bool(answer["message"])) == (400, ["name"], True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vorname", "x" * 65),
        ("geburtsdatum", "1752-12-31T00:00:00"),
        ("geburtsdatum", "0000-00-00T00:00:00"),
        ("geburtsdatum", "2001-02-29T00:00:00"),
        ("geburtsdatum", "1961-04-30"),
        ("geburtsdatum", "30.04.1961"),
        ("geburtsdatum", "1961-04-30T00:00:00Z"),
        ("titel", 5),
    ],
)
async def test_an_invalid_value_is_a_400_and_nothing_is_stored(caller: Caller, field: str, value: Any) -> None:
    number = await caller.create(**FULL)
    before = await caller.party(number)
    status, answer = await caller.api("PUT", f"/Beteiligte/{number}", FULL | {field: value})
    assert (status, list(answer["errors"])) == (400, [field])
    assert await caller.party(number) == before


async def test_the_longest_and_oddest_values_are_taken(caller: Caller) -> None:
    odd = {"name": "<b>&\"' \U0001f600" + "ü" * 130, "vorname": "y" * 64, "geburtsdatum": "1753-01-01T00:00:00"}
    number = await caller.create(**odd)
    assert picked(await caller.party(number), odd) == odd


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'"text"', b"\xff"])
async def test_a_body_that_is_no_object_is_a_400(caller: Caller, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {caller.token}"}
    async with caller.client.post("/api/v1/advonet/Beteiligte", data=body, headers=headers) as answer:
        assert (answer.status, "message" in await answer.json()) == (400, True)


async def test_a_number_that_is_not_there_is_a_404_for_every_method(caller: Caller) -> None:
    statuses = [(await caller.api(method, "/Beteiligte/1", FULL))[0] for method in ("GET", "PUT", "DELETE")]
    assert statuses == [404, 404, 404]


async def test_a_deleted_party_is_gone_and_its_number_is_not_used_again(caller: Caller) -> None:
    number = await caller.create()
    status, _ = await caller.api("DELETE", f"/Beteiligte/{number}")
    assert (status, (await caller.api("GET", f"/Beteiligte/{number}"))[0]) == (204, 404)
    assert await caller.create() == number + 1


async def test_a_party_in_use_can_not_be_deleted(caller: Caller) -> None:
    number = await caller.create()
    await caller.desk("POST", f"/desk/beteiligte/{number}/in-use", {"in_use": True})
    refused, answer = await caller.api("DELETE", f"/Beteiligte/{number}")
    await caller.desk("POST", f"/desk/beteiligte/{number}/in-use", {"in_use": False})
    assert (refused, "Akte" in answer["message"]) == (403, True)
    assert (await caller.api("DELETE", f"/Beteiligte/{number}"))[0] == 204


async def test_while_a_desk_has_it_open_writes_are_409_and_reads_are_not(caller: Caller) -> None:
    number = await caller.create(**FULL)
    await caller.desk("POST", "/desk/open", {"betNr": number})
    before = await caller.party(number)
    put, _ = await caller.api("PUT", f"/Beteiligte/{number}", FULL)
    delete, _ = await caller.api("DELETE", f"/Beteiligte/{number}")
    child, _ = await caller.api("POST", f"/Beteiligte/{number}/Adressen", {"ort": "Ulm"})
    assert (put, delete, child) == (409, 409, 409)
    assert await caller.party(number) == before
    await caller.desk("POST", "/desk/close", {"betNr": number})
    assert (await caller.api("PUT", f"/Beteiligte/{number}", FULL))[0] == 200


async def test_the_list_is_ordered_by_number_and_has_at_most_100_a_page(caller: Caller) -> None:
    items = [{"name": f"Nummer {index}"} for index in range(250)]
    numbers = (await caller.desk("POST", "/desk/beteiligte", {"items": items}))["betNr"]
    await caller.desk("POST", f"/desk/beteiligte/{numbers[0]}", {"titel": "changed last, still first"})
    pages = [(await caller.api("GET", "/Beteiligte", skip=str(skip), take="500"))[1] for skip in (0, 100, 200, 300)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [party["betNr"] for page in pages for party in page] == numbers
    assert len((await caller.api("GET", "/Beteiligte", take="7"))[1]) == 7


async def test_the_list_is_filtered_by_name_first_name_and_legal_form(caller: Caller) -> None:
    first = await caller.create(name="Äcker", vorname="Ida", rechtsform="")
    second = await caller.create(name="Äckermann", vorname="Ute", rechtsform="GmbH")

    async def found(**query: str) -> list[int]:
        return [party["betNr"] for party in (await caller.api("GET", "/Beteiligte", **query))[1]]

    assert await found(name="äcker") == [first, second]
    assert await found(name="äckerm") == [second]
    assert await found(name="Äcker", vorname="ida") == [first]
    assert await found(rechtsform="GmbH") == [second]
    assert await found(name="", vorname="") == [first, second]
    assert await found(name="nobody") == []


async def test_the_list_knows_what_was_changed_since_a_local_time_inclusive(caller: Caller) -> None:
    await caller.create()
    caller.clock.pass_(seconds=10)
    second = await caller.create()

    async def since(text: str) -> list[int]:
        return [party["betNr"] for party in (await caller.api("GET", "/Beteiligte", geaendertSeit=text))[1]]

    assert await since("2026-01-15T13:00:01") == [second]
    assert await since("2026-01-15T13:00:10") == [second]
    assert await since("2026-01-15T13:00:11") == []
    assert len(await since("2026-01-15")) == 2


@pytest.mark.parametrize(
    "query",
    [{"geaendertSeit": "yesterday"}, {"geaendertSeit": "2026-01-15T13:00:00Z"}, {"skip": "-1"}, {"take": "all"}],
)
async def test_a_query_that_makes_no_sense_is_a_400(caller: Caller, query: dict[str, str]) -> None:
    assert (await caller.api("GET", "/Beteiligte", **query))[0] == 400


async def test_the_children_come_inline_and_the_accounts_in_either_spelling(caller: Caller) -> None:
    number = await caller.create()
    await caller.api("POST", f"/Beteiligte/{number}/Bankverbindungen", {"iban": "DE02120300000000202051"})
    right = await caller.party(number)
    await caller.desk("POST", "/switches", {"bank_spelling": "bankkverbindungen"})
    wrong = await caller.party(number)
    assert (right["adressen"], right["kommunikation"]) == ([], [])
    assert right["bankverbindungen"] == wrong["bankkverbindungen"]
    assert len(right["bankverbindungen"]) == 1
    assert "bankkverbindungen" not in right
    assert "bankverbindungen" not in wrong
