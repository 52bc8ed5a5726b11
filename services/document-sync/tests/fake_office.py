"""EspoCRM as document-sync sees it: documents, links, switches, attachments; it can lie, and lose answers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from document_sync.domain.decide_record import RecordView
from document_sync.domain.values import DocumentView, RecordKey, StoredFile, Switch, Unusable
from synckit.testing.faults import Faults


@dataclass
class Paper:
    """A document."""

    name: str
    attachment: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    is_deleted: bool = False


@dataclass
class Matter:
    """A record that may have a collection."""

    switch: object = False
    collection_id: str = ""


class FakeOffice:
    """`ports.Office`."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._numbers = itertools.count(1)
        self.papers: dict[str, Paper] = {}
        self.matters: dict[RecordKey, Matter] = {}
        self.joined: set[tuple[str, RecordKey]] = set()
        self.bytes: dict[str, tuple[bytes, str]] = {}
        self.notes: list[tuple[str, str]] = []
        self.markers: set[str] = set()
        self.calls: list[str] = []
        self.is_empty = self.is_gone = False
        self.types = 1

    # -- people -------------------------------------------------------------------------------------------------------

    def file(self, content: bytes, content_type: str = "application/pdf") -> str:
        made = f"a{next(self._numbers)}"
        self.bytes[made] = (content, content_type)
        return made

    def write_paper(self, document: str, content: bytes, name: str = "Schriftsatz.pdf") -> None:
        paper = self.papers.setdefault(document, Paper(name))
        paper.attachment = self.file(content)

    def join(self, document: str, key: RecordKey) -> None:
        self.joined.add((document, key))

    def part(self, document: str, key: RecordKey) -> None:
        self.joined.discard((document, key))

    # -- what the service asks ----------------------------------------------------------------------------------------

    def _asked(self, call: str) -> None:
        self.calls.append(call)
        self.faults.at(f"office.{call}.before")

    async def document(self, document: str) -> DocumentView | None:
        self._asked("document")
        paper = self.papers.get(document)
        if paper is None or paper.is_deleted or self.is_gone:
            return None
        return DocumentView(document, paper.name, paper.attachment, dict(paper.shown))

    async def links(self, document: str) -> frozenset[RecordKey]:
        for _ in range(self.types):
            self._asked("links")
        if self.is_empty:
            return frozenset()
        return frozenset(key for one, key in self.joined if one == document)

    async def show(self, document: str, values: Mapping[str, Any]) -> str:
        self._asked("show")
        paper = self.papers[document]
        paper.shown.update(values)
        self.faults.at("office.show.after")
        return paper.attachment

    async def record(self, key: RecordKey) -> RecordView | None:
        self._asked("record")
        matter = self.matters.get(key)
        if matter is None or self.is_gone:
            return None
        return RecordView(Switch.read(matter.switch), matter.collection_id)

    async def name_collection(self, key: RecordKey, collection_id: str) -> None:
        self._asked("name_collection")
        self.matters[key].collection_id = collection_id
        self.faults.at("office.name_collection.after")

    async def switch_off(self, key: RecordKey) -> None:
        self._asked("switch_off")
        if key in self.matters:
            self.matters[key].switch = False

    async def documents_of(self, key: RecordKey) -> frozenset[str]:
        self._asked("documents_of")
        return frozenset() if self.is_empty else frozenset(one for one, other in self.joined if other == key)

    async def tell(self, entity_type: str, record_id: str, owner_id: str | None, text: str, marker: str) -> None:
        self._asked("tell")
        told = f"{entity_type}/{record_id}/{marker}"
        if told not in self.markers:
            self.markers.add(told)
            self.notes.append((record_id, text))
        self.faults.at("office.tell.after")


class FakeSpooled:
    """`ports.Spooled`."""

    def __init__(self, content: StoredFile | Unusable, kept: bytes) -> None:
        self.content = content
        self._kept = kept
        self.is_closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        assert not self.is_closed
        yield self._kept

    async def close(self) -> None:
        self.is_closed = True


class FakeSpool:
    """`ports.Spool`."""

    def __init__(self, office: FakeOffice) -> None:
        self._office = office
        self.largest = 1000
        self.opened: list[FakeSpooled] = []

    async def fetch(self, attachment: str) -> FakeSpooled:
        self._office.calls.append("bytes")
        self._office.faults.at("office.bytes.before")
        content, content_type = self._office.bytes.get(attachment, (b"", ""))
        reason = "gone" if attachment not in self._office.bytes else "empty" if not content else ""
        reason = reason or ("too_large" if len(content) > self.largest else "")
        told: StoredFile | Unusable = Unusable(attachment, reason)
        if not reason:
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            told = StoredFile(attachment, hashlib.sha256(content).hexdigest(), md5, len(content), content_type)
        self.opened.append(FakeSpooled(told, content))
        return self.opened[-1]
