"""Redis, the real one: leases that are renewed, lost and outlived; once per cluster; the shared token; outages."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from deploy.local.backends import LazyBackends
from deploy.local.waiting import LONG, in_time
from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin, Token
from kanzlei.advoware.token_cache import RedisTokenCache
from synckit.clock import SystemClock
from synckit.errors import AuthenticationRefused, Locked, RemoteUnavailable
from synckit.redis.locks import LockTimes, OncePerCluster, RedisLocks, connect, ping
from synckit.testing.clock import FakeClock, HandClock
from synckit.testing.scripted_http import ScriptedServer

pytestmark = pytest.mark.stack
LOGIN = AdvowareLogin("app", "64", "a2V5", "Kanzlei", "db", "user", "2", "geheim")


@pytest.fixture
def prefix() -> str:
    return f"test:{uuid.uuid4().hex}:"


async def test_a_lease_is_renewed_while_it_is_held(redis_client: Redis, prefix: str) -> None:
    clock = HandClock()
    locks = RedisLocks(redis_client, clock, prefix=prefix)
    async with locks.hold("a") as lease:
        for _ in range(10):
            await redis_client.pexpire(prefix + "a", 5000)
            await clock.pass_time(5)
            async with in_time():
                while await redis_client.pttl(prefix + "a") <= 5000:
                    pass
            lease.ensure()
    await locks.released()
    assert await redis_client.exists(prefix + "a") == 0


async def test_all_locks_of_a_process_are_renewed_also_those_that_come_later(redis_client: Redis, prefix: str) -> None:
    clock = HandClock()
    locks = RedisLocks(redis_client, clock, prefix=prefix)
    async with locks.hold("a") as first:
        await clock.pass_time(3)
        async with locks.hold("b") as second:
            for name, seconds in [("a", 2.0), ("b", 3.0), ("a", 2.0), ("b", 3.0)]:
                await redis_client.pexpire(prefix + name, 5000)
                await clock.pass_time(seconds)
                async with in_time():
                    while await redis_client.pttl(prefix + name) <= 5000:
                        pass
            first.ensure()
            second.ensure()
    await locks.released()
    assert await redis_client.exists(prefix + "a", prefix + "b") == 0


async def test_a_lock_that_is_being_given_back_is_free_for_the_next_in_the_same_process(
    redis_client: Redis, prefix: str
) -> None:
    locks = RedisLocks(redis_client, SystemClock(), prefix=prefix)
    for _ in range(200):
        async with locks.hold("a") as lease:
            lease.ensure()
    await locks.released()
    assert await redis_client.exists(prefix + "a") == 0


async def test_a_lock_that_another_took_is_given_up_and_left_to_him(redis_client: Redis, prefix: str) -> None:
    clock = HandClock()
    async with RedisLocks(redis_client, clock, prefix=prefix).hold("a") as lease:
        await redis_client.set(prefix + "a", b"another")
        await clock.pass_time(5)
        async with in_time():
            while is_good(lease):
                await redis_client.get(prefix + "a")
    assert await redis_client.get(prefix + "a") == b"another"


async def test_a_frozen_process_stops_before_its_next_write(redis_client: Redis, prefix: str) -> None:
    clock = HandClock()
    async with RedisLocks(redis_client, clock, prefix=prefix).hold("a") as lease:
        lease.ensure()
        clock.advance(14)
        with pytest.raises(Locked):
            lease.ensure()


async def test_a_lock_whose_answer_was_lost_is_given_back(backends: LazyBackends, prefix: str) -> None:
    class LosesAnswers(Redis):
        async def set(self, *args: Any, **kwargs: Any) -> Any:
            await super().set(*args, **kwargs)
            raise TimeoutError

    client = LosesAnswers.from_pool(connect(backends.redis_url).connection_pool)
    with pytest.raises(RemoteUnavailable):
        async with RedisLocks(client, SystemClock(), prefix=prefix).hold("a"):
            raise AssertionError("held without an answer")
    assert await client.exists(prefix + "a") == 0
    await client.aclose()


async def test_a_lock_may_be_waited_for(redis_client: Redis, prefix: str) -> None:
    patient = RedisLocks(redis_client, SystemClock(), prefix=prefix, times=LockTimes(wait=LONG))
    order = []

    async def turn(number: int) -> None:
        async with patient.hold("a"):
            order.append(number)

    async with patient.hold("a"):
        waiting = asyncio.create_task(turn(2))
        order.append(1)
    await waiting
    assert order == [1, 2]


async def test_one_caller_in_the_cluster_does_the_work_of_an_interval(redis_client: Redis, prefix: str) -> None:
    clock, every = FakeClock(), timedelta(minutes=15)
    replicas = [OncePerCluster(redis_client, clock, prefix=prefix) for _ in range(10)]
    assert sum(await asyncio.gather(*(each.claim("beteiligte", every) for each in replicas))) == 1
    assert await replicas[0].claim("other", every)
    clock.advance(900)
    assert await replicas[3].claim("beteiligte", every)
    assert not await replicas[4].claim("beteiligte", every)
    await replicas[3].give_back("beteiligte", every)
    assert await replicas[4].claim("beteiligte", every)


def token(value: str, minutes: float = 10) -> Token:
    return Token(value, datetime.now(UTC) + timedelta(minutes=minutes), LOGIN.fingerprint)


async def test_a_token_is_shared_until_it_expires(redis_client: Redis, prefix: str) -> None:
    cache = RedisTokenCache(redis_client, SystemClock(), key=prefix + "token")
    assert await cache.read() is None
    written = token("t")
    await cache.write(written)
    assert await RedisTokenCache(redis_client, SystemClock(), key=prefix + "token").read() == written
    assert 590_000 < await redis_client.pttl(prefix + "token") <= 600_000
    await redis_client.set(prefix + "token", b"a token of somebody else's making")
    assert await cache.read() is None


async def test_a_refusal_is_shared_and_ends_by_itself(redis_client: Redis, prefix: str) -> None:
    cache = RedisTokenCache(redis_client, SystemClock(), key=prefix + "token")
    assert await cache.refused("one") == 0
    await cache.refuse("one", 600)
    assert 590 < await cache.refused("one") <= 600
    assert await cache.refused("two") == 0


async def test_ten_callers_in_three_replicas_cost_one_token_request(redis_client: Redis, prefix: str) -> None:
    async with ScriptedServer() as server:
        server.says(200, {"access_token": "t"})
        auths = [replica(server, redis_client, prefix) for _ in range(3)]
        got = await asyncio.gather(*(auths[n % 3].token() for n in range(10)))
        assert (got, len(server.asked)) == (["t"] * 10, 1)
        for auth in auths:
            await auth.close()


async def test_a_refused_login_is_tried_once_in_the_cluster(redis_client: Redis, prefix: str) -> None:
    async with ScriptedServer() as server:
        server.says(401)
        auths = [replica(server, redis_client, prefix) for _ in range(3)]
        got = await asyncio.gather(*(auths[n % 3].token() for n in range(9)), return_exceptions=True)
        assert all(isinstance(each, AuthenticationRefused) for each in got)
        assert len(server.asked) == 1
        for auth in auths:
            await auth.close()


async def test_who_waits_too_long_for_the_token_of_another_tries_later(redis_client: Redis, prefix: str) -> None:
    cache = RedisTokenCache(redis_client, SystemClock(), key=prefix + "token", turn=LockTimes(wait=0.1))
    async with cache.turn():
        with pytest.raises(RemoteUnavailable) as caught:
            async with cache.turn():
                raise AssertionError("two have the turn")
    assert not caught.value.maybe_applied


def replica(server: ScriptedServer, client: Redis, prefix: str) -> AdvowareAuth:
    cache = RedisTokenCache(client, SystemClock(), key=prefix + "token")
    return AdvowareAuth(server.url, LOGIN, cache, SystemClock())


def is_good(lease: Any) -> bool:
    try:
        lease.ensure()
    except Locked:
        return False
    return True


@pytest.fixture(scope="module")
def own_backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LazyBackends]:
    """A Redis that may be hurt: the session's is shared."""
    servers = LazyBackends(Path(tmp_path_factory.mktemp("hurt")))
    yield servers
    servers.stop()


