"""The port to Google: the same suite over the fake and over the adapter before the sandbox, with a real delegation.

Also what the sandbox alone can show: refused delegations, an account that is not there, a calendar that its owner
deleted, quota in the middle, a token that dies.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from calendar_sync.adapters.google.access import SCOPES
from calendar_sync.adapters.google.calendars import GoogleCalendars
from calendar_sync.adapters.google.client import GoogleClient, GoogleLimits, Hooks
from calendar_sync.adapters.google.events import GoogleEvents
from calendar_sync.adapters.google.port import GooglePort
from calendar_sync.domain.google_errors import CalendarLost, IdTaken, NoAccount, SyncTokenDead, WritesBlocked
from calendar_sync.domain.values import CalendarRef, EventList
from calendar_sync.domain.words import reason_of
from calendar_sync.ports import Google
from deploy.local.waiting import LONG
from sandbox.google.app import KEY, build
from synckit.errors import AuthenticationRefused, RemoteRejected, StaleVersion

TESTS = Path(__file__).parents[2] / "services" / "calendar-sync" / "tests"
ROLE, AB = "kalender@kanzlei.example", "ab@kanzlei.example"
MARKER = "advoware-sync:kanzlei:ÄB"
SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC)
ID = "a" + "0" * 39
TIMES = {
    "start": {"dateTime": "2026-12-07T09:00:00", "timeZone": "Europe/Berlin"},
    "end": {"dateTime": "2026-12-07T10:00:00", "timeZone": "Europe/Berlin"},
}
BODY: Mapping[str, Any] = {"id": ID, "summary": "Müller ./. Groß", **TIMES}
Start = Callable[[web.Application], Awaitable[TestServer]]


@dataclass
class Free:
    """Prices that cost nothing, and remember the blocks."""

    blocked: list[str] = field(default_factory=list)

    async def take(self, account: str, calendar: str, price: int, makes: str = "") -> None:
        return None

    async def block(self, account: str) -> None:
        self.blocked.append(account)


@dataclass
class Sandbox:
    """The adapter, and the controls of what it speaks to."""

    url: str
    port: GooglePort
    client: GoogleClient
    prices: Free
    hints: list[str]

    async def control(self, path: str, body: Any) -> None:
        async with ClientSession() as session, session.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()


async def _started(start: Start, folder: Path, role: str = ROLE) -> Sandbox:
    app = build([AB])
    server = await start(app)
    url = str(server.make_url("")).rstrip("/")
    key_file = folder / "key.json"
    app[KEY].write(key_file, url)
    prices, hints = Free(), list[str]()
    hooks = Hooks(on_refused=lambda _upstream, hint: hints.append(hint))
    client = GoogleClient.of_key_file(key_file, prices, GoogleLimits(4, LONG, url), hooks)
    calendars = GoogleCalendars(client, role, "role", "kanzlei")
    return Sandbox(url, GooglePort(GoogleEvents(client, calendars.account), calendars), client, prices, hints)


@pytest.fixture
async def sandbox(aiohttp_server: Start, tmp_path: Path) -> AsyncIterator[Sandbox]:
    made = await _started(aiohttp_server, tmp_path)
    yield made
    await made.client.close()


@pytest.fixture(params=["fake", "sandbox"])
def google(request: pytest.FixtureRequest) -> Google:
    if request.param == "sandbox":
        port: Google = request.getfixturevalue("sandbox").port
        return port
    sys.path.insert(0, str(TESTS))
    from fake_google import FakeGoogle

    made: Google = FakeGoogle()
    return made


async def opened(google: Google) -> CalendarRef:
    """A calendar of an employee."""
    made = await google.create_calendar("Advoware ÄB", MARKER)
    calendar = CalendarRef(made.id, AB, made.owner)
    await google.share(calendar, AB, "writer")
    await google.show_to(calendar, AB)
    return calendar


def ids(told: EventList) -> dict[str, bool]:
    return {event.id: event.is_cancelled for event in told.items}


async def test_a_calendar_is_found_again_by_its_marker(google: Google) -> None:
    assert await google.find_calendar(MARKER) is None
    calendar = await opened(google)
    found = await google.find_calendar(MARKER)
    assert found is not None
    assert found.id == calendar.id
    assert await google.find_calendar("advoware-sync:kanzlei:A") is None
    assert [one.id for one in await google.all_calendars()] == [calendar.id]
    assert await google.reachable(calendar)


async def test_a_right_is_given_and_taken_back(google: Google) -> None:
    calendar = await opened(google)
    assert (await google.shared_with(calendar))[AB] == "writer"
    await google.share(calendar, AB, "reader")
    assert (await google.shared_with(calendar))[AB] == "reader"
    await google.unshare(calendar, AB)
    assert AB not in await google.shared_with(calendar)
    await google.unshare(calendar, AB)


async def test_an_event_is_made_once_with_our_id(google: Google) -> None:
    calendar = await opened(google)
    made = await google.insert(calendar, BODY)
    assert (made.id, made.body["summary"]) == (ID, "Müller ./. Groß")
    with pytest.raises(IdTaken):
        await google.insert(calendar, BODY)
    found = await google.event(calendar, ID)
    assert found is not None
    assert found.etag == made.etag
    assert await google.event(calendar, "a" + "f" * 39) is None


async def test_a_change_holds_only_where_nobody_was_faster(google: Google) -> None:
    calendar = await opened(google)
    made = await google.insert(calendar, BODY)
    changed = await google.update(calendar, ID, {**made.body, "summary": "Neu"}, made.etag)
    assert changed.etag != made.etag
    with pytest.raises(StaleVersion):
        await google.update(calendar, ID, {**made.body, "summary": "Alt"}, made.etag)
    with pytest.raises(StaleVersion):
        await google.delete(calendar, ID, made.etag)
    found = await google.event(calendar, ID)
    assert found is not None
    assert found.body["summary"] == "Neu"


async def test_a_deleted_event_keeps_its_id(google: Google) -> None:
    """It is made again by an update; deleting it twice is done."""
    calendar = await opened(google)
    made = await google.insert(calendar, BODY)
    await google.delete(calendar, ID, made.etag)
    await google.delete(calendar, ID, made.etag)
    gone = await google.event(calendar, ID)
    assert gone is None or gone.is_cancelled
    with pytest.raises(IdTaken):
        await google.insert(calendar, BODY)
    etag = gone.etag if gone is not None else ""
    back = await google.update(calendar, ID, {**BODY, "status": "confirmed"}, etag)
    assert not back.is_cancelled


async def test_a_token_tells_what_changed_since(google: Google) -> None:
    calendar = await opened(google)
    made = await google.insert(calendar, BODY)
    whole = await google.events(calendar, None, SINCE, UNTIL)
    assert (ids(whole), whole.full) == ({ID: False}, True)
    nothing = await google.events(calendar, whole.token, SINCE, UNTIL)
    assert (ids(nothing), nothing.full) == ({}, False)
    await google.delete(calendar, ID, made.etag)
    assert ids(await google.events(calendar, nothing.token, SINCE, UNTIL)) == {ID: True}


async def test_an_occurrence_is_found_by_its_own_start(google: Google) -> None:
    calendar = await opened(google)
    await google.insert(calendar, {**BODY, "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270131T225959Z"]})
    found = await google.instances(calendar, ID, "2026-12-14T09:00:00+01:00")
    assert found is not None
    assert found.master_id == ID
    assert await google.instances(calendar, ID, "2026-12-15T09:00:00+01:00") is None


async def test_a_dead_token_is_told_and_nothing_else_is_lost(sandbox: Sandbox) -> None:
    calendar = await opened(sandbox.port)
    await sandbox.port.insert(calendar, BODY)
    whole = await sandbox.port.events(calendar, None, SINCE, UNTIL)
    await sandbox.control("google/expire-sync-tokens", {})
    with pytest.raises(SyncTokenDead):
        await sandbox.port.events(calendar, whole.token, SINCE, UNTIL)
    assert ids(await sandbox.port.events(calendar, None, SINCE, UNTIL)) == {ID: False}


async def test_a_calendar_that_its_owner_deleted_is_lost(sandbox: Sandbox) -> None:
    """Not empty: nobody may take its events for deleted."""
    calendar = await opened(sandbox.port)
    whole = await sandbox.port.events(calendar, None, SINCE, UNTIL)
    await sandbox.control("google/revoke", {"calendar": calendar.id})
    for token in (whole.token, None):
        with pytest.raises(CalendarLost):
            await sandbox.port.events(calendar, token, SINCE, UNTIL)
    assert not await sandbox.port.reachable(calendar)


@pytest.mark.parametrize("granted", [[], list(SCOPES[:1])])
async def test_a_missing_delegation_says_what_to_click(sandbox: Sandbox, granted: list[str]) -> None:
    await sandbox.control("google/delegation", {"scopes": granted})
    with pytest.raises(AuthenticationRefused) as told:
        await sandbox.port.find_calendar(MARKER)
    assert "admin.google.com" in reason_of(told.value)
    assert "admin.google.com" in sandbox.hints[0]
    assert all(scope in sandbox.hints[0] for scope in SCOPES)


async def test_a_role_account_that_is_not_there_is_named(aiohttp_server: Start, tmp_path: Path) -> None:
    made = await _started(aiohttp_server, tmp_path, role="niemand@kanzlei.example")
    with pytest.raises(NoAccount) as told:
        await made.port.find_calendar(MARKER)
    assert "GOOGLE_ROLE_ACCOUNT" in reason_of(told.value)
    assert "niemand" not in str(told.value)
    await made.client.close()


async def test_an_employee_who_is_not_there_harms_nobody_else(sandbox: Sandbox) -> None:
    calendar = await opened(sandbox.port)
    with pytest.raises((NoAccount, RemoteRejected)):
        await sandbox.port.show_to(calendar, "niemand@kanzlei.example")
    assert await sandbox.port.reachable(calendar)


async def test_a_quota_that_is_used_up_blocks_the_account(sandbox: Sandbox) -> None:
    calendar = await opened(sandbox.port)
    inner = {"domain": "usageLimits", "reason": "quotaExceeded", "message": "Calendar usage limits exceeded."}
    said = {"error": {"errors": [inner], "code": 403, "message": inner["message"]}}
    match = {"method": "POST", "path_regex": "/events$"}
    await sandbox.control("faults", {"match": match, "fault": {"kind": "status", "status": 403, "body": said}})
    with pytest.raises(WritesBlocked) as told:
        await sandbox.port.insert(calendar, BODY)
    assert sandbox.prices.blocked == [ROLE]
    assert "quotaExceeded" in reason_of(told.value)
    assert (await sandbox.port.events(calendar, None, SINCE, UNTIL)).items == ()


async def test_a_killed_token_is_fetched_anew_once(sandbox: Sandbox) -> None:
    calendar = await opened(sandbox.port)
    await sandbox.control("tokens/kill", {})
    assert await sandbox.port.reachable(calendar)


async def test_many_at_once_are_each_their_own(sandbox: Sandbox) -> None:
    """Over few threads, with a real token for each account."""
    calendar = await opened(sandbox.port)
    made = [f"a{number:039x}" for number in range(40)]
    await asyncio.gather(*(sandbox.port.insert(calendar, {**BODY, "id": one, "summary": one}) for one in made))
    found = await asyncio.gather(*(sandbox.port.event(calendar, one) for one in made))
    assert [event.body["summary"] if event else None for event in found] == made
    later = datetime.fromisoformat("2026-12-07T09:00:00+01:00") - timedelta(days=1)
    assert len((await sandbox.port.events(calendar, None, later, UNTIL)).items) == 40
