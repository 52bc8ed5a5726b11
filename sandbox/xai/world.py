"""All that the sandbox holds: files, collections, the documents in them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.changes import ChangeLog
from sandbox.xai.errors import XaiError, invalid, not_found
from sandbox.xai.indexing import PROCESSED, Indexing, Run
from sandbox.xai.switches import Switches
from sandbox.xai.texts import Page, pages_of


@dataclass
class File:
    """One file. Times are Unix seconds; `deleted_at`: it is only shown in lists for a while."""

    id: str
    name: str
    content: bytes = field(repr=False)
    content_type: str
    purpose: str
    created_at: float
    expires_at: float | None = None
    deleted_at: float | None = None
    public_url: str | None = None
    _pages: list[Page] | None = field(default=None, repr=False)

    @property
    def pages(self) -> list[Page]:
        """Its text, read once."""
        if self._pages is None:
            self._pages = pages_of(self.name, self.content_type, self.content)
        return self._pages


@dataclass
class Document:
    """A file in a collection, with fields of its own. The file's data stay with it when the file is deleted."""

    file: File
    fields: dict[str, str]
    run: Run
    added: int


@dataclass
class Collection:
    id: str
    name: str
    created_at: float
    description: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    field_definitions: list[dict[str, Any]] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)


class World:
    """`clock` decides what indexing has come to. Everything that is written stands in `changes`, by host."""

    def __init__(self, clock: Callable[[], datetime], changes: ChangeLog, indexing: Indexing) -> None:
        self._clock = clock
        self._changes = changes
        self.indexing = indexing
        self.switches = Switches()
        self.files: dict[str, File] = {}
        self.deleted: dict[str, File] = {}
        self.collections: dict[str, Collection] = {}
        self.by_key: dict[str, str] = {}
        self._added = 0

    @property
    def now(self) -> float:
        return self._clock().timestamp()

    def reset(self) -> None:
        """As on the first day."""
        self.files.clear()
        self.deleted.clear()
        self.collections.clear()
        self.by_key.clear()
        self.indexing.reset()
        self.switches = Switches()

    # -- files --------------------------------------------------------------------------------------------------------

    def file(self, file_id: str) -> File:
        """404 where it is none, or expired."""
        found = self.files.get(file_id)
        if found is None or (found.expires_at is not None and found.expires_at <= self.now):
            raise not_found("File", file_id)
        return found

    def keep(self, name: str, content: bytes, content_type: str, purpose: str, expires_after: int | None) -> File:
        """A new file, whatever is there already. 413 and the account's limits."""
        switches = self.switches
        if len(content) > switches.max_file_bytes:
            raise XaiError(413, f"File exceeds the maximum size of {switches.max_file_bytes} bytes")
        total = sum(len(each.content) for each in self.files.values())
        if len(self.files) >= switches.max_files or total + len(content) > switches.max_total_bytes:
            raise XaiError(switches.full_status, "The storage of this team is full")
        now = self.now
        expires = None if expires_after is None else now + expires_after
        made = File(f"file_{uuid.uuid4()}", name, content, content_type, purpose, now, expires)
        self.files[made.id] = made
        self.changed("file", made.id, "create", bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        return made

    def delete_file(self, file_id: str) -> None:
        found = self.file(file_id)
        del self.files[file_id]
        found.deleted_at = self.now
        self.deleted[file_id] = found
        if self.switches.deleted_file_documents == "gone":
            for collection in self.collections.values():
                collection.documents.pop(file_id, None)
        self.changed("file", file_id, "delete")

    def listed_files(self) -> list[File]:
        """Those that are there, and those that lists do not know to be deleted yet."""
        now, late = self.now, self.switches.deleted_file_seconds
        there = [each for each in self.files.values() if each.expires_at is None or each.expires_at > now]
        return there + [each for each in self.deleted.values() if now < (each.deleted_at or 0.0) + late]

    # -- collections --------------------------------------------------------------------------------------------------

    def collection(self, collection_id: str) -> Collection:
        found = self.collections.get(collection_id)
        if found is None:
            raise not_found("Collection", collection_id)
        return found

    def new_collection(self, name: str, description: str, definitions: list[dict[str, Any]]) -> Collection:
        made = Collection(f"collection_{uuid.uuid4()}", name, self.now, description, field_definitions=definitions)
        self.collections[made.id] = made
        self.changed("collection", made.id, "create", name=name)
        return made

    def delete_collection(self, collection_id: str) -> None:
        """Its files stay, unless the switch says otherwise."""
        gone = self.collection(collection_id)
        del self.collections[collection_id]
        self.changed("collection", collection_id, "delete")
        if self.switches.collection_takes_files:
            for file_id in list(gone.documents):
                if file_id in self.files:
                    self.delete_file(file_id)

    # -- documents ----------------------------------------------------------------------------------------------------

    def document(self, collection_id: str, file_id: str) -> Document:
        found = self.collection(collection_id).documents.get(file_id)
        if found is None:
            raise not_found("Document", file_id)
        return found

    def attach(self, collection_id: str, file_id: str, fields: Mapping[str, str]) -> Document:
        """A file comes into a collection, and is on its way from now on."""
        collection, file = self.collection(collection_id), self.file(file_id)
        there = collection.documents.get(file_id)
        if there is not None:
            if self.switches.attach_twice != 200:
                raise XaiError(self.switches.attach_twice, f"Document {file_id} is in the collection already")
            return there
        self._check(collection, fields)
        self._added += 1
        made = Document(file, dict(fields), Run(self.now, self.indexing.rule_for(file.name)), self._added)
        collection.documents[file_id] = made
        self.changed("document", file_id, "create", collection=collection_id, fields=dict(fields))
        return made

    def detach(self, collection_id: str, file_id: str) -> None:
        self.document(collection_id, file_id)
        del self.collection(collection_id).documents[file_id]
        self.changed("document", file_id, "delete", collection=collection_id)

    def reindex(self, collection_id: str, file_id: str) -> None:
        found = self.document(collection_id, file_id)
        found.run = Run(self.now, self.indexing.rule_for(found.file.name))
        self.changed("document", file_id, "update", collection=collection_id)

    def follow_rules(self) -> None:
        """What is on its way goes on by the rules of now."""
        for collection in self.collections.values():
            for each in collection.documents.values():
                if not each.run.is_over(self.now):
                    each.run = Run(each.run.began, self.indexing.rule_for(each.file.name))

    def is_found(self, document: Document) -> bool:
        """A search looks into it."""
        return document.run.status(self.now) == PROCESSED and document.file.id in self.files

    def changed(self, entity: str, record: str, action: str, **values: Any) -> None:
        self._changes.add(entity, record, action, "api", values)

    def _check(self, collection: Collection, fields: Mapping[str, str]) -> None:
        for definition in collection.field_definitions:
            key = definition["key"]
            if definition.get("required") and not fields.get(key):
                raise invalid(f"Field {key} is required")
            if definition.get("unique") and key in fields:
                others = (each.fields.get(key) for each in collection.documents.values())
                if fields[key] in others:
                    raise XaiError(self.switches.unique_status, f"Field {key} must be unique in the collection")
