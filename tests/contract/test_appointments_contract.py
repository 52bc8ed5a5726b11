"""Termine: the fake, and the adapter against the sandbox in all its shapes, one suite; and answers that can't be."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from kanzlei.advoware.appointments import AdvowareAppointments
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareClient
from kanzlei.advoware.termin_record import body_of
from kanzlei.termine import Appointments, Place, TerminValues, Unreadable
from kanzlei.testing.appointments import FakeAppointments
from kanzlei.testing.contract_appointments import DAY, END, SINGLE, START, AppointmentsContract
from kanzlei.testing.tokens import FakeTokenCache
from sandbox.advoware.app import DIARY
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.advoware.lies import LIES
from synckit.errors import Implausible, MappingError, RemoteUnavailable
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT, PATIENT_LIMITS


class TestFakeAppointments(AppointmentsContract):
    async def make(self) -> Appointments:
        self.fake = FakeAppointments()
        return self.fake

    async def desk_enters(self, values: TerminValues) -> int:
        return self.fake.enter(values).frnr

    async def desk_changes(self, frnr: int, **changes: Any) -> None:
        self.fake.change(frnr, **changes)

    async def desk_removes(self, frnr: int) -> None:
        self.fake.remove(frnr)

    async def desk_opens(self, frnr: int) -> None:
        self.fake.opened.add(frnr)

    async def outage(self) -> None:
        self.fake.is_empty = True


class Desk:
    """A sandbox, the adapter that calls it, and what people do there."""

    def __init__(self, client: TestClient[web.Request, web.Application], base: str) -> None:
        self.client = client
        self.bad_rows: list[tuple[str, str]] = []
        clock = FakeClock()
        wiring = Wiring(limits=PATIENT_LIMITS, on_bad_row=lambda _, where, row: self.bad_rows.append((where, row)))
        login = AdvowareLogin(**asdict(DEFAULT))
        self._auth = AdvowareAuth(f"{base}/api/v1/Token", login, FakeTokenCache(clock), clock, PATIENT)
        self._client = AdvowareClient(base, self._auth, wiring)
        self.port = AdvowareAppointments(self._client)

    async def does(self, method: str, path: str, body: Any = None) -> Any:
        async with self.client.request(method, "/_sandbox" + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def enters(self, values: TerminValues = SINGLE, **odd: Any) -> int:
        return int((await self.does("POST", "/desk/termine", body_of(values) | odd))["frNr"])

    async def answers(self, body: Any, path: str = "/Termine", **match: str) -> None:
        """Once."""
        rule = {"match": {"method": "GET", "path_regex": path, **match}, "times": 1}
        await self.does("POST", "/faults", rule | {"fault": {"kind": "body", "body": body}})

    async def calls(self, method: str) -> list[str]:
        shown = await self.does("GET", f"/calls?method={method}")
        return [call["path"] + "?" + call["query"] for call in shown["calls"]]

    async def close(self) -> None:
        await self._client.close()
        await self._auth.close()


async def a_desk(switches: dict[str, Any]) -> AsyncIterator[Desk]:
    server = TestServer(build_advoware(clock=FakeClock().now))
    async with TestClient(server) as client:
        desk = Desk(client, str(server.make_url("")).rstrip("/"))
        await desk.does("POST", "/switches", switches)
        yield desk
        await desk.close()


class TestAdvowareAppointments(AppointmentsContract):
    switches: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    async def _sandbox(self) -> AsyncIterator[None]:
        async for desk in a_desk(self.switches):
            self.desk = desk
            yield

    async def make(self) -> Appointments:
        return self.desk.port

    async def desk_enters(self, values: TerminValues) -> int:
        return await self.desk.enters(values)

    async def desk_changes(self, frnr: int, **changes: Any) -> None:
        body = body_of(dataclasses.replace(SINGLE, **changes), changes)
        await self.desk.does("POST", f"/desk/termine/{frnr}", body)

    async def desk_removes(self, frnr: int) -> None:
        await self.desk.does("DELETE", f"/desk/termine/{frnr}")

    async def desk_opens(self, frnr: int) -> None:
        await self.desk.does("POST", "/desk/open", {"frNr": frnr})

    async def outage(self) -> None:
        await self.desk.does("POST", "/switches", {"empty_lists": True})


class TestAdvowareInItsOtherShapes(TestAdvowareAppointments):
    """Bare objects and 404 where the sandbox answers lists, no row id after a POST."""

    switches: ClassVar[dict[str, Any]] = {"single_as_list": False, "post_row_id": False}


class TestAdvowareThatIgnoresNumbers(TestAdvowareAppointments):
    """`frnr` in the query changes nothing: every Termin is looked for in lists."""

    switches: ClassVar[dict[str, Any]] = {"frnr_ignored": True}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async for desk in a_desk({}):
        yield desk


def place(frnr: int) -> Place:
    return Place(frnr, "SB", DAY.date())


async def test_ten_thousand_are_asked_for_in_parts(desk: Desk) -> None:
    """Two days with 6,000 each, and one that reaches into both: all of them, each once."""
    diary = desk.client.app[DIARY]
    for number in range(12_000):
        diary.desk_create(body_of(dataclasses.replace(SINGLE, datum=SINGLE.datum + timedelta(days=number % 2))))
    await desk.enters(dataclasses.replace(SINGLE, datum_bis=DAY + timedelta(days=1)))
    found = await desk.port.appointments("SB", START, END + timedelta(days=1))
    assert len(found.termine) == len({each.frnr for each in found.termine}) == 12_001
    assert len(await desk.calls("GET")) == 3


async def test_ten_thousand_at_one_time_are_no_answer(desk: Desk) -> None:
    diary = desk.client.app[DIARY]
    for _ in range(10_000):
        diary.desk_create(body_of(SINGLE))
    with pytest.raises(Implausible):
        await desk.port.appointments("SB", START, END)


@pytest.mark.parametrize(
    "odd",
    [
        {"datum": "morgen"},
        {"datum": None},
        {"datum": "1899-12-30T00:00:00"},
        {"datum": "2026-03-02T09:00:00+01:00"},
        {"uhrzeitBis": 10},
        {"uhrzeitBis": "25:00:00"},
        {"text": {"de": "x"}},
        {"turnusArt": 7},
        {"turnus": -1},
        {"datumBis": "31.12.2026"},
        {"rowId": None},
    ],
)
async def test_one_poisonous_row_is_skipped_and_told(desk: Desk, odd: dict[str, Any]) -> None:
    good, bad = await desk.enters(), await desk.enters()
    rows = [await desk.does("GET", f"/desk/termine/{frnr}") for frnr in (good, bad)]
    await desk.answers([rows[0], rows[1] | odd, {"text": "ohne Nummer"}])
    found = await desk.port.appointments("SB", START, END)
    assert ([each.frnr for each in found.termine], found.unreadable, found.nameless) == ([good], (bad,), 1)
    assert desk.bad_rows == [("/Termine", str(bad)), ("/Termine", "")]
    await desk.answers([rows[1] | odd], path=f"frnr={bad}")
    with pytest.raises(Unreadable) as unreadable:
        await desk.port.appointment(place(bad))
    assert (unreadable.value.field, unreadable.value.frnr) == (next(iter(odd)), bad)
    assert str(unreadable.value) == f"{next(iter(odd))}: Termin {bad} can't be read (right)"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"datumBis": "9999-12-31T00:00:00"}, {"datum_bis": None}),
        ({"datumBis": "1900-01-01T00:00:00"}, {"datum_bis": None}),
        ({"text": None, "notiz": None, "ort": None}, {"text": "", "notiz": "", "ort": ""}),
        ({"uhrzeitBis": None, "vorbereitungsDauer": None}, {"uhrzeit_bis": None, "vorbereitung": timedelta(0)}),
        ({"dauertermin": None, "turnus": None, "turnusArt": None}, {"dauertermin": False, "turnus": 0}),
        ({"datum": "2026-03-02T09:00:45.123"}, {"datum": SINGLE.datum}),
        ({"sb": None}, {"sb": "", "anwalt": "SB"}),
    ],
)
async def test_placeholders_and_nulls_are_tolerated(desk: Desk, given: dict[str, Any], shown: dict[str, Any]) -> None:
    row = await desk.does("GET", f"/desk/termine/{await desk.enters()}")
    await desk.answers([row | given])
    [found] = (await desk.port.appointments("SB", START, END)).termine
    assert {name: getattr(found.values, name) for name in shown} == shown


async def test_fields_that_we_know_nothing_of_are_sent_back(desk: Desk) -> None:
    frnr = await desk.enters(datumBis="9999-12-31T00:00:00", dauertermin=1, turnusArt=2)
    row = await desk.does("GET", f"/desk/termine/{frnr}")
    [seen] = (await desk.port.appointments("SB", START, END)).termine
    await desk.answers([row | {"aktenzeichen": "12/26", "farbe": {"r": 1}}])
    sent = {"match": {"method": "PUT", "body_regex": '"aktenzeichen": *"12/26"'}, "times": 1}
    watch = await desk.does("POST", "/faults", sent | {"fault": {"kind": "slow", "seconds": 0}})
    written = await desk.port.replace(seen, dataclasses.replace(seen.values, ort="Stuttgart"))
    rules = (await desk.does("GET", "/faults"))["faults"]
    assert [rule["fired"] for rule in rules if rule["id"] == watch["id"]] == [1]
    stored = await desk.does("GET", f"/desk/termine/{frnr}")
    assert (written.not_taken, stored["ort"], stored["datumBis"]) == ((), "Stuttgart", "9999-12-31T00:00:00")


async def test_a_notiz_of_megabytes_is_bounded_and_kept(desk: Desk) -> None:
    long = "Anfang" + "n" * 3_000_000 + "Ende"
    diary = desk.client.app[DIARY]
    frnr = diary.desk_create(body_of(SINGLE) | {"notiz": long}).fr_nr
    [found] = (await desk.port.appointments("SB", START, END)).termine
    assert (found.frnr, found.notiz_length, found.is_cut) == (frnr, len(long), True)
    assert (len(found.values.notiz), found.values.notiz[:6], found.notiz_end[-4:]) == (16_000, "Anfang", "Ende")
    with pytest.raises(MappingError):
        await desk.port.replace(found, dataclasses.replace(found.values, notiz="kurz"))
    assert await desk.calls("PUT") == []


async def test_a_list_of_somebody_elses_is_no_answer(desk: Desk) -> None:
    row = await desk.does("GET", f"/desk/termine/{await desk.enters(dataclasses.replace(SINGLE, sb='KMO', anwalt=''))}")
    await desk.answers([row])
    with pytest.raises(Implausible):
        await desk.port.appointments("SB", START, END)


@pytest.mark.parametrize("answer", [{}, {"list": []}, "null", '"x"', [[]] * 4, [{"betNr": 1}] * 4])
async def test_what_is_no_list_is_no_answer(desk: Desk, answer: Any) -> None:
    await desk.answers(answer)
    with pytest.raises(RemoteUnavailable):
        await desk.port.appointments("SB", START, END, known=200)


@pytest.mark.parametrize("lie", sorted(LIES))
async def test_no_lie_makes_a_live_one_gone(desk: Desk, lie: str) -> None:
    """Whatever Advoware says: what is there is read, unreadable, or nothing is certain; it is never "gone"."""
    numbers = [await desk.enters(dataclasses.replace(SINGLE, text=f"Nr. {index}")) for index in range(5)]
    await desk.does("POST", "/switches", {"lie": lie})
    for control in ((), tuple(place(frnr) for frnr in numbers)):
        for frnr in numbers:
            try:
                assert await desk.port.appointment(place(frnr), control=control) is not None
            except (RemoteUnavailable, Unreadable):
                continue


@pytest.mark.parametrize("lie", ["empty_list", "not_found", "null_fields", "wrong_entity", "truncated", "html"])
async def test_lies_about_a_whole_list_are_errors(desk: Desk, lie: str) -> None:
    for _ in range(5):
        await desk.enters()
    await desk.does("POST", "/switches", {"lie": lie})
    with pytest.raises(RemoteUnavailable):
        await desk.port.appointments("SB", START, END, known=5)
    if lie != "null_fields":
        with pytest.raises(RemoteUnavailable):
            await desk.port.employees()


async def test_a_lost_answer_to_a_post_may_have_been_taken(desk: Desk) -> None:
    await desk.does("POST", "/faults", {"match": {"method": "POST", "path_regex": "/Termine"}, "times": 1,
                                        "fault": {"kind": "reset_after"}})  # fmt: skip
    with pytest.raises(RemoteUnavailable) as lost:
        await desk.port.create(SINGLE)
    assert lost.value.maybe_applied
    assert len((await desk.port.appointments("SB", START, END)).termine) == 1
    assert len(await desk.calls("POST")) == 2  # the token, and one POST


async def test_what_was_not_taken_is_named(desk: Desk) -> None:
    frnr = await desk.enters()
    [seen] = (await desk.port.appointments("SB", START, END)).termine
    row = await desk.does("GET", f"/desk/termine/{frnr}")
    fault = {"match": {"method": "PUT"}, "times": 1, "fault": {"kind": "body", "body": [row]}}
    await desk.does("POST", "/faults", fault)
    written = await desk.port.replace(seen, dataclasses.replace(seen.values, ort="Stuttgart"))
    assert (written.not_taken, written.termin.values.ort) == (("ort",), "Ulm")


async def test_a_change_costs_three_calls_and_an_unchanged_list_one(desk: Desk) -> None:
    await desk.enters()
    [seen] = (await desk.port.appointments("SB", START, END)).termine
    await desk.port.replace(seen, dataclasses.replace(seen.values, ort="Stuttgart"))
    assert (len(await desk.calls("GET")), len(await desk.calls("PUT"))) == (3, 1)


async def test_employees_that_are_none_are_left_out(desk: Desk) -> None:
    await desk.answers([{"kuerzel": ""}, None, {"kuerzel": "MÜ", "email": None}, {"kuerzel": "AH", "aktiv": False}],
                       path="/Mitarbeiter")  # fmt: skip
    [employee] = await desk.port.employees()
    assert (employee.kuerzel, employee.email, employee.aktiv) == ("MÜ", "", True)
    assert desk.bad_rows == [("/Mitarbeiter", ""), ("/Mitarbeiter", "")]
