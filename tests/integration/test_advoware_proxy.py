"""The Advoware proxy: its stores on real servers, its command, and two processes of it before the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from advoware_proxy.adapters.audit import AuditLimits, PostgresAudit
from advoware_proxy.adapters.replies import PostgresReplies
from advoware_proxy.adapters.sweep import LAST_RUN, OF_TICKER, ClockLeapt, PostgresSweep
from advoware_proxy.domain.calls import Entry
from advoware_proxy.handlers.ports import Claim
from deploy.local.backends import LazyBackends
from deploy.local.waiting import LONG, in_time
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, new_secret
from kanzlei.callers.table import KeyTable, NewKey, PostgresCallers
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from synckit.clock import SystemClock
from synckit.errors import RemoteUnavailable
from synckit.postgres.pool import PostgresPool
from synckit.redis.buckets import RedisBuckets
from synckit.testing.clock import FakeClock

pytestmark = pytest.mark.stack
CANARY = "Zwiebelfisch"
IBAN = "DE02120300000000202051"
GRANTS = ("GET,PUT /Beteiligte/:id", "GET,POST /Beteiligte")


def entry(outcome: str = "begun", status: int | None = None, call_id: str = "", key_id: str = "k1") -> Entry:
    return Entry(call_id or str(uuid.uuid4()), key_id, "GET", "/Beteiligte/:id", outcome, status, status)


@pytest.fixture
async def audit(postgres_pool: PostgresPool) -> AsyncIterator[PostgresAudit]:
    made = PostgresAudit(postgres_pool, SystemClock())
    tasks = [asyncio.create_task(step()) for step in (made.write_forever, made.count_forever)]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_announced_line_is_there_and_is_completed_once(
    audit: PostgresAudit, postgres_pool: PostgresPool
) -> None:
    lines = [entry() for _ in range(50)]
    await asyncio.gather(*(audit.announce(line) for line in lines))
    ids = [uuid.UUID(line.call_id) for line in lines]
    found = await postgres_pool.fetch("SELECT status FROM proxy_audit WHERE call_id = ANY($1)", ids)
    assert [row["status"] for row in found] == [None] * 50
    for line in lines:
        audit.record(entry("answered", 200, line.call_id))
    await audit.close()
    found = await postgres_pool.fetch("SELECT outcome, status, ms FROM proxy_audit WHERE call_id = ANY($1)", ids)
    assert {tuple(row) for row in found} == {("answered", 200, 200)}
    assert len(found) == 50


async def test_calls_of_nobody_are_one_line(audit: PostgresAudit, postgres_pool: PostgresPool) -> None:
    for _ in range(1000):
        audit.nobody("PUT", 401)
    await audit.close()
    found = await postgres_pool.fetch(
        "SELECT calls, outcome, pattern FROM proxy_audit WHERE key_id = '' AND method = 'PUT'"
    )
    assert [tuple(row) for row in found] == [(1000, "unauthenticated", "")]


async def test_without_a_database_no_line_is_promised_and_ends_of_calls_are_kept() -> None:
    pool = PostgresPool("postgresql://nobody@127.0.0.1:1/nothing")
    audit = PostgresAudit(pool, SystemClock(), AuditLimits(queue=3, seconds=60))
    writing = asyncio.create_task(audit.write_forever())
    with pytest.raises(RemoteUnavailable):
        await audit.announce(entry())
    with pytest.raises(RemoteUnavailable):
        await audit.probe()
    for _ in range(3):
        audit.record(entry("answered", 200))
    with pytest.raises(RemoteUnavailable, match="too many"):
        audit.record(entry("answered", 200))
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await pool.close()


async def test_a_bucket_gives_its_burst_and_then_its_rate_to_all_replicas(redis_client: Redis) -> None:
    one, other = (Caller(f"k-{uuid.uuid4().hex}", b"", (), Rate(per_minute=6, burst=5)) for _ in range(2))
    buckets = [RedisBuckets(redis_client), RedisBuckets(redis_client)]
    waits = await asyncio.gather(*(buckets[n % 2].take([one.bucket("test").charge()]) for n in range(12)))
    assert sorted(wait > 0 for wait in waits) == [False] * 5 + [True] * 7
    assert all(0 < wait <= 10.0 for wait in waits if wait)
    assert 0 < await redis_client.pttl(f"bucket:test:{one.key_id}") <= 50_000
    assert await buckets[0].take([other.bucket("test").charge()]) == 0


async def test_keys_are_known_within_their_seconds_and_revoked_ones_are_not(postgres_pool: PostgresPool) -> None:
    clock, table = FakeClock(), KeyTable(postgres_pool)
    callers = PostgresCallers(postgres_pool, clock, seconds=5)
    before = await callers.known()
    key_id, secret = new_secret()
    made = Caller(key_id, digest_of(secret), (Grant.parse("GET /Beteiligte/:id"),), Rate(60, 5))
    await table.add(NewKey(made, "Test"))
    assert await callers.known() == before
    clock.advance(5)
    assert (await callers.known())[key_id] == made
    assert await table.revoke(key_id)
    assert not await table.revoke(key_id)
    clock.advance(5)
    assert key_id not in await callers.known()


async def test_of_many_that_claim_one_post_at_once_one_is_first(postgres_pool: PostgresPool) -> None:
    replies = PostgresReplies(postgres_pool, kept=timedelta(hours=24))
    request_key = uuid.uuid4().bytes
    claims = [Claim("k1", request_key, b"same", str(uuid.uuid4())) for _ in range(8)]
    states = [found.state for found in await asyncio.gather(*(replies.claim(claim) for claim in claims))]
    assert sorted(states) == ["busy"] * 7 + ["fresh"]


async def test_what_has_had_its_time_is_removed_and_nothing_else(
    audit: PostgresAudit, postgres_pool: PostgresPool
) -> None:
    """The time is the database's: the process's own clock is not asked."""
    replies = PostgresReplies(postgres_pool, kept=timedelta(hours=24))
    key_id = f"k-{uuid.uuid4().hex}"
    claim = Claim(key_id, b"1", b"same", str(uuid.uuid4()))
    await replies.claim(claim)
    await replies.sending(claim)
    await audit.announce(entry(key_id=key_id))
    sweep = PostgresSweep(postgres_pool, audit_kept=timedelta(days=400))
    await sweep.sweep()
    assert await _rows(postgres_pool, key_id) == (1, 1)
    await _older(postgres_pool, key_id, timedelta(hours=24))
    await sweep.sweep()
    assert await _rows(postgres_pool, key_id) == (0, 1)
    await _older(postgres_pool, key_id, timedelta(days=400))
    await sweep.sweep()
    assert await _rows(postgres_pool, key_id) == (0, 0)


async def test_nothing_is_removed_after_a_leap_of_the_clock(audit: PostgresAudit, postgres_pool: PostgresPool) -> None:
    """401 days at once are no 401 days. Where a person believes them, the ticker's run says so to the proxy as well."""
    key_id, told = f"k-{uuid.uuid4().hex}", list[bool]()
    await audit.announce(entry(key_id=key_id))
    sweep = PostgresSweep(postgres_pool, audit_kept=timedelta(days=400), on_refused=told.append)
    await sweep.sweep()
    await _older(postgres_pool, key_id, timedelta(days=401))
    await postgres_pool.fetch(
        "UPDATE cursor SET value = (value::timestamptz - interval '401 days')::text WHERE name = ANY($1)",
        [LAST_RUN, OF_TICKER],
    )
    for _ in range(2):
        with pytest.raises(ClockLeapt):
            await sweep.sweep()
    assert (await _rows(postgres_pool, key_id))[1] == 1
    await postgres_pool.fetch(
        "INSERT INTO cursor (name, value) VALUES ($1, clock_timestamp()::text) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        OF_TICKER,
    )
    await sweep.sweep()
    assert (await _rows(postgres_pool, key_id))[1] == 0
    assert told == [False, True, True, False]


