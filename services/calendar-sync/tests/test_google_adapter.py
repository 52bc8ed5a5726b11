"""How Google is called, and what its answers mean: each connection for one alone, nothing sent twice by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from google_stand_in import CLOSE, Everybody, Free, StandIn, refusal

from calendar_sync.adapters.google.calendars import GoogleCalendars
from calendar_sync.adapters.google.client import GoogleClient, GoogleLimits, Hooks
from calendar_sync.adapters.google.events import GoogleEvents
from calendar_sync.adapters.google.port import GooglePort
from calendar_sync.domain.google_errors import CalendarLost, IdTaken, ReadOnlyEvent, SyncTokenDead, WritesBlocked
from calendar_sync.domain.values import CalendarRef
from synckit.errors import (
    AuthenticationRefused,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    SyncError,
)

CALENDAR = CalendarRef("c1", "ab@k.example", "role@k.example")
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
BODY = {"id": "a1", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}}
EVENT = {**BODY, "etag": '"7"', "updated": "2026-12-01T08:00:00Z"}


class Stage:
    """The adapter before a stand-in."""

    def __init__(self, url: str, act_as: Any = "role") -> None:
        self.accounts, self.prices, self.calls = Everybody(), Free(), list[tuple[str, str]]()
        hooks = Hooks(
            on_call=lambda _upstream, name, code, _seconds: self.calls.append((name, code)),
            now=lambda: datetime(2026, 12, 1, 9, 0, 0, tzinfo=UTC),
        )
        limits = GoogleLimits(threads=4, seconds=60.0, endpoint=url)
        self.client = GoogleClient(self.accounts, self.prices, limits, hooks)
        calendars = GoogleCalendars(self.client, "role@k.example", act_as, "kanzlei")
        self.port = GooglePort(GoogleEvents(self.client, calendars.account), calendars)


Start = Callable[[web.Application], Awaitable[TestServer]]


@pytest.fixture
def google() -> StandIn:
    return StandIn()


@pytest.fixture
async def stage(aiohttp_server: Start, google: StandIn) -> AsyncIterator[Stage]:
    server = await aiohttp_server(google.app())
    made = Stage(str(server.make_url("")).rstrip("/"))
    yield made
    await made.client.close()


async def test_nobody_gets_anothers_event(google: StandIn, stage: Stage) -> None:
    """Many at once over few threads: an `Http` that two threads shared would swap their answers."""
    google.rule = lambda request: (200, {**EVENT, "id": request.path.rpartition("/")[2]})
    names = [f"e{number}" for number in range(200)]
    found = await asyncio.gather(*(stage.port.event(CALENDAR, name) for name in names))
    assert [event.id if event else None for event in found] == names


async def test_a_post_is_never_sent_again_by_itself(google: StandIn, stage: Stage) -> None:
    """The server took it and closed: whether it was carried out is for the next look to find out."""
    google.answers = [CLOSE, (200, EVENT)]
    with pytest.raises(RemoteUnavailable) as told:
        await stage.port.insert(CALENDAR, BODY)
    assert told.value.maybe_applied
    assert len(google.asked) == 1


async def test_a_write_is_ours_conditional_and_quiet(google: StandIn, stage: Stage) -> None:
    """Our own id, If-Match, PUT and not PATCH, and nobody is mailed."""
    google.answers = [(200, EVENT), (200, EVENT), (204, None)]
    await stage.port.insert(CALENDAR, BODY)
    written = await stage.port.update(CALENDAR, "a1", {**BODY, "conferenceData": {"x": 1}}, '"6"')
    await stage.port.delete(CALENDAR, "a1", '"7"')
    assert [request.method for request in google.asked] == ["POST", "PUT", "DELETE"]
    assert {request.query["sendUpdates"] for request in google.asked} == {"none"}
    assert [request.headers.get("If-Match") for request in google.asked] == [None, '"6"', '"7"']
    assert google.asked[1].query["conferenceDataVersion"] == "1"
    assert google.bodies[0] == BODY
    assert (written.id, written.etag) == ("a1", '"7"')
    assert stage.prices.taken == [("role@k.example", "c1", 1)] * 3
    with pytest.raises(ValueError, match="id of ours"):
        await stage.port.insert(CALENDAR, {})


async def test_who_acts_is_who_pays(aiohttp_server: Start, google: StandIn) -> None:
    server = await aiohttp_server(google.app())
    stage = Stage(str(server.make_url("")).rstrip("/"), act_as="employee")
    google.answers = [(200, EVENT)]
    await stage.port.insert(CALENDAR, BODY)
    await stage.port.find_calendar("advoware-sync:kanzlei:AB")
    assert stage.accounts.acted == ["ab@k.example", "role@k.example"]
    assert stage.prices.taken == [("ab@k.example", "c1", 1), ("role@k.example", "", 1)]
    await stage.client.close()


async def test_a_list_goes_on_over_empty_pages(google: StandIn, stage: Stage) -> None:
    """Only a missing page token ends it. Ours alone are asked for, masters and not occurrences."""
    google.answers = [
        (200, {"items": [EVENT], "nextPageToken": "p2"}),
        (200, {"items": [], "nextPageToken": "p3"}),
        (200, {"items": [{"id": "a2", "status": "cancelled"}], "nextSyncToken": "t1"}),
    ]
    found = await stage.port.events(CALENDAR, None, SINCE, SINCE + timedelta(days=700))
    assert ([one.id for one in found.items], found.token, found.full) == (["a1", "a2"], "t1", True)
    assert [one.is_cancelled for one in found.items] == [False, True]
    assert found.skew == timedelta(seconds=5)
    first = google.asked[0].query
    assert (first["timeMin"], first["singleEvents"], first["showDeleted"]) == ("2026-11-01T00:00:00Z", "false", "true")
    assert (first["eventTypes"], first["maxResults"], "timeMax" in first) == ("default", "2500", False)
    assert [request.query.get("pageToken") for request in google.asked] == [None, "p2", "p3"]


async def test_what_no_list_is_concludes_nothing(google: StandIn, stage: Stage) -> None:
    nonsense: list[Any] = [{"items": [EVENT]}, {"items": "x", "nextSyncToken": "t"}, []]
    for answer in ((200, body) for body in nonsense):
        google.answers = [answer]
        with pytest.raises(RemoteUnavailable):
            await stage.port.events(CALENDAR, None, SINCE, SINCE)


@pytest.mark.parametrize(
    "end", [refusal(410, "fullSyncRequired"), refusal(400, "invalid", "Invalid sync token value."), refusal(410, "")]
)
async def test_a_token_dies_at_once_or_between_two_pages(google: StandIn, stage: Stage, end: Any) -> None:
    for before in ([], [(200, {"items": [EVENT], "nextPageToken": "p2"})]):
        google.answers = [*before, end]
        with pytest.raises(SyncTokenDead):
            await stage.port.events(CALENDAR, "t1", SINCE, SINCE)
    assert google.asked[0].query.get("syncToken") == "t1"
    assert "timeMin" not in google.asked[0].query


MEANINGS: list[tuple[Any, type[SyncError]]] = [
    (refusal(400, "invalid"), RemoteRejected),
    (refusal(400, "invalid", "Invalid sequence value."), StaleVersion),
    (refusal(401, "authError"), AuthenticationRefused),
    (refusal(403, "userRateLimitExceeded"), RateLimited),
    (refusal(403, "rateLimitExceeded"), RateLimited),
    (refusal(429, "rateLimitExceeded"), RateLimited),
    (refusal(403, "quotaExceeded"), WritesBlocked),
    (refusal(403, "forbiddenForNonOrganizer"), ReadOnlyEvent),
    (refusal(403, "cannotChangeOrganizer"), ReadOnlyEvent),
    (refusal(403, "insufficientPermissions"), AuthenticationRefused),
    (refusal(403, "accessNotConfigured"), AuthenticationRefused),
    (refusal(403, "forbidden"), CalendarLost),
    (refusal(409, "duplicate"), IdTaken),
    (refusal(412, "conditionNotMet"), StaleVersion),
    (refusal(500, "backendError"), RemoteUnavailable),
    ((503, "<html>"), RemoteUnavailable),
]


@pytest.mark.parametrize(("answer", "meaning"), MEANINGS, ids=lambda one: str(one)[:60])
async def test_each_refusal_means_one_thing(
    google: StandIn, stage: Stage, answer: Any, meaning: type[SyncError]
) -> None:
    """None of Google's own words passes: they may name an account or quote an event."""
    google.answers = [answer]
    with pytest.raises(SyncError) as told:
        await stage.port.update(CALENDAR, "a1", BODY, '"6"')
    assert type(told.value) is meaning
    assert "Zwiebelfisch" not in str(told.value)
    assert stage.prices.blocked == (["role@k.example"] if meaning is WritesBlocked else [])


