"""Forgets what has had its time: first answers after a day, lines of the audit after their days.

The time is the database's: a process whose clock is ahead would forget what must be kept.
"""

from __future__ import annotations

from datetime import timedelta

from synckit.postgres.pool import PostgresPool

AT_ONCE = 1000


class PostgresSweep:
    """Some rows at a time, so that no statement holds many locks for long."""

    def __init__(self, pool: PostgresPool, *, audit_kept: timedelta) -> None:
        self._pool = pool
        self._audit_kept = audit_kept

    async def sweep(self) -> int:
        """How many rows went."""
        gone = await self._until_none(
            "DELETE FROM proxy_idempotency WHERE ctid IN "
            "(SELECT ctid FROM proxy_idempotency WHERE expires_at <= now() - $1::interval LIMIT $2) RETURNING 1",
            timedelta(),
        )
        return gone + await self._until_none(
            "DELETE FROM proxy_audit WHERE call_id IN "
            "(SELECT call_id FROM proxy_audit WHERE at <= now() - $1::interval LIMIT $2) RETURNING 1",
            self._audit_kept,
        )

    async def _until_none(self, sql: str, kept: timedelta) -> int:
        gone = 0
        while True:
            rows = len(await self._pool.fetch(sql, kept, AT_ONCE, writes=True))
            gone += rows
            if rows < AT_ONCE:
                return gone
