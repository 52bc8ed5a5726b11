"""How everything stands in numbers, and the end of old rows."""

from __future__ import annotations

from document_sync.timers import Standing
from synckit.postgres.pool import PostgresPool

PORTION = 1000
FORGOTTEN = (
    "DELETE FROM document_sync.document d WHERE state = 'no_sync' AND looked_at < now() - interval '90 days' "
    "AND NOT EXISTS (SELECT FROM document_sync.placement p WHERE p.documents @> ARRAY[d.id]) RETURNING 1",
    "DELETE FROM document_sync.file f WHERE file_id = '' AND intent_at IS NULL "
    "AND NOT EXISTS (SELECT FROM document_sync.placement p WHERE p.sha256 = f.sha256) "
    "AND NOT EXISTS (SELECT FROM document_sync.document d WHERE d.sha256 = f.sha256) RETURNING 1",
    # Its high bits are milliseconds: a day ago nobody had taken it since.
    "DELETE FROM document_sync.fence n WHERE (fence >> 20) < extract(epoch FROM now() - interval '1 day') * 1000 AND ("
    "(name LIKE 'file:%' AND NOT EXISTS (SELECT FROM document_sync.file f WHERE n.name = 'file:' || f.sha256)) OR "
    "(name LIKE 'document:%' "
    "AND NOT EXISTS (SELECT FROM document_sync.document d WHERE n.name = 'document:' || d.id))) RETURNING 1",
)


class PostgresStanding:
    """`timers.Counts`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def standing(self) -> Standing:
        found = await self._pool.fetch("SELECT state, count(*) AS n FROM document_sync.document GROUP BY state")
        told = await self._pool.fetch(
            "SELECT (SELECT count(*) FROM document_sync.collection WHERE collection_id <> '') AS collections, "
            "(SELECT count(*) FROM document_sync.collection WHERE is_held) AS held, "
            "(SELECT count(*) FROM document_sync.document_transfer WHERE taken_back IS NULL) AS transfers, "
            "(SELECT count(*) FROM document_sync.file WHERE unneeded_since IS NOT NULL) AS unneeded, "
            "(SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due)), 0) FROM document_sync.document "
            "WHERE due <= clock_timestamp()) AS oldest"
        )
        row = told[0]
        states = {str(each["state"]): int(each["n"]) for each in found}
        counts = (int(row["collections"]), int(row["held"]), int(row["transfers"]), int(row["unneeded"]))
        return Standing(states, *counts, float(row["oldest"]))

    async def forget(self, days: float) -> int:
        """Transfers that were taken back and are older, some at a time. What is still out is never forgotten."""
        gone = 0
        while True:
            rows = await self._pool.fetch(
                "DELETE FROM document_sync.document_transfer WHERE id IN ("
                "SELECT id FROM document_sync.document_transfer WHERE taken_back IS NOT NULL "
                "AND at < now() - make_interval(secs => $1) ORDER BY at LIMIT $2) RETURNING 1",
                days * 86_400.0,
                PORTION,
                writes=True,
            )
            gone += len(rows)
            if len(rows) < PORTION:
                return gone

    async def forget_rows(self) -> int:
        """Rows that say nothing any more: files that are gone, documents in no collection, fences of neither."""
        gone = 0
        for statement in FORGOTTEN:
            gone += len(await self._pool.fetch(statement, writes=True))
        return gone
