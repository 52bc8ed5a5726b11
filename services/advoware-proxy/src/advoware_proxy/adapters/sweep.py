"""Forgets what has had its time: first answers after a day, lines of the audit after their days."""

from __future__ import annotations

from datetime import timedelta

from synckit.adapters.postgres.pool import PostgresPool
from synckit.ports import Clock

AT_ONCE = 1000


class PostgresSweep:
    """Some rows at a time, so that no statement holds many locks for long."""

    def __init__(self, pool: PostgresPool, clock: Clock, *, audit_kept: timedelta) -> None:
        self._pool = pool
        self._clock = clock
        self._audit_kept = audit_kept

    async def sweep(self) -> int:
        """How many rows went."""
        now = self._clock.now()
        gone = await self._until_none(
            "DELETE FROM proxy_idempotency WHERE ctid IN "
            "(SELECT ctid FROM proxy_idempotency WHERE expires_at <= $1 LIMIT $2) RETURNING 1",
            now,
        )
        return gone + await self._until_none(
            "DELETE FROM proxy_audit WHERE call_id IN "
            "(SELECT call_id FROM proxy_audit WHERE at <= $1 LIMIT $2) RETURNING 1",
            now - self._audit_kept,
        )

    async def _until_none(self, sql: str, before: object) -> int:
        gone = 0
        while True:
            rows = len(await self._pool.fetch(sql, before, AT_ONCE, writes=True))
            gone += rows
            if rows < AT_ONCE:
                return gone
