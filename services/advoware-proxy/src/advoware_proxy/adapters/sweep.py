"""Forgets what has had its time: first answers after a day, lines of the audit after their days.

The time is the database's: a process whose clock is ahead would forget what must be kept. Even that one may leap.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from synckit.errors import PermanentError
from synckit.postgres.pool import PostgresPool

AT_ONCE = 1000
LEAP = timedelta(days=7)
"""More than this since the last removal: the office was closed, or the clock is wrong. A person knows which."""
LAST_RUN, OF_TICKER = "advoware_proxy.swept", "retention.ran"
"""Cursors. Where a person tells the ticker that a leap was right (`prune --after-leap`), that counts here as well."""


class ClockLeapt(PermanentError):
    """Nothing is removed: by the database's clock too much time has gone by at once."""

    code = "clock_leap"


class PostgresSweep:
    """Some rows at a time, so that no statement holds many locks for long."""

    def __init__(
        self, pool: PostgresPool, *, audit_kept: timedelta, on_refused: Callable[[bool], None] = lambda _: None
    ) -> None:
        """`on_refused` is told at each run whether it was refused."""
        self._pool = pool
        self._audit_kept = audit_kept
        self._on_refused = on_refused

    async def sweep(self) -> int:
        """How many rows went. ClockLeapt where the time is not believed."""
        is_leap = await self._has_leapt()
        self._on_refused(is_leap)
        if is_leap:
            raise ClockLeapt("the database's clock leapt: if that is right, python -m ticker prune --after-leap")
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

    async def _has_leapt(self) -> bool:
        """Remembers this run, unless the last one that anybody knows of lies too far back."""
        believed = await self._pool.fetch_value(
            "WITH known AS (SELECT max(value::timestamptz) AS last FROM cursor WHERE name = ANY($2)), "
            "run AS (SELECT $1::text AS name, clock_timestamp()::text AS value FROM known "
            "WHERE last IS NULL OR clock_timestamp() - last <= $3::interval) "
            "INSERT INTO cursor (name, value) SELECT name, value FROM run "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at RETURNING true",
            LAST_RUN,
            [LAST_RUN, OF_TICKER],
            LEAP,
            writes=True,
        )
        return not believed

    async def _until_none(self, sql: str, kept: timedelta) -> int:
        gone = 0
        while True:
            rows = len(await self._pool.fetch(sql, kept, AT_ONCE, writes=True))
            gone += rows
            if rows < AT_ONCE:
                return gone
