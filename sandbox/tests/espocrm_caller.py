"""A caller of the sandbox EspoCRM for its tests, and a receiver of its webhooks."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.espocrm import settings as known
from sandbox.espocrm.app import WORLD, build
from sandbox.espocrm.settings import Settings
from sandbox.espocrm.world import World
from sandbox.serve import MAX_LINE

AppClient = TestClient[web.Request, web.Application]


@dataclass(frozen=True)
class Answer:
    """Status, X-Status-Reason, JSON body (or its text), content type."""

    status: int
    reason: str | None
    body: Any
    content_type: str


def basic(login: str, password: str) -> str:
    return base64.b64encode(f"{login}:{password}".encode()).decode()


CREDENTIALS = {
    "api": {"X-Api-Key": known.API_KEY},
    "anna": {"Espo-Authorization": basic(known.OFFICE_USER_NAME, known.OFFICE_PASSWORD)},
    "admin": {"Authorization": "Basic " + basic(known.ADMIN_USER_NAME, known.ADMIN_PASSWORD)},
    "nobody": {},
}


class Caller:
    """Speaks to one sandbox."""

    def __init__(self, client: AppClient, world: World) -> None:
        self.client = client
        self.world = world

    async def api(self, method: str, path: str, body: Any = None, *, by: str = "api", **headers: str) -> Answer:
        """A REST call; `body` bytes go out raw. Header names with underscores."""
        sent = {**CREDENTIALS[by], **{name.replace("_", "-"): value for name, value in headers.items()}}
        content: bytes | None = None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.client.request(method, f"/api/v1{path}", data=content, headers=sent) as response:
            text = await response.text()
            reason = response.headers.get("X-Status-Reason")
            return Answer(response.status, reason, parsed(text), response.headers["Content-Type"])

    async def create(self, entity: str = "CBeteiligte", *, by: str = "api", **values: Any) -> str:
        answer = await self.api("POST", f"/{entity}", values, by=by, X_Skip_Duplicate_Check="true")
        assert answer.status in (200, 201), answer
        return str(answer.body["id"])

    async def read(self, record_id: str, entity: str = "CBeteiligte") -> dict[str, Any]:
        answer = await self.api("GET", f"/{entity}/{record_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.body
        return found

    async def put(self, record_id: str, entity: str = "CBeteiligte", **values: Any) -> Answer:
        return await self.api("PUT", f"/{entity}/{record_id}", values)

    async def search(self, where: list[dict[str, Any]], entity: str = "CBeteiligte", **params: Any) -> Answer:
        """A list in the JSON form."""
        text = quote(json.dumps({"where": where, **params}))
        return await self.api("GET", f"/{entity}?searchParams={text}")

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.client.request(method, f"/_sandbox/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@asynccontextmanager
async def sandbox(**settings: Any) -> AsyncIterator[Caller]:
    """A sandbox whose webhook job runs only when it is told."""
    app = build(Settings(**{"dispatch_interval": 3600.0, "profile": "recording", **settings}))
    server = TestServer(app)
    await server.start_server(max_line_size=MAX_LINE)
    async with TestClient(server) as client:
        yield Caller(client, app[WORLD])


@dataclass
class Received:
    """One webhook request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Answers webhooks with the statuses given, then 200; keeps what came."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def receive(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Received(request.path, headers, await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, headers=self.headers)

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for request in self.requests for item in request.items]


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.receive)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/")).rstrip("/")
        yield found