@pytest.mark.parametrize("gone", [refusal(404, "notFound"), refusal(410, "deleted")])
async def test_gone_is_done_for_a_deletion_and_none_for_a_question(google: StandIn, stage: Stage, gone: Any) -> None:
    google.answers = [gone]
    await stage.port.delete(CALENDAR, "a1", '"7"')
    assert await stage.port.event(CALENDAR, "a1") is None
    assert await stage.port.instances(CALENDAR, "a1", "2026-12-01T09:00:00+01:00") is None
    assert not await stage.port.reachable(CALENDAR)


async def test_a_lost_calendar_is_no_empty_one(google: StandIn, stage: Stage) -> None:
    google.answers = [refusal(404, "notFound")]
    with pytest.raises(CalendarLost):
        await stage.port.events(CALENDAR, "t1", SINCE, SINCE)
    google.answers = [(404, "<html>"), (200, {"id": "c1"})]
    assert await stage.port.reachable(CALENDAR), "asked twice before it counts as lost"


async def test_refused_credentials_are_not_tried_in_a_loop(google: StandIn, stage: Stage) -> None:
    google.answers = [refusal(401, "authError")]
    for _ in range(5):
        with pytest.raises(AuthenticationRefused):
            await stage.port.event(CALENDAR, "a1")
    assert len(google.asked) == 2, "once more with a fresh token, then no more"


