"""How long a lease may be believed, counted on our own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from redis._parsers.resp2 import _RESP2Parser
from redis.asyncio import Redis

from deploy.local.waiting import in_time
from synckit.errors import Locked
from synckit.redis.connection import refuses
from synckit.redis.locks import LockTimes, RedisLease, RedisLocks
from synckit.testing.clock import FakeClock, HandClock


def fresh(clock: FakeClock) -> RedisLease:
    lease = RedisLease("a", clock, LockTimes(ttl=15, renew_every=5, margin=2))
    lease.renewed(clock.monotonic())
    return lease


def test_a_lease_is_good_until_its_margin() -> None:
    clock = FakeClock()
    lease = fresh(clock)
    clock.advance(13)
    lease.ensure()
    clock.advance(0.1)
    with pytest.raises(Locked):
        lease.ensure()
    assert not lease.is_over


def test_a_process_that_was_frozen_knows_that_its_lease_is_over() -> None:
    clock = FakeClock()
    lease = fresh(clock)
    clock.advance(60)
    with pytest.raises(Locked):
        lease.ensure()
    assert lease.is_over


def test_a_renewal_counts_from_when_it_was_asked_for() -> None:
    clock = FakeClock()
    lease = fresh(clock)
    asked_at = clock.monotonic()
    clock.advance(12)
    lease.renewed(asked_at)
    clock.advance(2)
    with pytest.raises(Locked):
        lease.ensure()


def test_a_lease_that_redis_denies_is_over_at_once() -> None:
    clock = FakeClock()
    lease = fresh(clock)
    lease.lost()
    with pytest.raises(Locked):
        lease.ensure()
    assert lease.is_over


async def test_a_write_is_not_begun_once_the_lease_is_over() -> None:
    clock = FakeClock()
    lease = fresh(clock)
    clock.advance(14)
    begun: list[str] = []

    async def write() -> None:
        begun.append("write")

    with pytest.raises(Locked) as refused:
        await lease.during(write())
    assert (begun, refused.value.maybe_applied) == ([], False)


async def test_a_write_that_outlives_its_lease_is_broken_off() -> None:
    """The loop's timer is real, and so it is short."""
    clock = FakeClock()
    lease = RedisLease("a", clock, LockTimes(ttl=0.3, renew_every=0.1, margin=0.1))
    lease.renewed(clock.monotonic())
    ended: list[str] = []

    async def write() -> None:
        try:
            clock.advance(60)
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    with pytest.raises(Locked) as broken_off:
        await lease.during(write())
    assert (ended, broken_off.value.maybe_applied) == (["cancelled"], True)


async def test_a_write_that_is_renewed_meanwhile_goes_on_to_its_end() -> None:
    clock = FakeClock()
    lease = fresh(clock)

    async def write() -> str:
        clock.advance(12)
        lease.renewed(clock.monotonic())
        clock.advance(5)
        return "stored"

    assert await lease.during(write()) == "stored"


class SlowRedis:
    """Sets and renews every lock, and answers only after a while."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.renewals = 0
        self.asked_again = asyncio.Event()

    def register_script(self, _script: str) -> Callable[..., Awaitable[int]]:
        async def run(**_arguments: object) -> int:
            return 1

        return run

    async def set(self, *_arguments: object, **_options: object) -> bool:
        self.clock.advance(self.seconds)
        return True

    def pipeline(self, **_options: object) -> SlowRedis:
        return self

    def eval(self, *_arguments: object) -> None:
        """Queued."""

    async def execute(self, **_options: object) -> list[int | None]:
        """The first renewal is answered, the next one is not."""
        self.clock.advance(self.seconds)
        self.seconds = 0
        self.renewals += 1
        if self.renewals > 1:
            self.asked_again.set()
        return [1 if self.renewals == 1 else None]


async def test_a_lock_counts_from_the_question_not_from_its_answer() -> None:
    """Redis may have set the time to live when the question was asked, however late its answer is."""
    clock = HandClock()
    locks = RedisLocks(cast("Redis", SlowRedis(clock, 2.5)), clock, times=LockTimes(ttl=15, renew_every=5, margin=2))
    async with locks.hold("a") as lease:
        assert isinstance(lease, RedisLease)
        assert lease.good_for() == 10.5
        clock.advance(10.6)
        with pytest.raises(Locked):
            lease.ensure()
    await locks.released()


async def test_a_renewal_counts_from_the_question_not_from_its_answer() -> None:
    clock = HandClock()
    redis = SlowRedis(clock, 0)
    locks = RedisLocks(cast("Redis", redis), clock, times=LockTimes(ttl=15, renew_every=5, margin=2))
    async with locks.hold("a") as lease:
        assert isinstance(lease, RedisLease)
        redis.seconds = 9.0
        await clock.pass_time(5)
        async with in_time():
            await redis.asked_again.wait()
        assert lease.good_for() == 4.0
    await locks.released()


@pytest.mark.parametrize(
    "told",
    [
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOREPLICAS Not enough good replicas to write.",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "UNKILLABLE Sorry the script already executed write commands against the dataset.",
        "BUSY Redis is busy running a script.",
        "ERR Error running script (call to f_1): @user_script:3: @user_script: 3: -READONLY You can't write.",
    ],
)
def test_a_server_that_takes_no_writes_is_known_by_its_words(told: str) -> None:
    assert refuses(_RESP2Parser.parse_error(told))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("told", ["ERR syntax error", "WRONGTYPE no READONLYs", "OOM command not allowed", "NOSCRIPT"])
def test_other_refusals_are_of_the_command(told: str) -> None:
    assert not refuses(_RESP2Parser.parse_error(told))  # type: ignore[no-untyped-call]


def test_an_error_that_is_not_of_redis_is_no_refusal() -> None:
    assert not refuses(OSError("READONLY"))
