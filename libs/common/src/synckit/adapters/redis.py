"""Redis: a connection that never hangs, one holder a record, once per cluster. All of it can be lost at any time.

What must survive that is not here: the fence comes from PostgreSQL, taken while the lock is held.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import LockNotOwnedError, RedisError

from synckit.errors import Locked, RemoteUnavailable
from synckit.ports import Clock, Lease

UPSTREAM = "redis"
COMMAND_SECONDS = 3.0
TICK_SECONDS = 0.05
T = TypeVar("T")


def connect(url: str, *, size: int = 32) -> Redis:
    """A client without retries of its own: a repeated SET NX would find its own lock and call it another's."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=size,
        timeout=COMMAND_SECONDS,
        socket_connect_timeout=1.0,
        socket_timeout=2.0,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return Redis.from_pool(pool)


async def command(awaitable: Awaitable[T]) -> T:
    """One command, with an end. RemoteUnavailable where Redis is away, silent, or refuses."""
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await awaitable
    except LockNotOwnedError:
        raise
    except (RedisError, OSError, TimeoutError) as error:
        raise RemoteUnavailable(UPSTREAM, type(error).__name__) from None


async def ping(redis: Redis) -> None:
    """RemoteUnavailable where Redis does not answer."""
    await command(redis.get("ping"))


@dataclass(frozen=True, slots=True)
class LockTimes:
    """Seconds. `margin` is kept free for the write that `ensure` allows."""

    ttl: float = 15.0
    renew_every: float = 5.0
    margin: float = 2.0
    wait: float = 0.0


class RedisLease:
    """A held lock. Its end is counted on our own clock, which goes on while the process is stopped."""

    def __init__(self, name: str, clock: Clock, times: LockTimes) -> None:
        self._name = name
        self._clock = clock
        self._times = times
        self._until = 0.0
        self._lost = False

    def ensure(self) -> None:
        """Locked where another may hold it by now."""
        if self._lost or self._left() < 0:
            raise Locked(f"{self._name}: the lock may be lost")

    async def during(self, write: Coroutine[Any, Any, T]) -> T:
        """Renewals push the end further out while the write goes on; a frozen process finds it passed."""
        if self._left() < 0 or self._lost:
            write.close()
            self.ensure()
        task = asyncio.ensure_future(write)
        try:
            while not task.done():
                self.ensure()
                await asyncio.wait([task], timeout=max(0.0, self._left()) + TICK_SECONDS)
            return task.result()
        finally:
            await _ended(task)

    def renewed(self, asked_at: float) -> None:
        """Counts from before the question: Redis may have set the time to live at any moment since."""
        self._until = asked_at + self._times.ttl

    def lost(self) -> None:
        """Redis said that it is not ours any more."""
        self._lost = True

    def _left(self) -> float:
        return self._until - self._times.margin - self._clock.monotonic()

    @property
    def is_over(self) -> bool:
        return self._lost or self._clock.monotonic() > self._until


class RedisLocks:
    """Implements `ports.Locks` with redis-py's Lock."""

    def __init__(self, redis: Redis, clock: Clock, *, prefix: str = "lock:", times: LockTimes | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._prefix = prefix
        self._times = times or LockTimes()
        self._releases: set[asyncio.Task[None]] = set()

    def hold(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Renewed until the block ends, released in every case."""
        return self._hold(name)

    @asynccontextmanager
    async def _hold(self, name: str) -> AsyncIterator[Lease]:
        lock = Lock(
            self._redis, self._prefix + name, timeout=self._times.ttl, sleep=0.05, blocking=False, thread_local=False
        )
        lease = RedisLease(name, self._clock, self._times)
        token = uuid.uuid4().hex.encode()
        try:
            is_ours = await self._acquire(lock, lease, token)
        except BaseException:
            # The answer is lost, the lock may be set.
            await self._release(lock, token)
            raise
        if not is_ours:
            raise Locked(f"{name} is held by another")
        renewal = asyncio.create_task(self._renew(lock, lease), name=f"renew {name}")
        try:
            yield lease
        finally:
            await self._release(lock, token, renewal)

    async def _acquire(self, lock: Lock, lease: RedisLease, token: bytes) -> bool:
        deadline = self._clock.monotonic() + self._times.wait
        while True:
            asked_at = self._clock.monotonic()
            if await command(lock.acquire(blocking=False, token=token)):
                lease.renewed(asked_at)
                return True
            if asked_at >= deadline:
                return False
            await self._clock.sleep(0.05)

    async def _renew(self, lock: Lock, lease: RedisLease) -> None:
        pause = self._times.renew_every
        while not lease.is_over:
            await self._clock.sleep(pause)
            asked_at = self._clock.monotonic()
            try:
                await command(lock.reacquire())
            except LockNotOwnedError:
                lease.lost()
                return
            except RemoteUnavailable:
                pause = min(1.0, self._times.renew_every)
            else:
                lease.renewed(asked_at)
                pause = self._times.renew_every

    async def _release(self, lock: Lock, token: bytes, renewal: asyncio.Task[None] | None = None) -> None:
        """Goes on in the background where we are cancelled meanwhile."""
        task = asyncio.create_task(_give_back(lock, token, renewal), name=f"release {lock.name!s}")
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)
        await asyncio.shield(task)


class OncePerCluster:
    """Who is first in an interval does the work; the others see that it is done."""

    def __init__(self, redis: Redis, clock: Clock, *, prefix: str = "once:") -> None:
        self._redis = redis
        self._clock = clock
        self._prefix = prefix

    async def claim(self, name: str, every: timedelta) -> bool:
        """True for one caller in the whole cluster and the current interval."""
        key = self._key(name, every)
        return bool(await command(self._redis.set(key, b"1", nx=True, px=int(every.total_seconds() * 2000))))

    async def give_back(self, name: str, every: timedelta) -> None:
        """The work failed: another may try in this interval."""
        await command(self._redis.delete(self._key(name, every)))

    def _key(self, name: str, every: timedelta) -> str:
        return f"{self._prefix}{name}:{int(self._clock.now().timestamp() // every.total_seconds())}"


async def _ended(task: asyncio.Future[T]) -> None:
    """Nothing is left running behind a lease that is over."""
    if not task.done():
        task.cancel()
        await asyncio.wait([task])


async def _give_back(lock: Lock, token: bytes, renewal: asyncio.Task[None] | None) -> None:
    if renewal is not None:
        renewal.cancel()
        await asyncio.wait([renewal])
    try:
        await command(lock.do_release(token))
    except (LockNotOwnedError, RemoteUnavailable):
        # Not ours, or Redis is away: the time to live ends it.
        return
