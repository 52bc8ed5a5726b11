"""What a look needs of the world. Every method raises the errors of `synckit.errors`, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from document_sync.domain.decide_record import RecordView, WishTally
from document_sync.domain.memory import Collection as Sammlung
from document_sync.domain.memory import Document, File, Transfer
from document_sync.domain.values import DocumentView, Indexed, RecordKey, StoredFile, Unusable
from synckit.errors import RemoteRejected


class XaiRejected(RemoteRejected):
    """A 4xx of xAI. `said` may name a file: for people alone, and in no text of the exception."""

    def __init__(self, upstream: str, status: int, said: str = "") -> None:
        super().__init__(upstream, status, "rejected")
        self.said = said


class Office(Protocol):
    """EspoCRM: documents, their links, and records that may have a collection."""

    async def document(self, document: str) -> DocumentView | None:
        """None only where EspoCRM itself says that there is none."""

    async def links(self, document: str) -> frozenset[RecordKey]:
        """All records of the chosen types; one call a type and page."""

    async def show(self, document: str, values: Mapping[str, Any]) -> str:
        """Our fields, in one write. Answers the attachment that the document has by then."""

    async def record(self, key: RecordKey) -> RecordView | None: ...

    async def name_collection(self, key: RecordKey, collection_id: str) -> None:
        """ "" takes the id away."""

    async def switch_off(self, key: RecordKey) -> None:
        """For a withdrawal: the switch says what is true."""

    async def documents_of(self, key: RecordKey) -> frozenset[str]:
        """Ids of all linked documents, all pages."""

    async def tell(self, entity_type: str, record_id: str, owner_id: str | None, text: str, marker: str) -> None:
        """A note, once for each marker, which is in the text."""


class Spooled(Protocol):
    """One attachment on the disk, until it is closed."""

    @property
    def content(self) -> StoredFile | Unusable: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, from their beginning, in pieces of less than 1 MiB."""

    async def close(self) -> None: ...


class Spool(Protocol):
    """Reads attachments to the disk and hashes them on their way."""

    async def fetch(self, attachment: str) -> Spooled: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a collection lists it."""

    file_id: str
    name: str


class Files(Protocol):
    """Files at xAI (the host of the API key)."""

    async def upload(self, name: str, content: StoredFile, chunks: AsyncIterator[bytes]) -> str:
        """The file's id. Not safe to repeat: announced first, and looked for by its name's beginning."""

    async def find(self, prefix: str, since: datetime | None) -> Sequence[str]:
        """Ids of files whose name begins so and that were made since then, oldest first. None: ever."""

    async def exists(self, file_id: str) -> bool: ...

    async def delete(self, file_id: str) -> None:
        """Gone already is fine."""


class Collections(Protocol):
    """Collections at xAI (the management key)."""

    async def create(self, name: str, description: str) -> str:
        """With our fields declared. Not safe to repeat: announced first, and looked for by its name."""

    async def find(self, name: str) -> Sequence[str]:
        """Ids of collections of exactly this name, oldest first."""

    async def exists(self, collection_id: str) -> bool: ...

    async def delete(self, collection_id: str) -> None:
        """Gone already is fine."""

    async def attach(self, collection_id: str, file_id: str, fields: Mapping[str, str]) -> None:
        """RemoteRejected: 404 where one of the two is gone, 409 or 400 where it is there or its sha256 is."""

    async def detach(self, collection_id: str, file_id: str) -> None:
        """Not there already is fine, and so is a collection that is gone."""

    async def reindex(self, collection_id: str, file_id: str) -> None: ...

    async def indexed(self, collection_id: str, file_id: str) -> Indexed | None:
        """None: the collection does not have it."""

    async def listed(self, collection_id: str) -> Sequence[Listed]:
        """All of it, all pages. None at all where the collection is gone."""

    async def with_hash(self, collection_id: str, sha256: str) -> Sequence[str]:
        """Ids of files whose field `sha256` says so."""


class Calls(Protocol):
    """Events: a look each, merged where they wait."""

    async def records(self, keys: Collection[RecordKey]) -> None: ...

    async def documents(self, documents: Collection[str]) -> None: ...


class Store(Protocol):
    """What is remembered. Saving raises StaleVersion where a newer look has taken the fence since."""

    async def key(self) -> bytes:
        """For digests."""

    async def document(self, document: str) -> Document:
        """Fence 0: it can't be saved."""

    async def open_document(self, document: str) -> Document: ...

    async def save_document(self, row: Document) -> None: ...

    async def files_of(self, document: str, sha256: str) -> Mapping[str, File]:
        """By sha256: this one, and all that are placed for the document."""

    async def open_file(self, sha256: str) -> File: ...

    async def save_file(
        self, file: File, *, sent: Sequence[Transfer] = (), taken_back: Collection[RecordKey] | None = ()
    ) -> None:
        """Row and placements. `sent`: for records that are open, else StaleVersion; one that is out already is not
        written twice. `taken_back`: of these records, None: of all.
        """

    async def collections(self, keys: Collection[RecordKey]) -> Mapping[RecordKey, Sammlung]:
        """Those that are known."""

    async def open_collection(self, key: RecordKey) -> Sammlung: ...

    async def save_collection(self, row: Sammlung) -> None: ...

    async def doubt(self, key: RecordKey, collection_id: str) -> None:
        """xAI does not know it: the record's next look asks. Needs no fence."""

    async def doubt_file(self, file_id: str) -> Collection[str]:
        """xAI may have lost it: the looks of its documents, which are answered, ask. Needs no fence."""

    async def out_for(self, key: RecordKey) -> frozenset[str]:
        """sha256 of files that were sent for it and not taken back."""

    async def wishes(self, key: RecordKey, since: datetime) -> WishTally: ...

    async def documents_of(self, key: RecordKey) -> frozenset[str]:
        """Documents that stand in it or want to."""

    async def knows_file(self, file_id: str) -> bool: ...
