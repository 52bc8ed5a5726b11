"""The memory of documents in PostgreSQL: `ports.Store`. Every method is one statement, and so one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from document_sync.adapters.codec import (
    collection_json,
    collection_of,
    document_json,
    document_of,
    file_json,
    file_of,
    parsed,
    placement_json,
    transfer_json,
)
from document_sync.domain.decide_record import WishTally
from document_sync.domain.memory import Collection as Sammlung
from document_sync.domain.memory import Document, File, Transfer
from document_sync.domain.values import RecordKey
from synckit.errors import StaleVersion
from synckit.postgres.pool import PostgresPool, json_text


class PostgresStore:
    """What looks load, announce and keep."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._key: bytes | None = None

    async def key(self) -> bytes:
        """Read once."""
        if self._key is None:
            self._key = bytes(await self._pool.fetch_value("SELECT key FROM document_sync.secret"))
        return self._key

    async def document(self, document: str) -> Document:
        return await self._document(document, 0)

    async def open_document(self, document: str) -> Document:
        return await self._document(document, await self._fence(f"document:{document}"))

    async def _document(self, document: str, fence: int) -> Document:
        found = await self._pool.fetch("SELECT * FROM document_sync.document WHERE id = $1", document)
        return document_of(dict(found[0]), fence) if found else Document(document, fence)

    async def save_document(self, row: Document) -> None:
        _ensure(
            await self._pool.fetch_value(
                "SELECT document_sync.save_document($1, $2::jsonb)",
                row.fence,
                json_text(document_json(row)),
                writes=True,
            )
        )

    async def files_of(self, document: str, sha256: str) -> Mapping[str, File]:
        """One statement for all that concerns it."""
        found = await self._pool.fetch(
            "SELECT document_sync.files(array(SELECT sha256 FROM document_sync.placement WHERE documents @> ARRAY[$1] "
            "UNION SELECT $2 WHERE $2 <> '')) AS told",
            document,
            sha256,
        )
        files = [file_of(parsed(row["told"])) for row in found]
        return {file.sha256: file for file in files}

    async def open_file(self, sha256: str) -> File:
        fence = await self._fence(f"file:{sha256}")
        return file_of(parsed(await self._pool.fetch_value("SELECT document_sync.files(ARRAY[$1])", sha256)), fence)

    async def save_file(
        self, file: File, *, sent: Sequence[Transfer] = (), taken_back: Collection[RecordKey] | None = ()
    ) -> None:
        placements = [placement_json(file.sha256, one) for one in file.placements.values()]
        _ensure(
            await self._pool.fetch_value(
                "SELECT document_sync.save_file($1, $2::jsonb, $3::jsonb, $4::jsonb, $5::text[])",
                file.fence,
                json_text(file_json(file)),
                json_text(placements),
                json_text(transfer_json(sent)),
                None if taken_back is None else [str(key) for key in taken_back],
                writes=True,
            )
        )

    async def collections(self, keys: Collection[RecordKey]) -> Mapping[RecordKey, Sammlung]:
        if not keys:
            return {}
        found = await self._pool.fetch(
            "SELECT * FROM document_sync.collection WHERE record = ANY($1::text[])", [str(key) for key in keys]
        )
        rows = [collection_of(dict(each), 0) for each in found]
        return {row.key: row for row in rows}

    async def open_collection(self, key: RecordKey) -> Sammlung:
        fence = await self._fence(f"record:{key}")
        found = await self._pool.fetch("SELECT * FROM document_sync.collection WHERE record = $1", str(key))
        return collection_of(dict(found[0]), fence) if found else Sammlung(key, fence)

    async def save_collection(self, row: Sammlung) -> None:
        _ensure(
            await self._pool.fetch_value(
                "SELECT document_sync.save_collection($1, $2::jsonb)",
                row.fence,
                json_text(collection_json(row)),
                writes=True,
            )
        )

    async def doubt(self, key: RecordKey, collection_id: str) -> None:
        await self._pool.fetch(
            "UPDATE document_sync.collection SET asked_at = NULL WHERE record = $1 AND collection_id = $2",
            str(key),
            collection_id,
            writes=True,
        )

    async def doubt_file(self, file_id: str) -> Collection[str]:
        found = await self._pool.fetch(
            "UPDATE document_sync.placement SET asked_at = NULL WHERE sha256 IN ("
            "SELECT sha256 FROM document_sync.file WHERE file_id = $1) RETURNING documents",
            file_id,
            writes=True,
        )
        return {each for row in found for each in row["documents"]}

    async def out_for(self, key: RecordKey) -> frozenset[str]:
        found = await self._pool.fetch(
            "SELECT DISTINCT sha256 FROM document_sync.document_transfer WHERE record = $1 AND taken_back IS NULL",
            str(key),
        )
        return frozenset(row["sha256"] for row in found)

    async def wishes(self, key: RecordKey, since: datetime) -> WishTally:
        found = await self._pool.fetch(
            "SELECT count(*) FILTER (WHERE record <> $1 AND wished_at IS NOT NULL AND (is_held OR wished_at >= $2)) "
            "AS wished, count(*) FILTER (WHERE phase = 'live') AS live FROM document_sync.collection",
            str(key),
            since,
        )
        return WishTally(int(found[0]["wished"]), int(found[0]["live"]))

    async def documents_of(self, key: RecordKey) -> frozenset[str]:
        found = await self._pool.fetch(
            "SELECT id FROM document_sync.document WHERE wanted @> ARRAY[$1] "
            "UNION SELECT unnest(documents) FROM document_sync.placement WHERE record = $1",
            str(key),
        )
        return frozenset(row["id"] for row in found)

    async def knows_file(self, file_id: str) -> bool:
        return bool(
            await self._pool.fetch_value("SELECT true FROM document_sync.file WHERE file_id = $1 LIMIT 1", file_id)
        )

    async def _fence(self, name: str) -> int:
        """Taken before anything is read: an older look has committed by then, or is refused afterwards."""
        taken: int = await self._pool.fetch_value("SELECT document_sync.take_fence($1)", name, writes=True)
        return taken


def _ensure(held: object) -> None:
    if held is not True:
        raise StaleVersion("a newer look has begun, or the record is being taken back")