@pytest.fixture
async def hurt_redis(own_backends: LazyBackends) -> AsyncIterator[Redis]:
    client = connect(own_backends.redis_url)
    yield client
    await client.aclose()


async def is_refused(client: Redis) -> None:
    async with in_time():
        with pytest.raises(RemoteUnavailable) as caught:
            async with RedisLocks(client, SystemClock()).hold("b"):
                raise AssertionError("held without Redis")
    assert caught.value.upstream == "redis"


async def test_without_redis_nothing_is_held_and_a_held_lease_runs_out(
    own_backends: LazyBackends, hurt_redis: Redis
) -> None:
    clock = HandClock()
    locks = RedisLocks(hurt_redis, clock)
    async with locks.hold("a") as lease:
        own_backends.kill("redis")
        await is_refused(hurt_redis)
        await clock.pass_time(5)
        lease.ensure()
        await clock.pass_time(8.5)
        with pytest.raises(Locked):
            lease.ensure()
    with pytest.raises(RemoteUnavailable):
        await ping(hurt_redis)
    await asyncio.to_thread(own_backends.restart, "redis")
    await ping(hurt_redis)
    async with RedisLocks(hurt_redis, SystemClock()).hold("a") as again:
        again.ensure()


async def test_a_silent_redis_is_unavailable_within_our_own_limit(
    own_backends: LazyBackends, hurt_redis: Redis
) -> None:
    await ping(hurt_redis)
    own_backends.freeze("redis")
    try:
        await is_refused(hurt_redis)
    finally:
        own_backends.thaw("redis")
    await ping(hurt_redis)
