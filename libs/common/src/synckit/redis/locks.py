"""Redis: a connection that never hangs, one holder a record, once per cluster. All of it can be lost at any time.

What must survive that is not here: the fence comes from PostgreSQL, taken while the lock is held.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from synckit.errors import Locked, RemoteUnavailable
from synckit.ports import Clock, Lease
from synckit.redis.connection import watched
from synckit.under_lease import ensure_held

UPSTREAM = "redis"
COMMAND_SECONDS = 3.0
PING_MILLISECONDS = 10_000
TICK_SECONDS = 0.05
T = TypeVar("T")


def connect(url: str, *, size: int = 32) -> Redis:
    """A client without retries of its own: a repeated SET NX would find its own lock and call it another's.

    `command` is the limit of all that it does: one of the socket's own would cost a task for each command.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=size,
        timeout=COMMAND_SECONDS,
        socket_connect_timeout=1.0,
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return Redis.from_pool(watched(pool))


async def command(awaitable: Awaitable[T]) -> T:
    """One command, with an end. RemoteUnavailable where Redis is away, silent, or refuses."""
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            return await awaitable
    except (RedisError, OSError, TimeoutError) as error:
        raise RemoteUnavailable(UPSTREAM, type(error).__name__) from None


async def ping(redis: Redis) -> None:
    """RemoteUnavailable where Redis does not answer, or takes no writes."""
    await command(redis.set("ping", b"1", px=PING_MILLISECONDS))


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
        outer = ensure_held.set(self.ensure)
        try:
            async with _BrokenOff(self):
                return await write
        finally:
            ensure_held.reset(outer)

    def renewed(self, asked_at: float) -> None:
        """Counts from before the question: Redis may have set the time to live at any moment since."""
        self._until = asked_at + self._times.ttl

    def lost(self) -> None:
        """Redis said that it is not ours any more."""
        self._lost = True

    def good_for(self) -> float:
        """Seconds, 0 where it may be lost."""
        return 0.0 if self._lost else max(0.0, self._left())

    def _left(self) -> float:
        return self._until - self._times.margin - self._clock.monotonic()

    @property
    def is_over(self) -> bool:
        return self._lost or self._clock.monotonic() > self._until


class _BrokenOff:
    """Cancels what goes on inside once the lease is over, and says Locked. As `asyncio.timeout`, but its end moves."""

    def __init__(self, lease: RedisLease) -> None:
        self._lease = lease
        self._is_over = False

    async def __aenter__(self) -> None:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._cancelled_before = self._task.cancelling()
        self._look_again()

    async def __aexit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        self._timer.cancel()
        if not self._is_over:
            return
        cancelled_by_others = self._task.uncancel() > self._cancelled_before
        if kind is asyncio.CancelledError and not cancelled_by_others:
            raise Locked("the lock was lost while a write was on its way", maybe_applied=True) from None

    def _look_again(self) -> None:
        pause = self._lease.good_for() + TICK_SECONDS
        self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        if self._lease.good_for() > 0:
            self._look_again()
        else:
            self._is_over = True
            self._task.cancel()


@dataclass(slots=True)
class _Held:
    """A lock of ours. `due`: when it is to be renewed, on our clock."""

    key: str
    token: bytes
    lease: RedisLease
    due: float


