"""Which event means which look. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from document_sync.domain.values import RecordKey
from kanzlei.nouns import BY_TYPE
from synckit.errors import InvalidEvent
from synckit.events import ENTITY_ID, LINKS, Action, ChangeEvent, Origin, key_of, name_of

DOCUMENTS, COLLECTIONS = "dokumente", "sammlungen"
DUE = "due"
"""Among the changed names of an event that only says that its time has come."""
ACTIONS: frozenset[str] = frozenset(Action)


def call_document(document: str, at: datetime, *, is_due: bool = False) -> ChangeEvent:
    """ "Look at this document."."""
    changed = (DUE,) if is_due else ()
    return ChangeEvent(DOCUMENTS, document, Action.SYNC_CHECK, Origin.TICKER, at, changed)


def call_record(key: RecordKey, at: datetime) -> ChangeEvent:
    """ "See to this record's collection, and call its documents." An id is unique within a type only."""
    return ChangeEvent(COLLECTIONS, key_of(f"{key.type}.{key.id}"), Action.SYNC_CHECK, Origin.TICKER, at)


def record_keys(event: ChangeEvent, types: Collection[str]) -> tuple[RecordKey, ...]:
    """The records that an event may mean: with its type in the key, by its noun, or of any type."""
    kind, dot, record_id = name_of(event.entity_id).partition(".")
    if dot:
        if kind not in types or not ENTITY_ID.match(record_id):
            raise InvalidEvent("a record of no type that has collections")
        return (RecordKey(kind, record_id),)
    if not ENTITY_ID.match(event.entity_id):
        raise InvalidEvent("no id of a record")
    nouns = {noun.name: each for each, noun in BY_TYPE.items()}
    if event.entity in nouns:
        kind = nouns[event.entity]
        return (RecordKey(kind, event.entity_id),) if kind in types else ()
    return tuple(RecordKey(each, event.entity_id) for each in sorted(types))


def is_only_due(events: Iterable[ChangeEvent]) -> bool:
    """Nobody among them says that the document or a link of it has changed."""
    return all(event.action == Action.SYNC_CHECK and event.changed == (DUE,) for event in events)


def moves_switch(event: ChangeEvent, switch: str) -> bool:
    """An event of a record whose switch may have been moved. What says no names may mean any of them."""
    if event.action == Action.CREATE:
        return True
    return event.action == Action.UPDATE and (not event.changed or switch in event.changed)


def accepts_documents(event: ChangeEvent) -> None:
    """InvalidEvent for what is no event of a document."""
    if event.entity != DOCUMENTS or event.action not in ACTIONS or not ENTITY_ID.match(event.entity_id):
        raise InvalidEvent("no event of a document")


def accepts_links(event: ChangeEvent) -> None:
    """InvalidEvent for what is no event of a link."""
    if event.action not in LINKS:
        raise InvalidEvent("no event of a link")
