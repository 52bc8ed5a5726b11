"""xAI in memory: files and collections, with indexing that takes its time, refusals, lies and lost answers."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from document_sync.domain.values import Indexed, Indexing, StoredFile
from document_sync.ports import Listed
from synckit.errors import RemoteRejected
from synckit.ports import Clock
from synckit.testing.faults import Faults


@dataclass
class XaiFile:
    """One file. Bytes are kept, so that a search can find them."""

    id: str
    name: str
    content: bytes
    number: int


@dataclass
class XaiDocument:
    """A file in a collection."""

    fields: Mapping[str, str]
    ready_at: float
    failures: int = 0


@dataclass
class XaiCollection:
    id: str
    name: str
    description: str
    documents: dict[str, XaiDocument] = field(default_factory=dict)


class FakeXai:
    """Both hosts. `attach_twice_is_fine`, `lists_deleted`: what the contract leaves open."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self.faults = faults
        self._numbers = itertools.count(1)
        self.all: dict[str, XaiFile] = {}
        self.sammlungen: dict[str, XaiCollection] = {}
        self.seconds = 1.0
        self.failing: dict[str, int] = {}  # a word in the content -> how often its indexing fails
        self.refusal: RemoteRejected | None = None
        self.attach_twice_is_fine = False
        self.lists_deleted = False
        self.is_empty = self.is_lost = False
        self.calls: list[str] = []
        self.uploads: list[str] = []
        self.files = FakeFiles(self)
        self.collections = FakeCollections(self)

    def number(self) -> int:
        return next(self._numbers)

    def asked(self, call: str) -> None:
        self.calls.append(call)
        self.faults.at(f"xai.{call}.before")
        if self.is_lost:
            raise RemoteRejected("xai", 404, "not found")

    def collection(self, collection_id: str) -> XaiCollection:
        if collection_id not in self.sammlungen:
            raise RemoteRejected("xai_management", 404, "no collection")
        return self.sammlungen[collection_id]

    def begin(self, document: XaiDocument) -> None:
        document.ready_at = self._clock.monotonic() + self.seconds

    def status(self, collection: XaiCollection, file_id: str) -> Indexed:
        document, file = collection.documents[file_id], self.all.get(file_id)
        if self._clock.monotonic() < document.ready_at:
            return Indexed(Indexing.PROCESSING)
        content = file.content if file else b""
        for word, times in self.failing.items():
            if word.encode() in content and document.failures < times:
                return Indexed(Indexing.FAILED, "could not read it")
        return Indexed(Indexing.PROCESSED)

    def search(self, collection_id: str, word: str) -> list[str]:
        """Ids of files in which it is found."""
        found = self.sammlungen.get(collection_id)
        return [
            file_id
            for file_id in (found.documents if found else ())
            if found and self.status(found, file_id).status is Indexing.PROCESSED
            if file_id in self.all and word.encode() in self.all[file_id].content
        ]


class FakeFiles:
    """`ports.Files`."""

    def __init__(self, xai: FakeXai) -> None:
        self._xai = xai

    async def upload(self, name: str, content: StoredFile, chunks: AsyncIterator[bytes]) -> str:
        xai = self._xai
        xai.asked("upload")
        if xai.refusal:
            raise xai.refusal
        told = b"".join([chunk async for chunk in chunks])
        assert len(told) == content.size
        number = xai.number()
        file = XaiFile(f"file_{number}", name, told, number)
        xai.all[file.id] = file
        xai.uploads.append(content.sha256)
        xai.faults.at("xai.upload.after")
        return file.id

    async def find(self, prefix: str, since: datetime | None) -> Sequence[str]:
        self._xai.asked("find_file")
        if self._xai.is_empty:
            return []
        return [file.id for file in self._xai.all.values() if file.name.startswith(prefix)]

    async def exists(self, file_id: str) -> bool:
        self._xai.calls.append("get_file")
        self._xai.faults.at("xai.get_file.before")
        return file_id in self._xai.all and not self._xai.is_lost

    async def delete(self, file_id: str) -> None:
        xai = self._xai
        xai.calls.append("delete_file")
        xai.faults.at("xai.delete_file.before")
        if xai.is_lost:
            return
        xai.all.pop(file_id, None)
        if not xai.lists_deleted:
            for collection in xai.sammlungen.values():
                collection.documents.pop(file_id, None)
        xai.faults.at("xai.delete_file.after")