async def test_a_calendar_is_made_once_and_found_again(google: StandIn, stage: Stage) -> None:
    """By the line in its description, whatever a person has written beside it."""
    marker = "advoware-sync:kanzlei:ÄB"
    google.answers = [(200, {"id": "c9", "summary": "Termine ÄB", "dataOwner": "role@k.example"})]
    made = await stage.port.create_calendar("Termine ÄB", marker)
    assert google.bodies == [{"summary": "Termine ÄB", "description": marker, "timeZone": "Europe/Berlin"}]
    pages = [
        (200, {"items": [{"id": "x", "description": "advoware-sync:kanzlei:AB"}], "nextPageToken": "p"}),
        (200, {"items": [{"id": "c9", "description": f"Bitte nicht löschen!\n{marker}\n"}, {"id": "y"}]}),
    ]
    google.answers = list(pages)
    found = await stage.port.find_calendar(marker)
    assert found is not None
    assert (found.id, made.id, made.owner) == ("c9", "c9", "role@k.example")
    google.answers = list(pages)
    assert [one.id for one in await stage.port.all_calendars()] == ["x", "c9"]


async def test_rights_are_given_without_a_mail(google: StandIn, stage: Stage) -> None:
    google.answers = [(200, {"id": "user:ab@k.example", "role": "writer"})]
    await stage.port.share(CALENDAR, "ab@k.example", "writer")
    assert google.asked[0].query["sendNotifications"] == "false"
    google.answers = [refusal(404, "notFound")]
    await stage.port.unshare(CALENDAR, "ab@k.example")
    google.answers = [refusal(409, "duplicate")]
    await stage.port.show_to(CALENDAR, "ab@k.example")
    assert stage.accounts.acted[-1] == "ab@k.example"
    rules = [{"scope": {"type": "user", "value": "AB@k.example"}, "role": "writer"}, {"scope": {"type": "default"}}]
    google.answers = [(200, {"items": rules})]
    assert await stage.port.shared_with(CALENDAR) == {"ab@k.example": "writer"}
