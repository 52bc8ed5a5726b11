"""What is seen of documents, records and files. Frozen; no value of a file's content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """A record that may have a collection: its type in EspoCRM and its id."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"

    @classmethod
    def of(cls, text: str) -> RecordKey:
        """The way back. ValueError where it is none."""
        kind, slash, record_id = text.partition("/")
        if not (kind and slash and record_id):
            raise ValueError("no key of a record")
        return cls(kind, record_id)


class Switch(StrEnum):
    """What one read said of the switch. `UNTOLD`: null, absent, a text, or no record at all."""

    ON = "on"
    OFF = "off"
    UNTOLD = "untold"

    @classmethod
    def read(cls, value: object) -> Switch:
        """Only `true` is on, and only `false` is off: nothing else is understood as either."""
        if value is True:
            return cls.ON
        return cls.OFF if value is False else cls.UNTOLD


class DocumentState(StrEnum):
    """`xaiSyncStatus` of a document."""

    NO_SYNC = "no_sync"
    PENDING = "pending_sync"
    CLEAN = "clean"
    UNCLEAN = "unclean"
    FAILED = "failed"


class Indexing(StrEnum):
    """How far xAI is with a file in a collection. `FAILING`: refused, and tried again; `FAILED`: not any more.

    `LOST`: it was there, and somebody has taken it out at xAI.
    """

    ATTACHING = "attaching"
    PROCESSING = "processing"
    PROCESSED = "processed"
    FAILING = "failing"
    FAILED = "failed"
    LOST = "lost"

    @property
    def is_settled(self) -> bool:
        """Nothing more comes of waiting."""
        return self in (Indexing.PROCESSED, Indexing.FAILED)


class Phase(StrEnum):
    """Of a record's collection. `CLOSING`: being taken back; `CLOSED`: taken back, nothing of it is out there."""

    NONE = "none"
    LIVE = "live"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as EspoCRM shows it. `shown`: our own fields there. `attachment` is "" where it has no file."""

    id: str
    name: str = field(repr=False)
    attachment: str
    shown: Mapping[str, Any] = field(repr=False)
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes that were read once and hashed on their way. They lie in the spool, not here."""

    attachment: str
    sha256: str
    md5: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """An attachment that is not sent: `reason` is a word of ours (`empty`, `too_large`, `type`, `gone`)."""

    attachment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Indexed:
    """What xAI says of a file in a collection. `message` may quote the file: shown to people, never kept."""

    status: Indexing
    message: str = field(default="", repr=False)
