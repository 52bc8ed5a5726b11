"""What is out there against what is remembered, in both directions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from document_sync.domain.memory import Collection, File, Placement
from document_sync.domain.naming import collection_name, prefix_of
from document_sync.domain.values import Indexing, RecordKey

OURS = re.compile(r"[0-9a-f]{16}-")
"""How the name of a file of ours begins."""
ORPHAN_FILE, ORPHAN_COLLECTION = "orphan_file", "orphan_collection"
DEAD_REFERENCE, WRONG_COLLECTION, DUPLICATE_FILE = "dead_reference", "wrong_collection", "duplicate_file"
KINDS = (ORPHAN_FILE, ORPHAN_COLLECTION, DEAD_REFERENCE, WRONG_COLLECTION, DUPLICATE_FILE)
WORDS: Mapping[str, str] = {
    ORPHAN_FILE: "Datei bei xAI, von der hier niemand weiß",
    ORPHAN_COLLECTION: "Sammlung bei xAI, zu der kein Datensatz gehört",
    DEAD_REFERENCE: "hier vermerkt, bei xAI oder in EspoCRM aber nicht da",
    WRONG_COLLECTION: "Dokument in einer Sammlung, in die es nicht gehört",
    DUPLICATE_FILE: "derselbe Inhalt ein zweites Mal bei xAI",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be. Ids only. `about`: document, record or hash that it concerns."""

    kind: str
    about: str
    file_id: str = ""
    collection_id: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "kind": self.kind,
            "about": self.about,
            "file_id": self.file_id,
            "collection_id": self.collection_id,
            "text": WORDS[self.kind],
        }


@dataclass(frozen=True, slots=True)
class Remembered:
    """Our tables. `wanted`: document → records that it belongs to; `types`: record types that have collections."""

    files: Mapping[str, File]
    collections: Mapping[RecordKey, Collection]
    wanted: Mapping[str, frozenset[RecordKey]]
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class OutThere:
    """xAI and EspoCRM. `files`: id → name; `named`: collection id → name; `inside`: collection id → file ids.

    `shown`: the collection's id that a record shows; records that could not be read are not in it.
    """

    files: Mapping[str, str] = field(repr=False)
    named: Mapping[str, str]
    inside: Mapping[str, frozenset[str]]
    shown: Mapping[RecordKey, str]


def audit(known: Remembered, seen: OutThere) -> tuple[Finding, ...]:
    """All findings, the worst kind first."""
    found = [*_wrong(known, seen), *_stray_files(known, seen), *_stray_collections(known, seen), *_dead(known, seen)]
    order = (WRONG_COLLECTION, DUPLICATE_FILE, ORPHAN_FILE, ORPHAN_COLLECTION, DEAD_REFERENCE)
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), one.about, one.file_id, one.collection_id)))


def _wrong(known: Remembered, seen: OutThere) -> Iterable[Finding]:
    """A file of ours in a collection of ours for which none of its documents is wanted."""
    records = {one.collection_id: key for key, one in known.collections.items() if one.collection_id}
    by_id = {file.file_id: file for file in known.files.values() if file.file_id}
    for collection_id, inside in seen.inside.items():
        key = records.get(collection_id)
        for file_id in inside if key is not None else ():
            file = by_id.get(file_id)
            if key is not None and file is not None and not _belongs(known, file, key):
                yield Finding(WRONG_COLLECTION, str(key), file_id, collection_id)


def _belongs(known: Remembered, file: File, key: RecordKey) -> bool:
    placed = file.placements.get(key)
    return placed is not None and any(key in known.wanted.get(each, ()) for each in placed.documents)


def _stray_files(known: Remembered, seen: OutThere) -> Iterable[Finding]:
    """A second one of a content that we know is a double, any other one of ours an orphan."""
    remembered = {file.file_id for file in known.files.values() if file.file_id}
    under_way = {prefix_of(sha256) for sha256, file in known.files.items() if file.intent_at is not None}
    prefixes = {prefix_of(sha256) for sha256, file in known.files.items() if file.file_id}
    for file_id, name in seen.files.items():
        if file_id in remembered or not OURS.match(name) or name[:17] in under_way:
            continue
        yield Finding(DUPLICATE_FILE if name[:17] in prefixes else ORPHAN_FILE, name[:16], file_id)


def _stray_collections(known: Remembered, seen: OutThere) -> Iterable[Finding]:
    remembered = {one.collection_id for one in known.collections.values()}
    under_way = {collection_name(key) for key, one in known.collections.items() if one.intent_at is not None}
    for collection_id, name in seen.named.items():
        is_ours = name.partition("-")[0] in known.types and name not in under_way
        if is_ours and collection_id not in remembered:
            yield Finding(ORPHAN_COLLECTION, name.replace("-", "/", 1), collection_id=collection_id)


def _dead(known: Remembered, seen: OutThere) -> Iterable[Finding]:
    for sha256, file in known.files.items():
        if file.file_id and file.file_id not in seen.files:
            yield Finding(DEAD_REFERENCE, sha256[:16], file.file_id)
            continue
        for placed in file.placements.values():
            if _is_said_to_be_in(placed) and file.file_id not in seen.inside.get(placed.collection_id, ()):
                yield Finding(DEAD_REFERENCE, str(placed.record), file.file_id, placed.collection_id)
    for key, row in known.collections.items():
        if row.collection_id and row.collection_id not in seen.named:
            yield Finding(DEAD_REFERENCE, str(key), collection_id=row.collection_id)
        elif key in seen.shown and seen.shown[key] != row.collection_id:
            yield Finding(DEAD_REFERENCE, str(key), collection_id=seen.shown[key] or row.collection_id)


def _is_said_to_be_in(placed: Placement) -> bool:
    return placed.status not in (Indexing.ATTACHING, Indexing.LOST)
