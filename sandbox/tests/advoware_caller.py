"""A caller of the sandbox Advoware for its tests: signs the token request by hand, as the contract spells it out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.advoware.app import BASE, build
from sandbox.advoware.credentials import DEFAULT

AppClient = TestClient[web.Request, web.Application]
Answer = tuple[int, Any]


class TickingClock:
    """Stands still until a test moves it. Starts on a winter noon in UTC, which is 13:00 in Berlin."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


def token_request(clock: TickingClock, **others: Any) -> dict[str, Any]:
    """A right one, but for the fields in `others`; Nonce and RequestTimeStamp are signed as they then are."""
    given: dict[str, Any] = {
        "AppID": DEFAULT.app_id,
        "Kanzlei": DEFAULT.kanzlei,
        "Database": DEFAULT.database,
        "User": DEFAULT.user,
        "Role": DEFAULT.role,
        "Product": DEFAULT.product_id,
        "Password": DEFAULT.password,
        "Nonce": str(uuid.uuid4()),
        "RequestTimeStamp": clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
    } | others
    text = f"{DEFAULT.product_id}:{DEFAULT.app_id}:{given['Nonce']}:{given['RequestTimeStamp']}"
    digest = hmac.new(base64.b64decode(DEFAULT.api_key), text.encode(), hashlib.sha512).digest()
    return {"HMAC512Signature": base64.b64encode(digest).decode(), **given}


class Caller:
    """Calls the API with a token, and the control routes without."""

    def __init__(self, client: AppClient, clock: TickingClock) -> None:
        self.client = client
        self.clock = clock
        self.token = ""

    async def log_in(self) -> None:
        """Get a token and use it from now on."""
        status, answer = await self.raw("POST", "/api/v1/Token", token_request(self.clock))
        assert status == 200, answer
        self.token = answer["access_token"]

    async def raw(self, method: str, path: str, body: Any = None, /, **params: str) -> Answer:
        """One request to any path of the sandbox."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.client.request(method, path, json=body, params=params, headers=headers) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def api(self, method: str, path: str, body: Any = None, **params: str) -> Answer:
        """One call of the API below its base."""
        return await self.raw(method, BASE + path, body, **params)

    async def desk(self, method: str, path: str, body: Any = None) -> Any:
        """Something that a person does at a desk, or a switch: has to succeed."""
        status, answer = await self.raw(method, "/_sandbox" + path, body)
        assert status < 300, answer
        return answer

    async def create(self, **fields: Any) -> int:
        """A party made by the API."""
        status, party = await self.api("POST", "/Beteiligte", {"name": "Probst", **fields})
        assert status == 201, party
        return int(party["betNr"])

    async def party(self, bet_nr: int) -> dict[str, Any]:
        """The party as the API shows it."""
        status, shown = await self.api("GET", f"/Beteiligte/{bet_nr}")
        assert status == 200, shown
        assert isinstance(shown, list)
        assert len(shown) == 1
        party: dict[str, Any] = shown[0]
        return party


@asynccontextmanager
async def logged_in() -> AsyncIterator[Caller]:
    """A fresh sandbox and a caller of it that has a token."""
    clock = TickingClock()
    async with TestClient(TestServer(build(clock=clock))) as client:
        caller = Caller(client, clock)
        await caller.log_in()
        yield caller
