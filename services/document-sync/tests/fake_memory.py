"""`ports.Store` in memory, with its refusals; every method is atomic."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from document_sync.domain.decide_record import WishTally
from document_sync.domain.memory import Collection as Sammlung
from document_sync.domain.memory import Document, File, Standing, Transfer
from document_sync.domain.values import DocumentState, Phase, RecordKey
from synckit.errors import StaleVersion
from synckit.ports import Clock
from synckit.testing.faults import Faults


class FakeMemory:
    """What `adapters.store.PostgresStore` promises."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self.faults = faults
        self._fence = 0
        self._fences: dict[str, int] = {}
        self.documents: dict[str, Document] = {}
        self.files: dict[str, File] = {}
        self.sammlungen: dict[RecordKey, Sammlung] = {}
        self.transfers: list[Transfer] = []
        self.saves = 0

    async def key(self) -> bytes:
        return b"key"

    def _took(self, name: str) -> int:
        self._fence += 1
        self._fences[name] = self._fence
        return self._fence

    def _ensure(self, name: str, fence: int) -> None:
        self.faults.at("store.save.before")
        if fence != self._fences.get(name):
            raise StaleVersion("a newer look has begun")
        self.saves += 1

    async def document(self, document: str) -> Document:
        return replace(self.documents.get(document, Document(document)), fence=0)

    async def open_document(self, document: str) -> Document:
        fence = self._took(f"document:{document}")
        return replace(self.documents.get(document, Document(document)), fence=fence)

    async def save_document(self, row: Document) -> None:
        self._ensure(f"document:{row.id}", row.fence)
        self.documents[row.id] = row
        self.faults.at("store.save.after")

    async def files_of(self, document: str, sha256: str) -> Mapping[str, File]:
        own = {sha256} if sha256 else set()
        placed = {
            each
            for each, file in self.files.items()
            if any(document in one.documents for one in file.placements.values())
        }
        return {each: self._file(each) for each in own | placed if each in self.files or each == sha256}

    async def open_file(self, sha256: str) -> File:
        return replace(self._file(sha256), fence=self._took(f"file:{sha256}"))

    def _file(self, sha256: str) -> File:
        file = self.files.get(sha256, File(sha256))
        placed = {each for one in file.placements.values() for each in one.documents}
        rows = [row for row in self.documents.values() if row.sha256 == sha256 or row.id in placed]
        return replace(file, standings=tuple(self._standing(row) for row in rows))

    def _standing(self, row: Document) -> Standing:
        file = self.files.get(row.sha256)
        settled = frozenset(
            key
            for key in row.wanted
            if file
            and key in file.placements
            and file.placements[key].status.is_settled
            and row.id in file.placements[key].documents
        )
        if row.state is DocumentState.FAILED:
            settled = row.wanted
        return Standing(row.id, row.sha256, row.wanted, settled, row.version)

    async def save_file(
        self, file: File, *, sent: Sequence[Transfer] = (), taken_back: Collection[RecordKey] | None = ()
    ) -> None:
        closed = [one for one in sent if not self._is_open(one.record)]
        if closed:
            raise StaleVersion("a record is being taken back")
        self._ensure(f"file:{file.sha256}", file.fence)
        self.files[file.sha256] = replace(file, standings=())
        for one in sent:
            known = [each for each in self.transfers if _same(each, one) and each.taken_back is None]
            if not known:
                self.transfers.append(one)
        now = self._clock.now()
        self.transfers = [
            replace(each, taken_back=now)
            if each.sha256 == file.sha256
            and each.taken_back is None
            and (taken_back is None or each.record in taken_back)
            else each
            for each in self.transfers
        ]
        self.faults.at("store.save.after")

    def _is_open(self, key: RecordKey) -> bool:
        row = self.sammlungen.get(key)
        return row is not None and row.is_ready

    async def collections(self, keys: Collection[RecordKey]) -> Mapping[RecordKey, Sammlung]:
        return {key: self.sammlungen[key] for key in keys if key in self.sammlungen}

    async def open_collection(self, key: RecordKey) -> Sammlung:
        return replace(self.sammlungen.get(key, Sammlung(key)), fence=self._took(f"record:{key}"))

    async def save_collection(self, row: Sammlung) -> None:
        self._ensure(f"record:{row.key}", row.fence)
        self.sammlungen[row.key] = row
        self.faults.at("store.save.after")

    async def doubt(self, key: RecordKey, collection_id: str) -> None:
        row = self.sammlungen.get(key)
        if row and row.collection_id == collection_id:
            self.sammlungen[key] = replace(row, asked_at=None)

    async def doubt_file(self, file_id: str) -> Collection[str]:
        doubted: set[str] = set()
        for sha256, file in self.files.items():
            if file.file_id == file_id:
                placements = {key: replace(one, asked_at=None) for key, one in file.placements.items()}
                self.files[sha256] = replace(file, placements=placements)
                doubted |= {each for one in placements.values() for each in one.documents}
        return doubted

    async def out_for(self, key: RecordKey) -> frozenset[str]:
        return frozenset(one.sha256 for one in self.transfers if one.record == key and one.taken_back is None)

    async def wishes(self, key: RecordKey, since: datetime) -> WishTally:
        others = [row for row in self.sammlungen.values() if row.key != key]
        wished = [row for row in others if row.wished_at is not None and (row.is_held or row.wished_at >= since)]
        return WishTally(len(wished), sum(row.phase is Phase.LIVE for row in self.sammlungen.values()))

    async def documents_of(self, key: RecordKey) -> frozenset[str]:
        wanting = {row.id for row in self.documents.values() if key in row.wanted}
        placed = {
            each for file in self.files.values() if key in file.placements for each in file.placements[key].documents
        }
        return frozenset(wanting | placed)

    async def knows_file(self, file_id: str) -> bool:
        return any(file.file_id == file_id for file in self.files.values())

    # -- timers -------------------------------------------------------------------------------------------------------

    async def due_documents(self, most: int) -> Sequence[str]:
        now = self._clock.now()
        return sorted(row.id for row in self.documents.values() if row.due is not None and row.due <= now)[:most]

    async def due_records(self, most: int) -> Sequence[RecordKey]:
        now = self._clock.now()
        return sorted(row.key for row in self.sammlungen.values() if row.due is not None and row.due <= now)[:most]

    async def unneeded_files(self, before: datetime, most: int) -> Sequence[str]:
        return [
            each
            for each, file in self.files.items()
            if file.unneeded_since is not None and file.unneeded_since < before
        ][:most]

    async def not_looked_at(self, before: datetime, most: int) -> tuple[Sequence[str], Sequence[RecordKey]]:
        documents = [row.id for row in self.documents.values() if row.looked_at is not None and row.looked_at < before]
        records = [row.key for row in self.sammlungen.values() if row.looked_at is None or row.looked_at < before]
        return documents[:most], records[:most]


def _same(one: Transfer, other: Transfer) -> bool:
    return (one.document, one.record, one.sha256) == (other.document, other.record, other.sha256)


DAY = timedelta(days=1)
