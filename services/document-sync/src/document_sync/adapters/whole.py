"""Whole lists for the audit and for the data protection officer: our tables, and all that xAI has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from document_sync.adapters.codec import collection_of, file_of, parsed
from document_sync.adapters.xai import XaiHost
from document_sync.domain.audit import Remembered
from document_sync.domain.values import RecordKey
from document_sync.ports import Listed
from synckit.postgres.pool import PostgresPool

MOST = 1_000_000
COLUMNS = ("at", "document", "record", "bytes", "sha256", "collection_id", "event", "taken_back")


class WholeTables:
    """`auditing.Tables`. `types`: record types that have collections."""

    def __init__(self, pool: PostgresPool, types: frozenset[str]) -> None:
        self._pool = pool
        self._types = types

    async def remembered(self) -> Remembered:
        told = await self._pool.fetch(
            "SELECT document_sync.files(array(SELECT sha256 FROM document_sync.file)) AS told"
        )
        files = [file_of(parsed(row["told"])) for row in told]
        rows = await self._pool.fetch("SELECT * FROM document_sync.collection WHERE collection_id <> '' LIMIT $1", MOST)
        collections = [collection_of(dict(row), 0) for row in rows]
        found = await self._pool.fetch(
            "SELECT id, wanted FROM document_sync.document WHERE wanted <> '{}' LIMIT $1", MOST
        )
        return Remembered(
            {file.sha256: file for file in files},
            {row.key: row for row in collections},
            {row["id"]: frozenset(map(RecordKey.of, row["wanted"])) for row in found},
            self._types,
        )


class WholeXai:
    """`auditing.Everything`."""

    def __init__(self, files: XaiHost, collections: XaiHost) -> None:
        self._files = files
        self._collections = collections

    async def all_files(self) -> Sequence[Listed]:
        rows = [row async for row in self._files.pages("/v1/files", "data", {"order": "asc"})]
        return [
            Listed(str(row.get("id") or row.get("file_id") or ""), str(row.get("filename") or row.get("name") or ""))
            for row in rows
        ]

    async def all_collections(self) -> Mapping[str, str]:
        rows = [row async for row in self._collections.pages("/v1/collections", "collections", {})]
        return {str(row.get("collection_id") or ""): str(row.get("collection_name") or "") for row in rows}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transfers. `record`: type and id, or an id alone; `since`: sent or taken back since then."""

    record: str = ""
    since: datetime | None = None


async def transfers(pool: PostgresPool, wanted: Wanted) -> Sequence[Mapping[str, Any]]:
    """Oldest first, as they are listed: texts, numbers, times in ISO 8601, None for what is still out."""
    found = await pool.fetch(
        f"SELECT {', '.join(COLUMNS)} FROM document_sync.document_transfer "  # noqa: S608 -- names of ours
        "WHERE ($1 = '' OR record = $1 OR split_part(record, '/', 2) = $1) "
        "AND ($2::timestamptz IS NULL OR at >= $2 OR taken_back >= $2) ORDER BY at, id LIMIT $3",
        wanted.record,
        wanted.since,
        MOST,
    )
    return [{name: _plain(row[name]) for name in COLUMNS} for row in found]


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