class RedisLocks:
    """Implements `ports.Locks`: the commands and scripts of redis-py's Lock, one renewal task for all that is held."""

    def __init__(self, redis: Redis, clock: Clock, *, prefix: str = "lock:", times: LockTimes | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._prefix = prefix
        self._times = times or LockTimes()
        self._give_back = redis.register_script(Lock.LUA_RELEASE_SCRIPT)
        self._held: dict[bytes, _Held] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._releases: set[asyncio.Task[None]] = set()
        self._last_release: dict[str, asyncio.Task[None]] = {}

    def hold(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Renewed until the block ends, released in every case."""
        return self._hold(name)

    async def released(self) -> None:
        """Nothing that was held, and is no more, is still on its way back to Redis."""
        while self._releases:
            await asyncio.wait(tuple(self._releases))

    @asynccontextmanager
    async def _hold(self, name: str) -> AsyncIterator[Lease]:
        key, token = self._prefix + name, uuid.uuid4().hex.encode()
        lease = RedisLease(name, self._clock, self._times)
        # Our own release of the same name may still be under way: SET NX would lose against our own lock.
        if on_its_way := self._last_release.get(key):
            await asyncio.wait([on_its_way])
        try:
            is_ours = await self._acquire(key, lease, token)
        except BaseException:
            # The answer is lost, the lock may be set.
            await asyncio.shield(self._release(key, token))
            raise
        if not is_ours:
            raise Locked(f"{name} is held by another")
        self._held[token] = _Held(key, token, lease, self._clock.monotonic() + self._times.renew_every)
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(), name="renew locks")
        try:
            yield lease
        finally:
            del self._held[token]
            # Nobody has to wait for it but the next holder of the name.
            self._release(key, token)

    async def _acquire(self, key: str, lease: RedisLease, token: bytes) -> bool:
        deadline = self._clock.monotonic() + self._times.wait
        while True:
            asked_at = self._clock.monotonic()
            if await command(self._redis.set(key, token, nx=True, px=_milliseconds(self._times.ttl))):
                lease.renewed(asked_at)
                return True
            if asked_at >= deadline:
                return False
            await self._clock.sleep(0.05)

    async def _renew(self) -> None:
        """Whoever comes while this sleeps is due later than all who are there. What is over is not asked for again."""
        try:
            while alive := [each for each in self._held.values() if not each.lease.is_over]:
                pause = min(each.due for each in alive) - self._clock.monotonic()
                await self._clock.sleep(max(0.0, pause))
                soon = self._clock.monotonic() + TICK_SECONDS
                if due := [each for each in self._held.values() if each.due <= soon]:
                    await self._renew_all(due)
        finally:
            self._renewing = None

    async def _renew_all(self, due: list[_Held]) -> None:
        """In one round trip."""
        asked_at = self._clock.monotonic()
        answers: Sequence[object] = [None] * len(due)
        with suppress(RemoteUnavailable):
            answers = await command(self._ask_for(due))
        for each, answer in zip(due, answers, strict=True):
            if answer == 1:
                each.lease.renewed(asked_at)
            # 0: the token is not ours any more. No answer at all proves nothing, and the lease runs on by our own
            # clock.
            elif answer == 0:
                each.lease.lost()
            # After a failure sooner, so that several tries fit before the time to live has passed.
            pause = self._times.renew_every if answer == 1 else min(1.0, self._times.renew_every)
            each.due = asked_at + pause

    async def _ask_for(self, due: Sequence[_Held]) -> Sequence[object]:
        pipeline = self._redis.pipeline(transaction=False)
        for each in due:
            pipeline.eval(Lock.LUA_REACQUIRE_SCRIPT, 1, each.key, each.token, _milliseconds(self._times.ttl))
        return await pipeline.execute(raise_on_error=False)

    def _release(self, key: str, token: bytes) -> asyncio.Task[None]:
        """A task of its own: it goes on where we are cancelled meanwhile."""
        task = self._last_release[key] = asyncio.create_task(self._return(key, token), name=f"release {key}")
        self._releases.add(task)
        task.add_done_callback(partial(self._returned, key))
        return task

    async def _return(self, key: str, token: bytes) -> None:
        with suppress(RemoteUnavailable):  # Its time to live ends it.
            await command(self._give_back(keys=[key], args=[token]))

    def _returned(self, key: str, task: asyncio.Task[None]) -> None:
        self._releases.discard(task)
        if self._last_release.get(key) is task:
            del self._last_release[key]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


class OncePerCluster:
    """Who is first in an interval does the work; the others see that it is done."""

    def __init__(self, redis: Redis, clock: Clock, *, prefix: str = "once:") -> None:
        self._redis = redis
        self._clock = clock
        self._prefix = prefix

    async def claim(self, name: str, every: timedelta) -> bool:
        """True for one caller in the whole cluster and the current interval."""
        key = self._key(name, every)
        # Twice the interval: a clock that lags by less than one interval still finds the mark of the others.
        return bool(await command(self._redis.set(key, b"1", nx=True, px=int(every.total_seconds() * 2000))))

    async def give_back(self, name: str, every: timedelta) -> None:
        """The work failed: another may try in this interval."""
        await command(self._redis.delete(self._key(name, every)))

    def _key(self, name: str, every: timedelta) -> str:
        return f"{self._prefix}{name}:{int(self._clock.now().timestamp() // every.total_seconds())}"
