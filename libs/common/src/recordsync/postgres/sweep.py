"""What the ticker asks of PostgreSQL: cursors, records that are due, and what we last saw of the two sides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from recordsync.mapping.rows import SEEN
from synckit.ports import LONGEST_PARKED, WAITS_FOR_PARENT
from synckit.postgres.pool import PostgresPool


class PostgresSweepStore:
    """Implements `ports.SweepStore` for one entity. Names of cursors are the caller's, and global."""

    def __init__(self, pool: PostgresPool, entity: str, parent: str = "") -> None:
        """`parent`: the entity whose records this one's wait for."""
        self._pool = pool
        self._entity = entity
        self._parent = parent

    async def cursor(self, name: str) -> str | None:
        value = await self._pool.fetch_value("SELECT value FROM cursor WHERE name = $1", name)
        return None if value is None else str(value)

    async def move_cursor(self, name: str, value: str) -> None:
        await self._pool.fetch(
            "INSERT INTO cursor (name, value) VALUES ($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value, moved_at = excluded.moved_at",
            name,
            value,
            writes=True,
        )

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        rows = await self._pool.fetch(
            "SELECT left_id FROM parked p WHERE entity = $1 AND (due_at <= $2 "
            "OR due_at > $2::timestamptz + $6::interval OR (reason = $4 AND EXISTS "
            "(SELECT FROM link l WHERE l.entity = $5 AND l.left_id = p.message AND l.tombstone = ''))) "
            "ORDER BY due_at, left_id LIMIT $3",
            self._entity,
            now,
            limit,
            WAITS_FOR_PARENT,
            self._parent,
            LONGEST_PARKED,
        )
        return [row["left_id"] for row in rows]

    async def parked(self, left_ids: Collection[str]) -> Collection[str]:
        rows = await self._pool.fetch(
            "SELECT left_id FROM parked WHERE entity = $1 AND left_id = ANY($2)", self._entity, list(left_ids)
        )
        return {row["left_id"] for row in rows}

    async def not_looked_at_since(self, before: datetime, limit: int) -> Sequence[str]:
        """Live links only, longest ago first; not what is parked. Before them, those of a clock that was ahead."""
        rows = await self._pool.fetch(
            "SELECT left_id FROM link WHERE entity = $1 AND tombstone = '' "
            "AND (looked_at < $2 OR looked_at > clock_timestamp()) "
            "AND NOT EXISTS (SELECT FROM parked AS p WHERE p.entity = link.entity AND p.left_id = link.left_id) "
            "ORDER BY looked_at <= now(), looked_at, left_id LIMIT $3",
            self._entity,
            before,
            limit,
        )
        return [row["left_id"] for row in rows]

    async def left_changes_known(self, left_ids: Collection[str]) -> Mapping[str, datetime]:
        rows = await self._pool.fetch(
            "SELECT left_id, left_changed_at FROM link "
            "WHERE entity = $1 AND left_id = ANY($2) AND left_changed_at IS NOT NULL",
            self._entity,
            list(left_ids),
        )
        return {row["left_id"]: row["left_changed_at"] for row in rows}

    async def linked(self, right_ids: Collection[str]) -> Mapping[str, str]:
        rows = await self._pool.fetch(
            "SELECT right_id, left_id FROM link WHERE entity = $1 AND right_id = ANY($2) AND tombstone = ''",
            self._entity,
            list(right_ids),
        )
        return {row["right_id"]: row["left_id"] for row in rows}

    async def right_versions_known(self, right_ids: Collection[str]) -> Mapping[str, str]:
        """Live links only."""
        rows = await self._pool.fetch(
            "SELECT right_id, right_version FROM link "
            "WHERE entity = $1 AND right_id = ANY($2) AND tombstone = '' AND right_version IS NOT NULL",
            self._entity,
            list(right_ids),
        )
        return {row["right_id"]: row["right_version"] for row in rows}

    async def lists_seen(self, right_ids: Collection[str]) -> Mapping[str, str]:
        """Of the base no more than this one value leaves the database."""
        rows = await self._pool.fetch(
            "SELECT l.right_id, b.right_values ->> $3 AS seen FROM link l JOIN base b USING (entity, left_id) "
            "WHERE entity = $1 AND l.right_id = ANY($2) AND l.tombstone = '' AND b.right_values ->> $3 IS NOT NULL",
            self._entity,
            list(right_ids),
            SEEN,
        )
        return {row["right_id"]: row["seen"] for row in rows}

    async def rows_known(self, right_ids: Collection[str]) -> Mapping[str, str | None]:
        """Where a live link and tombstones share a right id, the live one counts."""
        rows = await self._pool.fetch(
            "SELECT right_id, CASE WHEN tombstone = '' THEN right_version END AS right_version FROM link "
            "WHERE entity = $1 AND right_id = ANY($2) ORDER BY tombstone = ''",
            self._entity,
            list(right_ids),
        )
        return {row["right_id"]: row["right_version"] for row in rows}
