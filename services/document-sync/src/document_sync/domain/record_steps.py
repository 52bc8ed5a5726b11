"""What can be done next for a record with a collection. Frozen."""

from __future__ import annotations

from dataclasses import dataclass

from document_sync.domain.memory import Collection
from document_sync.domain.steps import Note, ReadAgain


@dataclass(frozen=True, slots=True)
class Keep:
    """Written down before what follows from it."""

    row: Collection


@dataclass(frozen=True, slots=True)
class FindCollection:
    """By its name: a creation may have been carried out without an answer."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateCollection:
    """Announced first."""

    name: str


@dataclass(frozen=True, slots=True)
class AskCollection:
    """Whether it is still there: once a day."""

    collection_id: str


@dataclass(frozen=True, slots=True)
class WriteId:
    """The record names its collection; "" where it has none any more."""

    collection_id: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """One file out of the collection, and out of xAI where no other active record needs it."""

    sha256: str


@dataclass(frozen=True, slots=True)
class DropCollection:
    """What is left in it goes with it."""

    collection_id: str


@dataclass(frozen=True, slots=True)
class CallDocuments:
    """One event for each linked document, and for each that we know of here."""


RecordStep = (
    ReadAgain
    | Keep
    | FindCollection
    | CreateCollection
    | AskCollection
    | WriteId
    | TakeBack
    | DropCollection
    | CallDocuments
    | Note
)
RECORD_SENDS = (CreateCollection, WriteId, TakeBack, DropCollection, CallDocuments, Note, Keep)
"""What a dry run does not do."""


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """`steps` in their order; the first is done, then it is decided again. `row`: what is kept when all is done."""

    steps: tuple[RecordStep, ...]
    row: Collection
