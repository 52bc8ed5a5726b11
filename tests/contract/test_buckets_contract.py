"""Token buckets: fake and Redis, one suite; and what only Redis can have in store."""

from __future__ import annotations

import uuid
from datetime import datetime

import pytest
from redis.asyncio import Redis

from synckit.buckets import Bucket, Buckets
from synckit.errors import RemoteUnavailable
from synckit.redis.buckets import RedisBuckets
from synckit.redis.locks import connect
from synckit.testing.buckets import FakeBuckets
from synckit.testing.clock import FakeClock
from synckit.testing.contract_buckets import HOUR, BucketsContract


class MovingClock(FakeClock):
    """Moves on by a millisecond whenever it is looked at, as time does."""

    def now(self) -> datetime:
        self.advance(0.001)
        return super().now()


class TestFakeBuckets(BucketsContract):
    async def make_buckets(self) -> tuple[Buckets, Buckets]:
        self.clock = MovingClock()
        self.buckets = FakeBuckets(self.clock)
        return self.buckets, self.buckets

    async def forget(self) -> None:
        self.buckets.forget()

    async def set_back(self, name: str, seconds: float) -> None:
        self.clock.step(-seconds)


@pytest.mark.stack
class TestRedisBuckets(BucketsContract):
    @pytest.fixture(autouse=True)
    def _client_of_the_test(self, redis_client: Redis) -> None:
        self.redis = redis_client
        self.prefix = f"contract:{uuid.uuid4().hex}:"

    async def make_buckets(self) -> tuple[Buckets, Buckets]:
        return RedisBuckets(self.redis, prefix=self.prefix), RedisBuckets(self.redis, prefix=self.prefix)

    async def forget(self) -> None:
        """The script as well, as a server that was started anew."""
        await self.redis.script_flush()
        await self.redis.delete(*await self.redis.keys(f"{self.prefix}*"))

    async def set_back(self, name: str, seconds: float) -> None:
        """A level of the future is what a clock that went back leaves."""
        stored = await self.redis.get(self.prefix + name)
        assert isinstance(stored, bytes)
        tokens, at = stored.decode().split()
        await self.redis.set(self.prefix + name, f"{tokens} {float(at) + seconds:.6f}")

    async def test_keys_end_when_the_bucket_is_full(self) -> None:
        buckets, _ = await self.make_buckets()
        await buckets.take([Bucket("a", 1 / 60, 5).charge(2)])
        assert 100_000 < await self.redis.pttl(f"{self.prefix}a") <= 120_000

    async def test_a_refusal_writes_nothing(self) -> None:
        buckets, _ = await self.make_buckets()
        await buckets.take([Bucket("a", 1 / HOUR, 1).charge()])
        before = await self.redis.get(f"{self.prefix}a")
        assert await buckets.take([Bucket("a", 1 / HOUR, 1).charge(), Bucket("b", 1, 1).charge()]) > 0
        assert await self.redis.get(f"{self.prefix}a") == before
        assert await self.redis.exists(f"{self.prefix}b") == 0

    @pytest.mark.parametrize("stored", ["", "x", "nan nan", "1", "1 2 3", "-inf 0", "1.2.3 4", "0x10 1"])
    async def test_nonsense_in_store_is_a_full_bucket(self, stored: str) -> None:
        buckets, _ = await self.make_buckets()
        await self.redis.set(f"{self.prefix}a", stored)
        bucket = Bucket("a", 1 / HOUR, 2)
        assert await buckets.take([bucket.charge(2)]) == 0
        assert await buckets.take([bucket.charge(2)]) > 0

    async def test_another_type_in_store_is_a_full_bucket(self) -> None:
        buckets, _ = await self.make_buckets()
        await self.redis.rpush(f"{self.prefix}a", "x")
        assert await buckets.take([Bucket("a", 1 / HOUR, 1).charge()]) == 0
        assert await buckets.take([Bucket("a", 1 / HOUR, 1).charge()]) > 0

    async def test_a_debt_without_end_is_clamped(self) -> None:
        buckets, _ = await self.make_buckets()
        await self.redis.set(f"{self.prefix}a", "-999999999999.0 1.0")
        assert await buckets.take([Bucket("a", 1.0, 1).charge()]) <= 2 * HOUR


async def test_without_redis_there_is_no_token() -> None:
    client = connect("redis://127.0.0.1:1/0")
    with pytest.raises(RemoteUnavailable):
        await RedisBuckets(client).take([Bucket("a", 1, 1).charge()])
    await client.aclose()
