"""All that one decision about a document rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from document_sync.domain.memory import Collection, Document, File
from document_sync.domain.values import DocumentView, RecordKey, StoredFile, Unusable


@dataclass(frozen=True, slots=True)
class Refusal:
    """xAI refused the bytes or the file. `message` is for people alone."""

    status: int
    message: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `view` is None where EspoCRM has no such document. `files`: by sha256, those that concern it.

    `is_light`: document and links are as remembered, not read. `is_sure`: what would lose something was read twice.
    `content`: read in this look. `names`: of other documents, as read. `messages`: what xAI said of a failure, by
    record. `called`: records that were told already.
    """

    now: datetime
    key: bytes = field(repr=False)
    document: Document
    view: DocumentView | None
    links: frozenset[RecordKey]
    collections: Mapping[RecordKey, Collection]
    files: Mapping[str, File]
    is_light: bool = False
    is_sure: bool = False
    content: StoredFile | Unusable | None = None
    refusal: Refusal | None = None
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    messages: Mapping[RecordKey, str] = field(default_factory=dict, repr=False)
    called: frozenset[RecordKey] = frozenset()
    told: frozenset[str] = frozenset()

    @property
    def attachment(self) -> str:
        return self.view.attachment if self.view else ""

    @property
    def said(self) -> str:
        """What xAI said of its refusal, in this look."""
        if self.refusal is not None:
            return self.refusal.message
        return next((each for each in self.messages.values() if each), "")
