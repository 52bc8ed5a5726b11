"""The brake's ledger in PostgreSQL: shared by all workers, and not lost with Redis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from recordsync.postgres.change import as_link, keyed_hash
from recordsync.systems import CODES
from synckit.ports import BRAKED, BrakeState, Suspicion, Witness
from synckit.postgres.pool import PostgresPool, json_text
from synckit.reconcile.brake import BrakeLimits, Tally
from synckit.reconcile.plan import Side


class PostgresBrake:
    """Implements `ports.BrakeLedger` for one entity. `scope` keeps the sources of two offices apart."""

    def __init__(self, pool: PostgresPool, entity: str, scope: str = "") -> None:
        self._pool = pool
        self._entity = entity
        self._scope = scope

    async def count(self, suspicion: Suspicion, limits: BrakeLimits) -> Tally:
        hashed = keyed_hash(await self._pool.hash_key(), self._entity, "")
        told = {
            "loss": suspicion.loss.value,
            "at": suspicion.at.isoformat(),
            "version": suspicion.version,
            "digest": hashed("", suspicion.value),
            "window": limits.window.total_seconds(),
            "day": limits.day.total_seconds(),
            "least": limits.least,
        }
        answer = await self._pool.fetch_value(
            "SELECT count_suspicion($1, $2, $3, $4::text::jsonb)",
            self._scope + CODES[suspicion.source],
            self._entity,
            suspicion.left_id,
            json_text(told),
            writes=True,
        )
        return Tally(**json.loads(answer))

    async def engage(self, source: Side, at: datetime, tally: Tally, limits: BrakeLimits) -> bool:
        was_free = await self._pool.fetch_value(
            "WITH known AS (SELECT engaged_at FROM brake WHERE source = $1) "
            "INSERT INTO brake AS b (source, engaged_at, counted, allowed) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (source) DO UPDATE SET engaged_at = coalesce(b.engaged_at, excluded.engaged_at), "
            "counted = excluded.counted, allowed = excluded.allowed "
            "RETURNING NOT EXISTS (SELECT FROM known WHERE engaged_at IS NOT NULL)",
            self._scope + CODES[source],
            at,
            max(tally.lost, tally.everyday),
            limits.allowed(tally.looked_at),
            writes=True,
        )
        return bool(was_free)

    async def witnesses(self, left_id: str, limit: int, home: str = "") -> Sequence[Witness]:
        rows = await self._pool.fetch(
            "SELECT to_jsonb(l)::text AS link, s.suspected FROM (SELECT * FROM link WHERE entity = $1 "
            "AND tombstone = '' AND left_id <> $2 AND ($4 = '' OR split_part(right_id, '/', 1) <> $4) "
            "ORDER BY looked_at DESC LIMIT 50) l CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM brake_event e "
            "WHERE e.entity = l.entity AND e.left_id = l.left_id) AS suspected) s "
            "ORDER BY s.suspected, l.looked_at DESC LIMIT $3",
            self._entity,
            left_id,
            limit,
            home,
        )
        return [Witness(as_link(json.loads(row["link"])), row["suspected"]) for row in rows]


class PostgresBrakes:
    """All sources, for the command, the report and the ticker's gauges."""

    def __init__(self, pool: PostgresPool, scope: str = "") -> None:
        self._pool = pool
        self._scope = scope

    async def states(self) -> Sequence[BrakeState]:
        """Both sources, one row each."""
        rows = await self._pool.fetch(
            "SELECT s.source, coalesce(b.counted, 0) AS counted, coalesce(b.allowed, 0) AS allowed, b.released_until, "
            "CASE WHEN EXISTS (SELECT FROM braked d WHERE d.source = b.source) THEN b.engaged_at END AS engaged_at, "
            "coalesce(b.released_by, '') AS released_by, "
            "(SELECT count(*) FROM parked p WHERE p.reason = $2 AND p.message = s.source) AS held "
            "FROM unnest($1::text[]) AS s(source) LEFT JOIN brake b ON b.source = $3 || s.source ORDER BY s.source",
            sorted(CODES[side] for side in Side),
            BRAKED,
            self._scope,
        )
        return [BrakeState(**dict(row)) for row in rows]

    async def held(self, source: str, limit: int) -> Sequence[tuple[str, str]]:
        """(entity, left id) of records that wait for this source."""
        rows = await self._pool.fetch(
            "SELECT entity, left_id FROM parked WHERE reason = $1 AND message = $2 "
            "ORDER BY parked_at, left_id LIMIT $3",
            BRAKED,
            source,
            limit,
        )
        return [(row["entity"], row["left_id"]) for row in rows]

    async def release(self, source: str, who: str, at: datetime, window: timedelta) -> int:
        """Lets the source go on for `window` from `at` on, or from the database's now where that is earlier; answers
        how many records were waiting for it.
        """
        freed = await self._pool.fetch_value(
            "SELECT release_brake($1, $2, $3, t.at, t.at + $5) FROM (SELECT least($4, clock_timestamp()) AS at) t",
            self._scope + source,
            source,
            who,
            at,
            window,
            writes=True,
        )
        return int(freed)
