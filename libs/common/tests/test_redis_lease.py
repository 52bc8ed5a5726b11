"""How long a lease may be believed, counted on our own clock."""

from __future__ import annotations

import asyncio

import pytest

from synckit.adapters.redis import LockTimes, RedisLease
from synckit.errors import Locked
from synckit.testing.clock import FakeClock


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
    clock = FakeClock()
    lease = fresh(clock)
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
