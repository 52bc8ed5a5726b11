"""Locks: fake and Redis, one suite."""

from __future__ import annotations

import uuid

import pytest
from redis.asyncio import Redis

from recordsync.testing.memory import FakeLocks
from synckit.clock import SystemClock
from synckit.ports import Locks
from synckit.redis.locks import RedisLocks
from synckit.testing.contract_locks import LocksContract


class TestFakeLocks(LocksContract):
    async def make_locks(self) -> Locks:
        return FakeLocks()


@pytest.mark.stack
class TestRedisLocks(LocksContract):
    @pytest.fixture(autouse=True)
    def _client_of_the_test(self, redis_client: Redis) -> None:
        self.redis = redis_client

    async def make_locks(self) -> Locks:
        return RedisLocks(self.redis, SystemClock(), prefix=f"contract:{uuid.uuid4().hex}:")
