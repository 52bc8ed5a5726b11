"""What can be done next for a document or a record. Frozen; `plan` values of `decide` and `decide_record`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from document_sync.domain.memory import Document
from document_sync.domain.values import RecordKey


@dataclass(frozen=True, slots=True)
class LookWhole:
    """What is remembered does not do: read the document and its links."""


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """What would lose something is read a second time before it is believed."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A record of which nothing is known: its own look reads the switch."""

    record: RecordKey


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read the bytes into the spool, and hash them."""

    attachment: str


@dataclass(frozen=True, slots=True)
class Remember:
    """What stands for this document where, before anything is written: others who share the file must see it."""

    document: Document


@dataclass(frozen=True, slots=True)
class ReadName:
    """Of another document, which this file is named after."""

    document: str


@dataclass(frozen=True, slots=True)
class FindUpload:
    """An upload was begun and its answer is not known: look it up by the name's beginning."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Send the bytes: the only step by which content leaves the house. `records`: for whom."""

    sha256: str
    name: str = field(repr=False)
    records: tuple[RecordKey, ...]


@dataclass(frozen=True, slots=True)
class Attach:
    """Put a file into a collection. No bytes."""

    sha256: str
    record: RecordKey
    collection_id: str
    documents: tuple[str, ...]
    fields: Mapping[str, str] = field(repr=False)
    named: str


@dataclass(frozen=True, slots=True)
class Detach:
    """Take a file out of a collection; the file stays."""

    sha256: str
    record: RecordKey


@dataclass(frozen=True, slots=True)
class Ask:
    """How far indexing is."""

    sha256: str
    record: RecordKey


@dataclass(frozen=True, slots=True)
class Reindex:
    """Index again what xAI has refused. `afresh`: a person asked for it."""

    sha256: str
    record: RecordKey
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """No active record needs it, and one was taken back: it goes at once."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """No document needs it: it is kept for a while, then swept."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Note:
    """Tells a person, once while the cause stands."""

    cause: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Show:
    """Write our fields of the document in EspoCRM, all at once."""

    values: Mapping[str, Any] = field(repr=False)


Step = (
    LookWhole
    | ReadAgain
    | CallRecord
    | Fetch
    | Remember
    | ReadName
    | FindUpload
    | Upload
    | Attach
    | Detach
    | Ask
    | Reindex
    | DeleteFile
    | Release
    | Note
    | Show
)
SENDS = (Upload, Attach, Detach, Reindex, DeleteFile, Show, Note)
"""What a dry run does not do."""
NEEDS_DOCUMENT = (ReadName, Upload, Attach, Fetch)
"""What can't be done from memory alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` in their order; the first is done, then it is decided again. `document`: what is kept at the end."""

    steps: tuple[Step, ...]
    document: Document
