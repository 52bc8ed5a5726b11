"""Rights, quota, push and faults: who may do what, how fast, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.google.service_account import ROLE_ACCOUNT
from sandbox.tests.google_caller import KMO, SB, Caller, Office, event, office, reason
from sandbox.tests.test_google_token import token

PATIENCE = 30.0


async def app_token(caller: Caller, email: str = ROLE_ACCOUNT) -> str:
    return str((await token(caller, sub=email))[1]["access_token"])


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("freeBusyReader", 200, 403),
        ("reader", 200, 403),
        ("writerWithoutPrivateAccess", 200, 200),
        ("writer", 200, 200),
        ("none", 404, 404),
    ],
)
async def test_a_role_is_what_one_may_do(role: str, reads: int, writes: int) -> None:
    async with office() as caller:
        calendar = await caller.calendar(shared_with=SB, role=role)
        assert (await calendar.events("GET", by=SB))[0] == reads
        assert (await calendar.events("POST", "", event(), by=SB))[0] == writes
        assert (await caller.api("GET", calendar.path + "/acl", by=SB))[0] in (403, 404)


async def test_private_events_hide_what_they_are() -> None:
    async with office() as caller:
        calendar = await caller.calendar(shared_with=SB, role="reader")
        made = await calendar.new(visibility="private")
        _, seen = await calendar.events("GET", f"/{made['id']}", by=SB)
    assert ("summary" in seen, seen["start"]) == (False, made["start"])


async def test_only_the_data_owner_deletes_a_calendar() -> None:
    async with office() as caller:
        calendar = await caller.calendar(shared_with=SB, role="owner")
        assert reason(await caller.api("DELETE", calendar.path, by=SB)) == (403, "forbidden")
        assert (await caller.api("DELETE", calendar.path))[0] == 204
        assert reason(await calendar.events("GET")) == (404, "notFound")


async def test_the_owners_right_stays() -> None:
    async with office() as caller:
        calendar = await caller.calendar(shared_with=SB, role="owner")
        path = f"{calendar.path}/acl/user:{ROLE_ACCOUNT}"
        assert reason(await caller.api("DELETE", path, by=SB)) == (403, "cannotChangeOwnAcl")


async def test_the_same_scope_again_replaces_the_rule() -> None:
    async with office() as caller:
        calendar = await caller.calendar(shared_with=SB)
        await calendar.share(SB, "reader")
        _, listed = await caller.api("GET", calendar.path + "/acl")
        bad = await calendar.share(SB, "boss")
    assert {row["id"]: row["role"] for row in listed["items"]} == {
        f"user:{ROLE_ACCOUNT}": "owner",
        f"user:{SB}": "reader",
    }
    assert reason(bad) == (400, "invalid")


async def test_a_right_taken_away_is_a_calendar_gone() -> None:
    async with office() as caller:
        calendar = await caller.calendar(shared_with=SB)
        await caller.control("POST", "/google/revoke", {"calendar": calendar.id, "email": SB})
        assert reason(await calendar.events("GET", by=SB)) == (404, "notFound")
        assert (await calendar.events("GET"))[0] == 200
        await caller.control("POST", "/google/revoke", {"calendar": calendar.id})
        assert reason(await calendar.events("GET")) == (404, "notFound")


async def test_an_app_does_not_open_what_a_person_made() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        mine = await app_token(caller)
        assert reason(await calendar.events("GET", token=mine)) == (403, "insufficientPermissions")


@pytest.mark.parametrize(
    ("limits", "answer"),
    [
        ({"per_user_per_minute": 2}, (403, "userRateLimitExceeded")),
        ({"per_project_per_minute": 2}, (403, "rateLimitExceeded")),
        ({"per_user_per_minute": 2, "status": 429}, (429, "userRateLimitExceeded")),
        ({"per_calendar_per_minute": 2}, (403, "rateLimitExceeded")),
        ({"events_per_day": 2}, (403, "quotaExceeded")),
        ({"blocked": [ROLE_ACCOUNT]}, (403, "quotaExceeded")),
    ],
)
async def test_too_much_is_refused_in_googles_words(limits: dict[str, Any], answer: tuple[int, str]) -> None:
    async with office() as caller:
        mine = await app_token(caller)
        _, told = await caller.api("POST", "/calendars", {"summary": "Termine"}, token=mine)
        calendar = Office(caller, told["id"], ROLE_ACCOUNT)
        await caller.control("POST", "/google/quota", {**limits, "reset": True})
        seen = [await calendar.events("POST", "", event(), token=mine) for _ in range(3)]
        assert reason(seen[-1]) == answer
        assert (await calendar.events("POST", "", event()))[0] == 200
        await caller.control("POST", "/google/quota", {"preset": "off", "reset": True})
        assert (await calendar.events("POST", "", event(), token=mine))[0] == 200


async def test_a_patch_costs_three() -> None:
    async with office() as caller:
        mine = await app_token(caller)
        _, told = await caller.api("POST", "/calendars", {"summary": "Termine"}, token=mine)
        calendar = Office(caller, told["id"], ROLE_ACCOUNT)
        made = await calendar.new()
        await caller.control("POST", "/google/quota", {"per_user_per_minute": 5, "reset": True})
        patch = {"summary": "Neu"}
        first, _ = await calendar.events("PATCH", f"/{made['id']}", patch, token=mine)
        second = await calendar.events("PATCH", f"/{made['id']}", patch, token=mine)
        caller.clock.pass_(minutes=1)
        third, _ = await calendar.events("PATCH", f"/{made['id']}", patch, token=mine)
    assert (first, reason(second), third) == (200, (403, "userRateLimitExceeded"), 200)


async def test_sixty_calendars_a_day_are_enough() -> None:
    async with office() as caller:
        mine = await app_token(caller)
        await caller.control("POST", "/google/quota", {"calendars_per_day": 2})
        seen = [await caller.api("POST", "/calendars", {"summary": "T"}, token=mine) for _ in range(3)]
    assert reason(seen[2]) == (403, "quotaExceeded")


async def test_an_insert_may_be_done_and_its_answer_lost() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        rule = {"match": {"method": "POST", "path_regex": "/events"}, "times": 1, "fault": {"kind": "reset_after"}}
        await caller.control("POST", "/faults", rule)
        with pytest.raises(aiohttp.ClientError):
            await calendar.events("POST", "", event(id="abcde"))
        assert reason(await calendar.events("POST", "", event(id="abcde"))) == (409, "duplicate")
        _, calls = await caller.control("GET", "/calls?method=POST&path=/events$")
        _, changes = await caller.control("GET", "/changes?record=abcde")
    assert [(call["status"], call["effect"], call["caller"]) for call in calls["calls"]] == [
        (None, 200, ROLE_ACCOUNT),
        (409, 409, ROLE_ACCOUNT),
    ]
    assert [(change["action"], change["by"]) for change in changes["changes"]] == [("create", ROLE_ACCOUNT)]


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, asyncio.Queue[dict[str, str]]]]:
    """An address for push messages, and what came in there."""
    heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        assert await request.read() == b""
        await heard.put({name: value for name, value in request.headers.items() if name.startswith("X-Goog-")})
        return web.Response()

    app = web.Application()
    app.router.add_post("/google/push", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/google/push")), heard


async def test_a_channel_tells_that_something_changed() -> None:
    async with office() as caller, listening() as (address, heard):
        calendar = await caller.calendar(shared_with=KMO)
        wanted = {"id": "ch-1", "type": "web_hook", "address": address, "token": "secret"}
        status, channel = await calendar.events("POST", "/watch", wanted)
        assert status == 200
        first = await asyncio.wait_for(heard.get(), PATIENCE)
        await calendar.events("POST", "", event(), by=KMO)
        second = await asyncio.wait_for(heard.get(), PATIENCE)
        twice = await calendar.events("POST", "/watch", wanted)
        stop = {"id": "ch-1", "resourceId": channel["resourceId"]}
        stopped = await caller.api("POST", "/channels/stop", stop)
        again = await caller.api("POST", "/channels/stop", stop)
        _, left = await caller.control("GET", "/google/channels")
    for number, (state, message) in enumerate((("sync", first), ("exists", second)), start=1):
        assert message["X-Goog-Resource-State"] == state
        assert message["X-Goog-Message-Number"] == str(number)
        assert message["X-Goog-Channel-Id" if "X-Goog-Channel-Id" in message else "X-Goog-Channel-ID"] == "ch-1"
        assert message["X-Goog-Channel-Token"] == "secret"
        assert message["X-Goog-Resource-ID"] == channel["resourceId"]
    assert reason(twice) == (400, "channelIdNotUnique")
    assert stopped[0] == 204
    assert reason(again) == (404, "notFound")
    assert left == {"channels": []}


@pytest.mark.parametrize(
    "wanted",
    [
        {"id": "x" * 65},
        {"id": "a b"},
        {"type": "pigeon"},
        {"address": "http://kanzlei.example/push"},
        {"address": "ftp://127.0.0.1/push"},
        {"token": "x" * 257},
        {"expiration": "1"},
    ],
)
async def test_a_channel_that_cannot_be_is_400(wanted: dict[str, str]) -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        body = {"id": "ch-1", "type": "web_hook", "address": "https://kanzlei.example/push"} | wanted
        assert (await calendar.events("POST", "/watch", body))[0] == 400