class FakeCollections:
    """`ports.Collections`."""

    def __init__(self, xai: FakeXai) -> None:
        self._xai = xai

    async def create(self, name: str, description: str) -> str:
        xai = self._xai
        xai.asked("create")
        if xai.refusal:
            raise xai.refusal
        made = XaiCollection(f"collection_{xai.number()}", name, description)
        xai.sammlungen[made.id] = made
        xai.faults.at("xai.create.after")
        return made.id

    async def find(self, name: str) -> Sequence[str]:
        self._xai.asked("find_collection")
        if self._xai.is_empty:
            return []
        return [one.id for one in self._xai.sammlungen.values() if one.name == name]

    async def exists(self, collection_id: str) -> bool:
        self._xai.calls.append("get_collection")
        self._xai.faults.at("xai.get_collection.before")
        return collection_id in self._xai.sammlungen and not self._xai.is_lost

    async def delete(self, collection_id: str) -> None:
        self._xai.calls.append("delete_collection")
        self._xai.faults.at("xai.delete_collection.before")
        if not self._xai.is_lost:
            self._xai.sammlungen.pop(collection_id, None)
        self._xai.faults.at("xai.delete_collection.after")

    async def attach(self, collection_id: str, file_id: str, fields: Mapping[str, str]) -> None:
        xai = self._xai
        xai.asked("attach")
        collection = xai.collection(collection_id)
        if file_id not in xai.all:
            raise RemoteRejected("xai_management", 404, "no file")
        if file_id in collection.documents and xai.attach_twice_is_fine:
            return
        others = {one.fields["sha256"] for one in collection.documents.values()}
        if file_id in collection.documents or fields["sha256"] in others:
            raise RemoteRejected("xai_management", 409, "is there")
        collection.documents[file_id] = document = XaiDocument(dict(fields), 0.0)
        xai.begin(document)
        xai.faults.at("xai.attach.after")

    async def detach(self, collection_id: str, file_id: str) -> None:
        self._xai.calls.append("detach")
        self._xai.faults.at("xai.detach.before")
        if collection_id in self._xai.sammlungen and not self._xai.is_lost:
            self._xai.sammlungen[collection_id].documents.pop(file_id, None)
        self._xai.faults.at("xai.detach.after")

    async def reindex(self, collection_id: str, file_id: str) -> None:
        self._xai.asked("reindex")
        document = self._xai.collection(collection_id).documents[file_id]
        document.failures += 1
        self._xai.begin(document)

    async def indexed(self, collection_id: str, file_id: str) -> Indexed | None:
        self._xai.calls.append("get_document")
        self._xai.faults.at("xai.get_document.before")
        found = self._xai.sammlungen.get(collection_id)
        if found is None or file_id not in found.documents or self._xai.is_lost:
            return None
        return self._xai.status(found, file_id)

    async def listed(self, collection_id: str) -> Sequence[Listed]:
        self._xai.calls.append("list_documents")
        self._xai.faults.at("xai.list_documents.before")
        found = self._xai.sammlungen.get(collection_id)
        if found is None or self._xai.is_empty:
            return []
        return [Listed(one, self._xai.all[one].name if one in self._xai.all else "") for one in found.documents]

    async def with_hash(self, collection_id: str, sha256: str) -> Sequence[str]:
        self._xai.asked("with_hash")
        found = self._xai.collection(collection_id)
        return [one for one, document in found.documents.items() if document.fields["sha256"] == sha256]
