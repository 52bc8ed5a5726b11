"""One bad row never stops a list, never hides a record that may be there, and is told with its id alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin, Token
from kanzlei.advoware.children import AdvowareChildren
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.testing.tokens import FakeTokenCache
from recordsync.mapping.child import ChildOf
from synckit.errors import RemoteUnavailable
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT_LIMITS
from synckit.testing.scripted_http import Line, ScriptedServer

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
LOGIN = AdvowareLogin("app", "64", "a2V5", "Kanzlei", "db", "user", "2", "geheim")
PARTY = {"betNr": 101, "rowId": "AAA=", "name": "Müller", "geaendertAm": "2026-06-01T12:00:00"}
ADDRESS = {"id": 7, "rowId": "R7=", "bemerkung": "EspoCRM-ID: a1"}
CHILD = ChildOf("beteiligte", "beteiligterId", "betNr", ("adressen",), lambda row: str(row.get("bemerkung") or ""))
NO_PARTIES: list[Any] = [
    None,
    "Müller",
    ["betNr", 101],
    {},
    {"betNr": None, "rowId": "x"},
    {"betNr": True, "rowId": "x"},
    {"betNr": -4, "rowId": "x"},
    {"betNr": 10**25, "rowId": "x"},
    {"betNr": "Müller", "rowId": "x"},
    {"betNr": {"no": 1}, "rowId": "x"},
    {"betNr": 55},
    {"betNr": 56, "rowId": None},
    {"betNr": 57, "rowId": ["x"]},
]


@dataclass
class Remotes:
    """Both remotes, scripted, and what was told of rows that were skipped."""

    server: ScriptedServer
    told: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = FakeClock()
        wiring = Wiring(
            limits=PATIENT_LIMITS,
            monotonic=clock.monotonic,
            on_bad_row=lambda upstream, kind, row: self.told.append((upstream, kind, row)),
        )
        cache = FakeTokenCache(clock)
        cache.token = Token("t", clock.now() + timedelta(hours=1), LOGIN.fingerprint)
        self.auth = AdvowareAuth(self.server.url, LOGIN, cache, clock, wiring)
        self.advoware = AdvowareClient(self.server.url, self.auth, wiring)
        self.parties = AdvowareBeteiligteStore(self.advoware)
        self.rows = AdvowareChildren(self.advoware, "Adressen", CHILD)
        self.espo = EspoClient(self.server.url, EspoAuth("key"), wiring)
        self.store = EspoStore(self.espo, "CBeteiligte")

    async def changed_parties(self) -> list[str]:
        return [each.id async for each in self.parties.changed_since(SINCE)]

    async def changed_records(self) -> list[str]:
        return [record_id async for record_id, _, _ in self.store.changed_since(SINCE)]


@pytest.fixture
async def remotes() -> AsyncIterator[Remotes]:
    async with ScriptedServer() as server:
        made = Remotes(server)
        yield made
        await made.advoware.close()
        await made.auth.close()
        await made.espo.close()


@pytest.mark.parametrize("bad", NO_PARTIES)
async def test_a_bad_party_is_skipped_and_told(remotes: Remotes, bad: Any) -> None:
    """Whatever is wrong with it; and what it holds is not told."""
    remotes.server.says(200, [bad, PARTY])
    assert await remotes.changed_parties() == ["101"]
    number = str(bad["betNr"]) if isinstance(bad, dict) and bad.get("betNr") in (55, 56, 57) else ""
    assert remotes.told == [("advoware", "/Beteiligte", number)]


@pytest.mark.parametrize("bad", NO_PARTIES)
async def test_a_list_of_one_bad_party_is_empty(remotes: Remotes, bad: Any) -> None:
    """The look goes on, and its cursor with it."""
    remotes.server.says(200, [bad])
    assert await remotes.changed_parties() == []


async def test_pages_of_bad_rows_end_nothing(remotes: Remotes) -> None:
    """A page of them is no reason not to ask for the next one."""
    remotes.server.says(200, [{"betNr": n} for n in range(1, 101)]).says(200, [PARTY])
    assert await remotes.changed_parties() == ["101"]


async def test_the_same_bad_page_twice_ends_the_list(remotes: Remotes) -> None:
    """A server that ignores where to begin."""
    remotes.server.otherwise = Line(200, b"[" + b",".join([b"null"] * 100) + b"]")
    with pytest.raises(RemoteUnavailable):
        await remotes.changed_parties()


async def test_numbers_as_text_are_numbers(remotes: Remotes) -> None:
    """And one number twice in a list is one party."""
    remotes.server.says(200, [{**PARTY, "betNr": "0101"}, PARTY, {**PARTY, "betNr": 102.0, "rowId": 7}])
    found = [(each.id, each.version) async for each in remotes.parties.changed_since(SINCE)]
    assert found == [("101", "AAA="), ("102", "7")]


async def test_a_number_of_thousands_of_digits_spoils_one_row(remotes: Remotes) -> None:
    """Python refuses to read it; the list is read all the same."""
    body = (
        b'[{"betNr": ' + b"9" * 5000 + b', "rowId": "x"}, {"betNr": 101, "rowId": "AAA=", "wert": 1e400, "zahl": NaN}]'
    )
    remotes.server.says(200, body=body)
    found = [each async for each in remotes.parties.changed_since(SINCE)]
    assert [(each.id, each.payload["wert"], each.payload["zahl"]) for each in found] == [("101", None, None)]


@pytest.mark.parametrize(
    "at",
    ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "99999-01-01T00:00:00", 5, "", None, "0001-01-01T00:00:00+14:00"],
)
async def test_a_time_that_cannot_be_is_none(remotes: Remotes, at: Any) -> None:
    """One such party blinds the look for nobody."""
    remotes.server.says(200, [{**PARTY, "geaendertAm": at}, {**PARTY, "betNr": 102}])
    found = [(each.id, each.changed_at is None) async for each in remotes.parties.changed_since(SINCE)]
    assert found == [("101", True), ("102", False)]


async def test_a_bad_single_record_stays_an_error(remotes: Remotes) -> None:
    """Only in lists it is skipped."""
    remotes.server.says(200, [{"betNr": 101}])
    with pytest.raises(RemoteUnavailable):
        await remotes.parties.read("101")
    assert remotes.told == []


async def test_a_candidate_without_row_id_is_read_itself(remotes: Remotes) -> None:
    """It may be the one that we made; others of that list are skipped."""
    remotes.server.says(200, [None, {"betNr": 5, "name": "Maier"}, {"betNr": 101, "name": "Müller"}]).says(200, [PARTY])
    assert [each.id for each in await remotes.parties.candidates({"name": "Müller"}, SINCE)] == ["101"]


async def test_a_candidate_without_number_is_no_nothing(remotes: Remotes) -> None:
    """Else a second party would be made."""
    remotes.server.says(200, [{"name": "Müller"}]).says(200, [{"name": "Müller"}, PARTY]).says(200, [{"name": "Maier"}])
    with pytest.raises(RemoteUnavailable):
        await remotes.parties.candidates({"name": "Müller"}, SINCE)
    assert [each.id for each in await remotes.parties.candidates({"name": "Müller"}, SINCE)] == ["101"]
    assert await remotes.parties.candidates({"name": "Müller"}, SINCE) == []


@pytest.mark.parametrize("bad", [None, "x", [], {}, {"id": None}, {"id": 8}, {"id": 9, "rowId": ""}])
async def test_a_bad_child_row_hides_no_other(remotes: Remotes, bad: Any) -> None:
    """Neither where one is read, nor where one is looked for."""
    remotes.server.says(200, [bad, ADDRESS]).says(200, [bad, ADDRESS])
    found = await remotes.rows.read("101/7")
    assert found is not None
    assert found.version == "R7="
    alike = await remotes.rows.candidates({"betNr": "101", "bemerkung": "EspoCRM-ID: a1"}, SINCE)
    assert [each.id for each in alike] == ["101/7"]
    assert {(upstream, kind) for upstream, kind, _ in remotes.told} == {("advoware", "/Beteiligte/Adressen")}


@pytest.mark.parametrize("bad", [None, {}, {"rowId": "x"}, {"id": 7}, {"id": "7", "rowId": None}])
async def test_a_row_that_may_be_there_is_not_gone(remotes: Remotes, bad: Any) -> None:
    """A row that can't be read may be the one that was asked for."""
    remotes.server.says(200, [bad]).says(200, []).says(200, [{**PARTY, "adressen": [bad]}])
    for _ in range(2):
        with pytest.raises(RemoteUnavailable):
            await remotes.rows.read("101/7")


