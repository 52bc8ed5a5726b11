"""Locks: fake and Redis, one suite."""

from __future__ import annotations

import uuid

import pytest
from redis.asyncio import Redis

from synckit.adapters.redis import RedisLocks
from synckit.ports import Locks
from synckit.runtime.clock import SystemClock
from synckit.testing.contract_locks import LocksContract
from synckit.testing.memory import FakeLocks


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
