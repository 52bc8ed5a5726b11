"""Who may ask for runs: callers whose key has the grant `POST /advoware/calendar/sync`."""

from __future__ import annotations

from redis.asyncio import Redis

from calendar_sync.domain.openapi import SYNC
from calendar_sync.domain.problem import Refused
from kanzlei.callers.gate import Gate, NotAdmitted
from kanzlei.callers.table import PostgresCallers
from synckit.ports import Clock
from synckit.postgres.pool import PostgresPool
from synckit.redis.buckets import RedisBuckets

KEYS_SECONDS = 5.0
"""A new or a revoked key is known after so long at most."""


class KeyGate:
    """`routes.Gate`. Who may ask for a run may ask about it, with the same grant."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @classmethod
    def of(cls, pool: PostgresPool, redis: Redis, clock: Clock) -> KeyGate:
        """With the office's keys."""
        callers = PostgresCallers(pool, clock, seconds=KEYS_SECONDS)
        return cls(Gate("calendar-sync", callers, RedisBuckets(redis), clock))

    async def admit(self, credential: str | None) -> str:
        """The id of the key. RemoteUnavailable where nobody can tell."""
        try:
            caller = await self._gate.admit(credential, "POST", SYNC)
        except NotAdmitted as error:
            raise Refused(error.code, retry_after=error.retry_after) from None
        return caller.key_id