async def test_a_child_that_cannot_be_read_is_not_made_again(remotes: Remotes) -> None:
    """It bears our mark, and lacks its number or its row id."""
    remotes.server.says(200, [{"bemerkung": "EspoCRM-ID: a1"}])
    with pytest.raises(RemoteUnavailable):
        await remotes.rows.candidates({"betNr": "101", "bemerkung": "EspoCRM-ID: a1"}, SINCE)


async def test_bad_rows_inside_a_party_are_told(remotes: Remotes) -> None:
    """The party itself is read."""
    remotes.server.says(200, [{**PARTY, "kommunikation": [None, {"id": 3}], "adressen": ["x"]}])
    assert await remotes.changed_parties() == ["101"]
    assert remotes.told == [
        ("advoware", "/Beteiligte.kommunikation", "101"),
        ("advoware", "/Beteiligte.adressen", "101"),
    ]


@pytest.mark.parametrize(
    "bad", [None, "x", [], {}, {"id": None}, {"id": ""}, {"id": 7}, {"id": "a b"}, {"id": "x" * 40}]
)
async def test_a_bad_row_of_espocrm_is_skipped(remotes: Remotes, bad: Any) -> None:
    """In a list of changes and in one by states."""
    good = {"id": "5a1", "modifiedAt": "2026-06-01 10:00:00"}
    for _ in range(2):
        remotes.server.says(200, {"total": 2, "list": [bad, good]})
    assert await remotes.changed_records() == ["5a1"]
    assert [row["id"] async for row in remotes.store.select([])] == ["5a1"]
    assert remotes.told == [("espocrm", "CBeteiligte", "")] * 2


