"""A whole proxy in this process: real sockets on both sides, stores in memory, a clock that is moved."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

import aiohttp
from aiohttp import web
from fake_replies import FakeReplies
from yarl import URL

from advoware_proxy.adapters.upstream import AdvowareUpstream
from advoware_proxy.domain.calls import Entry
from advoware_proxy.domain.path_rules import Base
from advoware_proxy.handlers.proxy import Doors, Limits, Proxy
from advoware_proxy.routes import ProxyRoutes, RequestLimits, problems
from deploy.local.waiting import LONG, in_time
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin, Token
from kanzlei.advoware.client import API
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of
from kanzlei.testing.tokens import FakeTokenCache
from synckit.buckets import Charge
from synckit.errors import RemoteUnavailable
from synckit.http.wiring import Wiring
from synckit.service.server import Health, HttpServer, add_shell
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT_LIMITS
from synckit.testing.scripted_http import Line, ScriptedServer

SECRET = "s" * 43
KEY = f"k0123456789ab.{SECRET}"
KEY_ID = "k0123456789ab"
GRANTS = (
    Grant.parse("GET,PUT,DELETE /Beteiligte/:id"),
    Grant.parse("GET,POST /Beteiligte"),
    Grant.parse("POST /Beteiligte/:id/Adressen"),
    Grant.parse("GET /Stamm/:word"),
)
LOGIN = AdvowareLogin("app", "64", base64.b64encode(b"of no value").decode(), "K", "db", "user", "2", "geheim")
OTHER_KEY = f"kba9876543210.{SECRET}"
GOOD = Line(200, b'{"betNr": 4711}')


class FakeCallers:
    """Knows two keys, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.caller = Caller(KEY_ID, digest_of(SECRET), GRANTS, Rate(600, 50))

    async def known(self) -> Mapping[str, Caller]:
        if self.away:
            raise RemoteUnavailable("postgres", "away")
        other = replace(self.caller, key_id=OTHER_KEY.partition(".")[0])
        return {one.key_id: one for one in (self.caller, other)}


class FakeBuckets:
    """Has what the test says; counts what was taken."""

    def __init__(self) -> None:
        self.away = False
        self.wait = 0.0
        self.taken = 0

    async def take(self, charges: Sequence[Charge], *, within: float = 0.0) -> float:
        self.taken += 1
        if self.away:
            raise RemoteUnavailable("redis", "away")
        return self.wait


class FakeAudit:
    """Keeps its lines; `full` refuses all, `away` those that are announced."""

    def __init__(self) -> None:
        self.away = False
        self.full = False
        self.lines: list[Entry] = []
        self.strangers: list[tuple[str, int]] = []

    async def announce(self, entry: Entry) -> None:
        if self.away:
            raise RemoteUnavailable("audit", "away")
        self.record(entry)

    def record(self, entry: Entry) -> None:
        if self.full:
            raise RemoteUnavailable("audit", "full")
        self.lines.append(entry)

    def nobody(self, method: str, status: int) -> None:
        self.strangers.append((method, status))

    async def ended(self, count: int = 1) -> list[Entry]:
        """The ends of calls; an end is written after the caller has the answer, so there may be one to wait for."""
        async with in_time():
            while len(found := [line for line in self.lines if line.status is not None]) < count:
                await asyncio.wait([asyncio.ensure_future(asyncio.to_thread(lambda: None))])
        return found


class Stage:
    """`get`, `post` … speak as a caller with a key does; `raw` sends bytes. `at`: Advoware is there."""

    def __init__(
        self, *, limits: RequestLimits | None = None, carried: Limits | None = None, read: float = 60, at: str = ""
    ) -> None:
        self.clock = FakeClock()
        self.upstream, self.decoy, self.tokens = ScriptedServer(keeps_alive=True), ScriptedServer(), ScriptedServer()
        self.upstream.otherwise = self.decoy.otherwise = GOOD
        self.cache = FakeTokenCache(self.clock)
        self.callers, self.buckets, self.audit = FakeCallers(), FakeBuckets(), FakeAudit()
        self.replies = FakeReplies(self.clock)
        self._limits = limits or RequestLimits(body=4096, body_seconds=60, grace=60)
        self._carried = carried or Limits(seconds=60, answer=65536)
        self._read = read
        self._at = at
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def __aenter__(self) -> Self:
        for server in (self.upstream, self.decoy, self.tokens):
            await server.__aenter__()
        self.cache.token = Token("token-0", self.clock.now() + timedelta(minutes=30), LOGIN.fingerprint)
        limits = replace(PATIENT_LIMITS, read=self._read, largest_answer=self._carried.answer)
        wiring = Wiring(limits=limits, monotonic=self.clock.monotonic, agent="advoware-proxy/test")
        self.base = Base.of(self._at or self.upstream.url, API)
        self.auth = AdvowareAuth(self.tokens.url + "/api/v1/Token", LOGIN, self.cache, self.clock, wiring)
        self._upstream = AdvowareUpstream(self.base, self.auth, wiring)
        doors = Doors(self.callers, self.buckets, self.audit, self.replies, self._upstream)
        proxy = Proxy(doors, self.base, self.clock, self._carried)
        self.settling = proxy.settling
        app = web.Application(client_max_size=self._limits.body, middlewares=[problems])
        self.routes = ProxyRoutes(proxy, self.clock, self._limits)
        self.routes.add_to(app)
        self.app = add_shell(app, Health())
        self.server = HttpServer(app, port=0, host="127.0.0.1", grace=0.1)
        await self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self.server.stop()
        await self._upstream.close()
        await self.auth.close()
        for server in (self.upstream, self.decoy, self.tokens):
            await server.__aexit__(None, None, None)

    async def ask(
        self,
        method: str,
        query: str,
        *,
        json_body: Any = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = KEY,
        data: bytes | io.BytesIO | None = None,
    ) -> Told:
        """One call; `query` goes out as it is."""
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        if json_body is not None:
            data, sent = json.dumps(json_body).encode(), {**sent, "Content-Type": "application/json"}
        url = URL(f"{self.url}/advoware/proxy?{query}", encoded=True)
        async with self._session.request(method, url, data=data, headers={**sent, **(headers or {})}) as answer:
            return Told(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **others: Any) -> Told:
        return await self.ask("GET", f"path={path}", **others)

    async def post(self, path: str, body: Any, **others: Any) -> Told:
        return await self.ask("POST", f"path={path}", json_body=body, **others)

    async def raw(self, request: bytes) -> bytes:
        """The bytes go out as they are; what comes back until the end, or until nothing more comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        received, patience = b"", LONG
        try:
            writer.write(request)
            await writer.drain()
            while chunk := await asyncio.wait_for(reader.read(65536), patience):
                received, patience = received + chunk, 0.1
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return received


class Told:
    """An answer, whole."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, who, why."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return self.status, self.json["refused_by"], self.json["code"]
