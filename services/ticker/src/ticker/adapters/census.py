"""Counts what our memory holds: one statement, for all gauges at once. Also finds the record of the canary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from recordsync.decide.backoff import AFTER_THE_LAST, RUNGS_MINUTES
from synckit.postgres.pool import PostgresPool
from ticker.domain.census import LINKED, TOMBSTONE, Census

# `parked_at` is of the last try. What the tries before it rested is known, and is added; a held record is counted
# from its first suspicion on.
_CENSUS = f"""
SELECT jsonb_build_object(
  'parked', (SELECT jsonb_agg(x) FROM (SELECT entity, reason, count(*) AS n FROM parked GROUP BY 1, 2) x),
  'waiting', (SELECT jsonb_agg(x) FROM (
     SELECT entity, extract(epoch FROM clock_timestamp() - min(least(
        parked_at - make_interval(secs => coalesce(($1::float8[])[least(attempts, {len(RUNGS_MINUTES) + 2})], 0)
           + greatest(attempts - {len(RUNGS_MINUTES) + 2}, 0) * $2::float8),
        (SELECT min(e.first_at) FROM brake_event e
         WHERE p.reason = 'brake' AND e.entity = p.entity AND e.left_id = p.left_id)))) AS n
     FROM parked p GROUP BY 1) x),
  'records', (SELECT jsonb_agg(x) FROM (
     SELECT entity, CASE WHEN tombstone = '' THEN '{LINKED}' ELSE '{TOMBSTONE}' END AS state, count(*) AS n
     FROM link GROUP BY 1, 2) x),
  'unlooked', (SELECT jsonb_agg(x) FROM (
     SELECT entity, count(*) AS n FROM link
     WHERE tombstone = '' AND looked_at < clock_timestamp() - $3::interval GROUP BY 1) x),
  'notes', (SELECT jsonb_agg(x) FROM (SELECT entity, count(*) AS n FROM pending_note GROUP BY 1) x)
)::text
"""  # noqa: S608 - numbers and words of ours
_CANARY = """
SELECT left_id FROM link l WHERE entity = $1 AND tombstone = '' AND ($2 = '' OR left_id = $2)
AND NOT EXISTS (SELECT FROM parked p WHERE p.entity = l.entity AND p.left_id = l.left_id)
ORDER BY created_at, left_id LIMIT 1
"""


def rested() -> list[float]:
    """Seconds from the first failure to the last one, by the number of failures (from 1 on)."""
    rests = [60.0 * minutes for minutes in RUNGS_MINUTES]
    return [sum(rests[:before]) for before in range(len(rests) + 1)] + [sum(rests) + AFTER_THE_LAST.total_seconds()]


class PostgresCensus:
    """Errors are the pool's. `unlooked_after`: a linked record should have been looked at within this."""

    def __init__(self, pool: PostgresPool, unlooked_after: timedelta) -> None:
        self._pool = pool
        self._unlooked_after = unlooked_after

    async def take(self) -> Census:
        """All counts, of one moment."""
        told = json.loads(
            await self._pool.fetch_value(_CENSUS, rested(), AFTER_THE_LAST.total_seconds(), self._unlooked_after)
        )
        return Census(
            parked={(row["entity"], row["reason"]): int(row["n"]) for row in _rows(told, "parked")},
            waiting_seconds={row["entity"]: max(0.0, float(row["n"])) for row in _rows(told, "waiting")},
            records={(row["entity"], row["state"]): int(row["n"]) for row in _rows(told, "records")},
            unlooked={row["entity"]: int(row["n"]) for row in _rows(told, "unlooked")},
            notes={row["entity"]: int(row["n"]) for row in _rows(told, "notes")},
        )


class PostgresCanaries:
    """The record by which the way round is tried. Errors are the pool's."""

    def __init__(self, pool: PostgresPool, entity: str, chosen: str = "") -> None:
        self._pool = pool
        self._entity = entity
        self._chosen = chosen

    async def one(self) -> str | None:
        """The chosen record, else the one that has been linked longest; None where there is none in step."""
        found = await self._pool.fetch_value(_CANARY, self._entity, self._chosen)
        return None if found is None else str(found)

    async def looked_at(self, left_id: str) -> datetime | None:
        """When a look at it last ended well."""
        found: datetime | None = await self._pool.fetch_value(
            "SELECT looked_at FROM link WHERE entity = $1 AND left_id = $2", self._entity, left_id
        )
        return found


def _rows(told: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return told[name] or ()