@pytest.mark.parametrize("at", [None, "", "gestern", "0001-01-01 00:00:00", "99999-01-01 00:00:00", 7, []])
async def test_a_change_without_a_time_is_skipped(remotes: Remotes, at: Any) -> None:
    """And told by its id."""
    rows = [{"id": "5a1", "modifiedAt": at}, {"id": "5a2", "modifiedAt": "2026-06-01 10:00:00"}]
    remotes.server.says(200, {"total": 2, "list": rows})
    assert await remotes.changed_records() == ["5a2"]
    assert remotes.told == [("espocrm", "CBeteiligte", "5a1")]


async def test_records_that_cannot_be_read_are_not_none(remotes: Remotes) -> None:
    """Whoever looks for a record before making it must not take that for "there is none"."""
    remotes.server.says(200, {"total": 1, "list": [{"betnr": 1}]}).says(200, {"list": [None, {"id": "5a1"}]})
    with pytest.raises(RemoteUnavailable):
        await remotes.store.find({"betnr": 1})
    assert await remotes.store.find({"betnr": 1}) == ["5a1"]


async def test_a_bad_post_on_a_stream_hides_no_other(remotes: Remotes) -> None:
    """A note that is there is not posted twice."""
    remotes.server.says(403, headers={"X-Status-Reason": "No read access."})
    remotes.server.says(200, {"list": [None, "x", {"post": 7}, {"post": "… #5a1-7"}]})
    assert await EspoNotifier(remotes.espo, "CBeteiligte").told("5a1", "#5a1-7")


async def test_a_list_that_never_shows_a_record_ends(remotes: Remotes) -> None:
    """A server that answers the same nonsense to whatever is asked for."""
    remotes.server.otherwise = Line(200, b'{"total": 1000000, "list": [{}]}')
    with pytest.raises(RemoteUnavailable):
        await remotes.changed_records()
