"""What calls to Google cost: the same buckets for all replicas, and a block that ends the loop of tries."""

from __future__ import annotations

from typing import Any

import pytest

from calendar_sync.adapters.prices import Rates, RedisPrices, in_background
from calendar_sync.domain.google_errors import WritesBlocked
from synckit.errors import RateLimited
from synckit.testing.buckets import FakeBuckets
from synckit.testing.clock import FakeClock

RATES = Rates(user=1.0, user_burst=4.0, project=100.0, calendar=2.0, wait=0.0, new_a_day={"calendar": 2, "event": 50})


class FakeRedis:
    """Two commands of Redis, with times to live."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.until: dict[str, float] = {}

    async def set(self, key: str, value: bytes, *, px: int) -> None:
        self.until[key] = self.clock.monotonic() + px / 1000

    async def pttl(self, key: str) -> int:
        left = self.until.get(key, 0.0) - self.clock.monotonic()
        return int(left * 1000) if left > 0 else -2


class Stage:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.buckets = FakeBuckets(self.clock)
        redis: Any = FakeRedis(self.clock)
        self.prices = [RedisPrices(self.buckets, redis, self.clock, RATES) for _ in range(2)]

    async def many(self, count: int, *asked: Any) -> int:
        """How many of them may be sent, over both replicas."""
        sent = 0
        for number in range(count):
            try:
                await self.prices[number % 2].take(*asked)
            except RateLimited:
                continue
            sent += 1
        return sent


async def test_replicas_share_what_an_account_may() -> None:
    stage = Stage()
    assert await stage.many(10, "role", "", 1) == 4
    assert await stage.many(10, "other", "", 1) == 4, "another account has its own"
    stage.clock.advance(2.0)
    assert await stage.many(10, "role", "", 1) == 2


async def test_a_dear_call_takes_more() -> None:
    assert await Stage().many(4, "role", "", 3) == 1


async def test_one_calendar_is_written_slowly() -> None:
    """Reading it costs nothing of that."""
    stage = Stage()
    assert await stage.many(4, "role", "c1", 1) == 2
    assert await stage.many(4, "role", "", 1) == 2


async def test_the_first_load_leaves_room_for_everyday_changes() -> None:
    stage = Stage()
    with in_background():
        assert await stage.many(10, "role", "", 1) == 2
    assert await stage.many(10, "role", "", 1) == 2


async def test_few_calendars_are_made_a_day() -> None:
    stage = Stage()
    assert await stage.many(3, "role", "new:role", 1, "calendar") == 2
    stage.clock.advance(10.0)
    assert await stage.many(1, "role", "new:role", 1, "calendar") == 0
    assert await stage.many(1, "role", "c1", 1, "event") == 1
    stage.clock.advance(86_400 / 2)
    assert await stage.many(1, "role", "new:role", 1, "calendar") == 1


async def test_a_blocked_account_writes_nothing_for_hours() -> None:
    """It still reads, and others write."""
    stage = Stage()
    await stage.prices[0].block("role")
    with pytest.raises(WritesBlocked) as told:
        await stage.prices[1].take("role", "c1", 1)
    assert told.value.retry_after is not None
    assert told.value.retry_after > 3600
    await stage.prices[1].take("role", "", 1)
    await stage.prices[1].take("other", "c1", 1)
    stage.clock.advance(6 * 3600 + 1)
    await stage.prices[1].take("role", "c1", 1)


async def test_no_address_stands_in_a_buckets_name() -> None:
    stage = Stage()
    await stage.prices[0].take("ab@kanzlei.example", "ab@kanzlei.example", 1)
    assert "kanzlei" not in repr(stage.buckets.taken)
