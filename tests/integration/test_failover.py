"""Servers that go on answering and take no writes: connections are opened anew, readiness says so, all by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.local.backends import Backends
from deploy.local.waiting import in_time
from recordsync.postgres.links import PostgresLinkStore
from synckit.clock import SystemClock
from synckit.errors import Locked, RemoteUnavailable
from synckit.ports import Commit, Link
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.redis.locks import LockTimes, RedisLease, RedisLocks, connect, ping
from tests.integration.own_postgres import Server

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIMITS = PoolLimits(size=3, connect=60.0, acquire=60.0, statement=60.0, command=60.0)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    own = Server(tmp_path / "primary")
    await asyncio.to_thread(own.start)
    try:
        await own.migrate()
        yield own
    finally:
        await asyncio.to_thread(own.stop)


async def read_only(server: Server, word: str) -> None:
    await server.run(f"ALTER SYSTEM SET default_transaction_read_only = {word}", "SELECT pg_reload_conf()")


async def all_connections(pool: PostgresPool) -> None:
    """As many as the pool may have are open."""
    await asyncio.gather(*(pool.fetch_value("SELECT pg_sleep(0.1)") for _ in range(LIMITS.size)))


async def refused_until(act: Callable[[], Awaitable[object]], *, good: bool) -> None:
    """Waits until it is refused, or succeeds: servers take a moment."""
    async with in_time():
        while True:
            try:
                await act()
                if good:
                    return
            except RemoteUnavailable:
                if not good:
                    return
            await SystemClock().sleep(0.05)


async def test_a_database_that_turns_read_only_is_not_ready_and_comes_back(server: Server) -> None:
    """Connections that were open all the time included."""
    pool = PostgresPool(server.url, limits=LIMITS)
    links = PostgresLinkStore(pool, "beteiligte")
    await all_connections(pool)
    await pool.ping()
    await read_only(server, "on")
    await refused_until(pool.ping, good=False)
    for _ in range(LIMITS.size + 1):
        with pytest.raises(RemoteUnavailable):
            await links.load("a")
    await read_only(server, "off")
    await refused_until(pool.ping, good=True)
    for _ in range(LIMITS.size + 1):
        await links.load("a")
    await pool.close()


async def test_where_another_server_takes_over_all_connections_move_to_it(server: Server, tmp_path: Path) -> None:
    """The old one lives on and takes no writes; the address names both. One refused write moves every connection."""
    await asyncio.to_thread(server.stop)
    standby = await server.copy(tmp_path / "standby", standby=True)
    await asyncio.to_thread(standby.start)
    await asyncio.to_thread(server.start)
    both = server.url.replace(server.address, f"{standby.address},{server.address}")
    pool = PostgresPool(both, limits=LIMITS)
    links = PostgresLinkStore(pool, "beteiligte")
    try:
        await all_connections(pool)
        before = (await links.load("a")).fence
        await standby.run("SELECT pg_promote()")
        await read_only(server, "on")
        await refused_until(lambda: links.load("a"), good=False)
        await refused_until(lambda: links.load("a"), good=True)
        for _ in range(LIMITS.size + 1):
            state = await links.load("a")
            await links.commit(Commit("a", state.fence, NOON, link=Link("a", "101")))
            await pool.ping()
        assert state.fence > before
        assert await standby.run("SELECT fence FROM guard WHERE left_id = 'a'") == state.fence
    finally:
        await pool.close()
        await asyncio.to_thread(standby.stop)


async def test_a_standby_alone_is_no_database(server: Server, tmp_path: Path) -> None:
    await asyncio.to_thread(server.stop)
    standby = await server.copy(tmp_path / "standby", standby=True)
    await asyncio.to_thread(standby.start)
    pool = PostgresPool(standby.url, limits=LIMITS)
    try:
        with pytest.raises(RemoteUnavailable):
            await pool.ping()
        await standby.run("SELECT pg_promote()")
        await refused_until(pool.ping, good=True)
    finally:
        await pool.close()
        await asyncio.to_thread(standby.stop)


async def ask(client: Redis, *words: str) -> object:
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Backends]:
    backends = Backends(tmp_path / "redis")
    backends.start("redis")
    try:
        yield backends
    finally:
        backends.stop("redis")


async def test_a_redis_that_becomes_a_replica_is_not_ready_and_comes_back(own_redis: Backends) -> None:
    """Of a master that is away. Every kind of write is refused meanwhile, scripts too, and none hangs."""
    redis, admin = connect(own_redis.redis_url), connect(own_redis.redis_url)
    locks = RedisLocks(redis, SystemClock(), times=LockTimes())

    async def hold() -> None:
        async with locks.hold("a"):
            pass
        await locks.released()

    await asyncio.gather(*(ping(redis) for _ in range(8)))
    async with locks.hold("held") as lease:
        await ask(admin, "REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(RemoteUnavailable):
            await ping(redis)
        with pytest.raises(RemoteUnavailable):
            await hold()
        lease.ensure()
    await locks.released()
    await ask(admin, "REPLICAOF", "NO", "ONE")
    await refused_until(lambda: ping(redis), good=True)
    await hold()
    await redis.aclose()
    await admin.aclose()


async def test_one_refusal_of_redis_opens_all_connections_anew(own_redis: Backends) -> None:
    """The address may have moved to another server, which only new connections find."""
    redis, admin = connect(own_redis.redis_url), connect(own_redis.redis_url)

    async def ours() -> set[str]:
        return {one["id"] for one in await admin.client_list() if one["id"] != str(await admin.client_id())}

    await asyncio.gather(*(ask(redis, "BLPOP", "nothing", "0.2") for _ in range(5)))
    before = await ours()
    await ask(admin, "REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(RemoteUnavailable):
        await ping(redis)
    await ask(admin, "REPLICAOF", "NO", "ONE")
    await asyncio.gather(*(ask(redis, "BLPOP", "nothing", "0.2") for _ in range(5)))
    assert len(before) == 5
    assert not before & await ours()
    await redis.aclose()
    await admin.aclose()


async def test_a_lock_that_redis_forgets_ends_before_the_next_write(own_redis: Backends) -> None:
    """FLUSHALL in the middle of a write: at the next renewal it is known, and nothing more is written under it."""
    redis = connect(own_redis.redis_url)
    locks = RedisLocks(redis, SystemClock(), times=LockTimes(ttl=15.0, renew_every=0.1))
    written: list[str] = []

    async def write(name: str) -> None:
        if name == "first":
            await redis.flushall()
        written.append(name)

    async with AsyncExitStack() as held:
        lease = await held.enter_async_context(locks.hold("a"))
        assert isinstance(lease, RedisLease)
        await lease.during(write("first"))
        async with in_time():
            while lease.good_for():
                await redis.ping()
        with pytest.raises(Locked) as refused:
            await lease.during(write("second"))
        assert not refused.value.maybe_applied
        await held.enter_async_context(locks.hold("a"))
    assert written == ["first"]
    await locks.released()
    await redis.aclose()
