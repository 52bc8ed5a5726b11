"""Who may ask for explanations: callers whose key has the grant `GET /explain/:word/:word`."""

from __future__ import annotations

from redis.asyncio import Redis

from document_sync.domain.problem import Refused
from kanzlei.callers.gate import Gate, NotAdmitted
from kanzlei.callers.table import PostgresCallers
from synckit.ports import Clock
from synckit.postgres.pool import PostgresPool
from synckit.redis.buckets import RedisBuckets

KEYS_SECONDS = 5.0
"""A new or a revoked key is known after so long at most."""


class KeyGate:
    """`routes.Gate`, with the office's keys."""

    def __init__(self, pool: PostgresPool, redis: Redis, clock: Clock) -> None:
        callers = PostgresCallers(pool, clock, seconds=KEYS_SECONDS)
        self._gate = Gate("document-sync", callers, RedisBuckets(redis), clock)

    async def admit(self, credential: str | None, path: str) -> None:
        try:
            await self._gate.admit(credential, "GET", path)
        except NotAdmitted as error:
            raise Refused(error.code, retry_after=error.retry_after) from None
