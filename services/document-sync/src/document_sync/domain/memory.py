"""What is remembered: ids, hashes and times. Never a name and never content: of a name only a keyed digest is kept."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from document_sync.domain.values import DocumentState, Indexing, Phase, RecordKey, Switch

NOTHING: frozenset[RecordKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `wanted`: active records that it is linked to; `sha256` of the bytes that stand for it there.

    `attachment` is the one that was hashed. `reason` is a word of ours where `state` is failed or unclean. `due`: when
    it is looked at again by itself. `notes`: causes that a person has been told of. `shown`: a digest of what EspoCRM
    shows of ours since our last write.
    """

    id: str
    fence: int = 0
    attachment: str = ""
    sha256: str = ""
    md5: str = ""
    size: int = 0
    content_type: str = ""
    version: int = 0
    wanted: frozenset[RecordKey] = NOTHING
    state: DocumentState = DocumentState.NO_SYNC
    reason: str = ""
    synced_sha256: str = ""
    due: datetime | None = None
    tries: int = 0
    looked_at: datetime | None = None
    notes: frozenset[str] = frozenset()
    shown: str = ""

    @property
    def is_known(self) -> bool:
        return self.looked_at is not None


@dataclass(frozen=True, slots=True)
class Collection:
    """A record's collection.

    `withdrawn`: a person took everything back; only a switch that was off since then counts again. `intent_at`: since
    when a creation may be on its way. `wished_at`: since when it is to be taken back; `is_held`: too many at once are.
    """

    key: RecordKey
    fence: int = 0
    switch: Switch = Switch.UNTOLD
    phase: Phase = Phase.NONE
    collection_id: str = ""
    withdrawn: bool = False
    intent_at: datetime | None = None
    wished_at: datetime | None = None
    is_held: bool = False
    closed_at: datetime | None = None
    asked_at: datetime | None = None
    looked_at: datetime | None = None
    due: datetime | None = None
    tries: int = 0
    reason: str = ""
    notes: frozenset[str] = frozenset()

    @property
    def is_active(self) -> bool:
        """Documents that are linked belong into it: switched on, and not being taken back."""
        return self.switch is Switch.ON and not self.withdrawn and self.phase is not Phase.CLOSING

    @property
    def is_ready(self) -> bool:
        return self.is_active and self.phase is Phase.LIVE and bool(self.collection_id)


@dataclass(frozen=True, slots=True)
class Placement:
    """A file in the collection of a record. `documents` stand for it there; `leader` of them gives it its name.

    `named` is the digest of the fields that it was attached with. `tries`: how often it was indexed again.
    """

    record: RecordKey
    collection_id: str
    documents: tuple[str, ...]
    named: str
    status: Indexing = Indexing.ATTACHING
    tries: int = 0
    due: datetime | None = None
    attached_at: datetime | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A document as others see it who share a file with it. `settled`: records where nothing more is waited for."""

    id: str
    sha256: str
    wanted: frozenset[RecordKey]
    settled: frozenset[RecordKey] = NOTHING
    version: int = 0


@dataclass(frozen=True, slots=True)
class File:
    """One content, told by its hash: uploaded once, placed where documents need it.

    `intent_at`: since when an upload may be on its way. `unneeded_since`: nobody needs it, and it is kept for a while.
    """

    sha256: str
    fence: int = 0
    file_id: str = ""
    size: int = 0
    intent_at: datetime | None = None
    unneeded_since: datetime | None = None
    asked_at: datetime | None = None
    placements: Mapping[RecordKey, Placement] = field(default_factory=dict)
    standings: tuple[Standing, ...] = ()

    @property
    def is_out(self) -> bool:
        """It is with xAI, or may be."""
        return bool(self.file_id) or self.intent_at is not None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file of one document that was sent for one record. `taken_back`: when it was gone from there."""

    document: str
    record: RecordKey
    sha256: str
    size: int
    collection_id: str
    event: str = ""
    at: datetime | None = None
    taken_back: datetime | None = None


def digest(key: bytes, *texts: str) -> str:
    """Tells whether a text is another one, without the text: HMAC-SHA256 with the database's own key."""
    joined = "\n".join(f"{len(each)}:{each}" for each in texts)
    return hmac.new(key, joined.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