async def _older(pool: PostgresPool, key_id: str, age: timedelta) -> None:
    """As if it had been written so long ago."""
    await pool.fetch(
        "UPDATE proxy_idempotency SET expires_at = expires_at - $2::interval WHERE key_id = $1", key_id, age
    )
    await pool.fetch("UPDATE proxy_audit SET at = at - $2::interval WHERE key_id = $1", key_id, age)


async def _rows(pool: PostgresPool, key_id: str) -> tuple[int, int]:
    return (
        await pool.fetch_value("SELECT count(*) FROM proxy_idempotency WHERE key_id = $1", key_id),
        await pool.fetch_value("SELECT count(*) FROM proxy_audit WHERE key_id = $1", key_id),
    )


async def keys(environment: Mapping[str, str], *words: str, module: str = "kanzlei.keys") -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, env={**os.environ, **environment}, stdout=-1, stderr=-1
    )
    said, complained = await asyncio.wait_for(process.communicate(), LONG)
    return process.returncode or 0, (said or complained).decode()


async def test_the_command_makes_lists_and_revokes_keys_and_shows_a_secret_once(migrated_database: str) -> None:
    environment = {"DATABASE_URL": migrated_database}
    create = ("create", "--name", "Dashboard", "--grant", GRANTS[0], "--per-minute", "30", "--days", "7", "--json")
    code, said = await keys(environment, *create, "--dry-run")
    assert (code, "key" in json.loads(said)) == (0, False)
    code, said = await keys(environment, *create)
    made = json.loads(said)
    key_id, _, secret = made["key"].partition(".")
    assert (code, made["key_id"], len(secret)) == (0, key_id, 43)
    _, listed = await keys(environment, "list", "--json")
    (shown,) = [one for one in json.loads(listed)["keys"] if one["key_id"] == key_id]
    assert (shown["grants"], shown["per_minute"], shown["revoked_at"]) == (["GET,PUT /Beteiligte/:id"], 30, None)
    assert secret not in listed
    assert json.loads((await keys(environment, "revoke", key_id, "--dry-run", "--json"))[1])["revoked"] is False
    assert (await keys(environment, "revoke", key_id))[0] == 0
    assert (await keys(environment, "revoke", key_id))[0] == 1
    assert f"{key_id}  revoked" in (await keys(environment, "list"))[1]
    old, new = [await keys(environment, "list", module=name) for name in ("advoware_proxy.keys", "kanzlei.keys")]
    assert old == new
    for wrong in (["--grant", "GET /../x"], ["--grant", "GET /a", "--burst", "0"]):
        assert (await keys(environment, "create", "--name", "x", *wrong))[0] == 2
    assert (await keys({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "list"))[0] == 3


class Running:
    """A proxy, its port, and what it logged."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.logged = b""
        self.url = ""

    async def until(self, event: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with in_time(event, instead=lambda: self.logged.decode(errors="replace")):
            while line := await self.process.stdout.readline():
                self.logged += line
                told: dict[str, Any] = json.loads(line)
                if told["event"] == event:
                    return told
        raise AssertionError(self.logged)

    async def end(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        self.logged += await asyncio.wait_for(self.process.stdout.read(), LONG)
        return await asyncio.wait_for(self.process.wait(), LONG)


@asynccontextmanager
async def running(environment: Mapping[str, str]) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "advoware_proxy"),
        env={"LOG_FORMAT": "json", "PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    proxy = Running(process)
    try:
        proxy.url = f"http://127.0.0.1:{(await proxy.until('listening'))['port']}"
        await proxy.until("started")
        yield proxy
    finally:
        await proxy.end()


async def test_two_proxies_before_an_advoware_share_all_and_tell_nothing_of_a_client(
    backends: LazyBackends, migrated_database: str, postgres_pool: PostgresPool
) -> None:
    async with AsyncExitStack() as stack:
        advoware = await stack.enter_async_context(TestServer(build_advoware()))
        base = str(advoware.make_url("")).rstrip("/")
        environment = {
            **{f"ADVOWARE_{name.upper()}": value for name, value in vars(DEFAULT).items()},
            "DATABASE_URL": migrated_database,
            "REDIS_URL": backends.redis_url,
            "ADVOWARE_AUTH_URL": f"{base}/api/v1/Token",
            "ADVOWARE_API_BASE_URL": base,
            "ADVOWARE_PROXY_PORT": "0",
            "ADVOWARE_PROXY_KEYS_SECONDS": "0.05",
        }
        grants = [word for grant in GRANTS for word in ("--grant", grant)]
        key = json.loads((await keys(environment, "create", "--name", "x", *grants, "--json"))[1])["key"]
        one = await stack.enter_async_context(running(environment))
        two = await stack.enter_async_context(running(environment))
        session = await stack.enter_async_context(ClientSession(headers={"Authorization": f"Bearer {key}"}))
        told = await _journey(session, one.url, two.url)
        measured = await (await session.get(f"{one.url}/metrics")).text()
        assert (await session.get(f"{one.url}/health/ready")).status == 200
        assert (await keys(environment, "revoke", key.partition(".")[0]))[0] == 0
        await _refused_at_last(session, one.url)
        assert [await one.end(), await two.end()] == [0, 0]
    rows = await postgres_pool.fetch(
        "SELECT a::text AS whole, a.* FROM proxy_audit a WHERE key_id = $1 ORDER BY at", key.partition(".")[0]
    )
    assert {row["status"] for row in rows} >= {200, 201, 400, 403}
    assert all(row["ms"] is not None for row in rows if row["status"] is not None)
    everything = "".join([*(row["whole"] for row in rows), measured, *told, (one.logged + two.logged).decode()])
    assert 'sync_proxy_calls_total{code="201",method="POST",outcome="answered"} 1.0' in measured
    for secret in (CANARY, IBAN, key.partition(".")[2], "Bearer "):
        assert secret not in everything


async def _journey(session: ClientSession, one: str, two: str) -> list[str]:
    """Calls of all kinds with client data everywhere; answers what the proxy said of those that it refused."""
    post = {"params": {"path": "/Beteiligte"}, "json": {"name": CANARY}, "headers": {"Idempotency-Key": CANARY}}
    made = await session.post(f"{one}/advoware/proxy", **post)  # type: ignore[arg-type]
    again = await session.post(f"{two}/advoware/proxy", **post)  # type: ignore[arg-type]
    assert (made.status, again.status, again.headers["Idempotency-Replayed"]) == (201, 201, "true")
    assert await made.json() == await again.json()
    number = (await made.json())["betNr"]
    read = await session.get(f"{two}/advoware/proxy", params={"endpoint": f"api/v1/advonet/Beteiligte/{number}"})
    assert (await read.json())[0]["name"] == CANARY
    named = await session.get(f"{two}/advoware/proxy", params={"path": "/Beteiligte", "name": CANARY})
    assert [row["betNr"] for row in await named.json()] == [number]
    refused: list[ClientResponse] = [
        await session.put(f"{one}/advoware/proxy?path=/Beteiligte/{number}", json={"vorname": CANARY}),
        await session.get(f"{one}/advoware/proxy?path=/{CANARY}/{IBAN}&{CANARY}={IBAN}"),
        await session.get(f"{one}/advoware/proxy?path=/{CANARY}/../{IBAN}"),
        await session.get(f"{two}/advoware/proxy?path=/Beteiligte/1", headers={"Authorization": f"Bearer {CANARY}"}),
        await session.get(f"{two}/advoware/{CANARY}"),
    ]
    assert [answer.status for answer in refused] == [400, 403, 400, 401, 404]
    return [await answer.text() for answer in refused]


async def _refused_at_last(session: ClientSession, url: str) -> None:
    """A revoked key is forgotten within ADVOWARE_PROXY_KEYS_SECONDS."""
    async with in_time():
        while (await session.get(f"{url}/advoware/proxy?path=/Beteiligte")).status != 401:
            pass
