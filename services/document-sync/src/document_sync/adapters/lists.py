"""What is due, what was not looked at for long, what nobody needs: lists for the timers, and cursors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from document_sync.domain.values import RecordKey
from synckit.postgres.pool import PostgresPool


class PostgresLists:
    """`timers.Lists`. All times are the database's."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def due_documents(self, most: int) -> Sequence[str]:
        """Longest due first. What is given out is put off by a minute: a look that ends says when it is due next."""
        found = await self._pool.fetch(
            "UPDATE document_sync.document SET due = clock_timestamp() + interval '1 minute' WHERE id IN ("
            "SELECT id FROM document_sync.document WHERE due <= clock_timestamp() ORDER BY due LIMIT $1 "
            "FOR UPDATE SKIP LOCKED) RETURNING id",
            most,
            writes=True,
        )
        return [row["id"] for row in found]

    async def due_records(self, most: int) -> Sequence[RecordKey]:
        found = await self._pool.fetch(
            "UPDATE document_sync.collection SET due = clock_timestamp() + interval '1 minute' WHERE record IN ("
            "SELECT record FROM document_sync.collection WHERE due <= clock_timestamp() ORDER BY due LIMIT $1 "
            "FOR UPDATE SKIP LOCKED) RETURNING record",
            most,
            writes=True,
        )
        return [RecordKey.of(row["record"]) for row in found]

    async def documents_not_looked_at(self, before: datetime, most: int) -> Sequence[str]:
        """Of those that are in a collection, or ought to be."""
        found = await self._pool.fetch(
            "SELECT id FROM document_sync.document WHERE state <> 'no_sync' AND looked_at < $1 "
            "ORDER BY looked_at LIMIT $2",
            before,
            most,
        )
        return [row["id"] for row in found]

    async def records_not_looked_at(self, before: datetime, most: int) -> Sequence[RecordKey]:
        found = await self._pool.fetch(
            "SELECT record FROM document_sync.collection WHERE coalesce(looked_at, '-infinity') < $1 "
            "AND (switch = 'on' OR phase <> 'none') ORDER BY looked_at NULLS FIRST LIMIT $2",
            before,
            most,
        )
        return [RecordKey.of(row["record"]) for row in found]

    async def unneeded_files(self, before: datetime, most: int) -> Sequence[str]:
        found = await self._pool.fetch(
            "SELECT sha256 FROM document_sync.file WHERE unneeded_since < $1 ORDER BY unneeded_since LIMIT $2",
            before,
            most,
        )
        return [row["sha256"] for row in found]

    async def switched_on(self, kind: str, ids: Sequence[str]) -> Collection[str]:
        """Also those that are held, or being taken back."""
        found = await self._pool.fetch(
            "SELECT split_part(record, '/', 2) AS id FROM document_sync.collection WHERE record = ANY($1::text[]) "
            "AND (switch = 'on' OR phase IN ('live', 'closing'))",
            [str(RecordKey(kind, each)) for each in ids],
        )
        return {row["id"] for row in found}

    async def cursor(self, name: str) -> datetime:
        """Where the last look at changes ended; now, where there was none."""
        at: datetime = await self._pool.fetch_value(
            "INSERT INTO document_sync.cursor AS c (name, at) VALUES ($1, clock_timestamp()) "
            "ON CONFLICT (name) DO UPDATE SET at = c.at RETURNING at",
            name,
            writes=True,
        )
        return at

    async def move_cursor(self, name: str, at: datetime) -> None:
        """Never back."""
        await self._pool.fetch(
            "UPDATE document_sync.cursor SET at = greatest(at, $2) WHERE name = $1", name, at, writes=True
        )
