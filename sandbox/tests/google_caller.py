"""Callers of the sandbox Google for its tests. Each answer is held against Google's own schemas."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httplib2
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from google.oauth2 import service_account
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient import discovery

from sandbox.google.app import KEY, build
from sandbox.google.scopes import PREFIX
from sandbox.google.service_account import ROLE_ACCOUNT
from sandbox.tests.google_schema import answer_errors, request_errors

AppClient = TestClient[web.Request, web.Application]
Answer = tuple[int, Any]
BASE = "/calendar/v3"
SB, KMO = "sb@kanzlei.example", "kmo@kanzlei.example"
SCOPES = tuple(PREFIX + name for name in ("calendar.app.created", "calendar.acls", "calendar.calendarlist"))


class TickingClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


class Caller:
    """Speaks HTTP as a person, or with a token."""

    def __init__(self, client: AppClient, clock: TickingClock) -> None:
        self.client = client
        self.clock = clock
        self.services: list[Any] = []

    async def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str = ROLE_ACCOUNT,
        token: str | None = None,
        etag: str | None = None,
        **query: Any,
    ) -> Answer:
        """One call below /calendar/v3, with request and answer checked."""
        headers = {"Authorization": f"Bearer {token or 'sandbox:' + by}"} | ({"If-Match": etag} if etag else {})
        async with self.client.request(method, BASE + path, json=body, headers=headers, params=query) as answer:
            text = await answer.text()
            told = json.loads(text) if text else None
            if answer.status < 400:
                wrong = request_errors(method, BASE + path, query, body)
                assert wrong == [], wrong
            wrong = answer_errors(method, BASE + path, answer.status, told)
            assert wrong == [], wrong
            return answer.status, told

    async def control(self, method: str, path: str, body: Any = None) -> Answer:
        """A call below /_sandbox."""
        async with self.client.request(method, "/_sandbox" + path, json=body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def calendar(self, *, by: str = ROLE_ACCOUNT, shared_with: str = "", role: str = "writer") -> Office:
        """A new calendar, shared with somebody."""
        status, told = await self.api("POST", "/calendars", {"summary": "Termine SB"}, by=by)
        assert status == 200, told
        office = Office(self, told["id"], by)
        if shared_with:
            await office.share(shared_with, role)
        return office

    def service(self, subject: str, folder: Path, scopes: tuple[str, ...] = SCOPES) -> Any:
        """The real client of Google's, acting for this account."""
        url = str(self.client.make_url("")).rstrip("/")
        file = folder / "service-account.json"
        self.client.app[KEY].write(file, url)
        credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
            str(file), scopes=list(scopes)
        ).with_subject(subject)
        http = AuthorizedHttp(credentials, http=httplib2.Http(timeout=30))
        options = {"api_endpoint": f"{url}{BASE}/"}
        built = discovery.build("calendar", "v3", http=http, client_options=options, cache_discovery=False)
        self.services.append(built)
        return built


class Office:
    """One calendar and whoever works in it."""

    def __init__(self, caller: Caller, calendar_id: str, by: str) -> None:
        self.caller = caller
        self.id = calendar_id
        self.by = by
        self.path = f"/calendars/{quote(calendar_id, safe='@')}"

    async def share(self, email: str, role: str = "writer") -> Answer:
        return await self.caller.api(
            "POST", self.path + "/acl", {"role": role, "scope": {"type": "user", "value": email}}, by=self.by
        )

    async def events(self, method: str, path: str = "", body: Any = None, **more: Any) -> Answer:
        """A call below this calendar's events."""
        return await self.caller.api(method, f"{self.path}/events{path}", body, **{"by": self.by, **more})

    async def new(self, **fields: Any) -> dict[str, Any]:
        """A new event, of an hour unless told otherwise."""
        status, told = await self.events("POST", "", event(**fields))
        assert status == 200, told
        return dict(told)

    async def all(self, **query: Any) -> tuple[list[dict[str, Any]], str]:
        """Every page, and the sync token."""
        rows: list[dict[str, Any]] = []
        page: dict[str, Any] = {"nextPageToken": ""}
        while "nextPageToken" in page:
            more = {"pageToken": page["nextPageToken"]} if page["nextPageToken"] else {}
            status, page = await self.events("GET", **query, **more)
            assert status == 200, page
            rows += page["items"]
        return rows, page.get("nextSyncToken", "")

    async def expire(self, **given: Any) -> None:
        status, told = await self.caller.control("POST", "/google/expire-sync-tokens", {"calendar": self.id, **given})
        assert status == 200, told


def event(**fields: Any) -> dict[str, Any]:
    """A body: an hour on 5 October at 9, in Berlin."""
    return {
        "summary": "Besprechung",
        "start": at("2026-10-05T09:00:00"),
        "end": at("2026-10-05T10:00:00"),
    } | fields


def at(wall: str) -> dict[str, str]:
    """A time in Berlin."""
    return {"dateTime": wall, "timeZone": "Europe/Berlin"}


def reason(answer: Answer) -> tuple[int, str]:
    """Status and Google's word for a refusal."""
    return answer[0], answer[1]["error"]["errors"][0]["reason"]


@asynccontextmanager
async def office(clock: TickingClock | None = None) -> AsyncIterator[Caller]:
    """A fresh sandbox that listens."""
    ticking = clock or TickingClock()
    async with TestClient(TestServer(build(clock=ticking))) as client:
        caller = Caller(client, ticking)
        yield caller
        for service in caller.services:
            service.close()


def now() -> TickingClock:
    """Google's client looks at the real clock, so the sandbox has to as well."""
    clock = TickingClock()
    clock.now = datetime.now(UTC)
    return clock


async def in_thread(call: Callable[[], Any]) -> Any:
    """Google's client blocks."""
    return await asyncio.to_thread(call)
