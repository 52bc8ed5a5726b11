"""Which collections a document must be in: links and switches, nothing else. Pure."""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Mapping

from document_sync.domain.memory import Collection, File
from document_sync.domain.values import RecordKey


def wanted_collections(links: Some[RecordKey], switches: Mapping[RecordKey, bool]) -> frozenset[RecordKey]:
    """Linked records that are switched on. One whose switch nobody knows is not."""
    return frozenset(key for key in links if switches.get(key, False))


def active(collections: Mapping[RecordKey, Collection]) -> Mapping[RecordKey, bool]:
    """The switches as our own table has them."""
    return {key: one.is_active for key, one in collections.items()}


def documents_for(record: RecordKey, file: File) -> tuple[str, ...]:
    """The documents that stand for a file in one collection, sorted.

    Those whose bytes these are; and those whose bytes these were, until the new ones can be found there (or never
    will): so there is no moment in which a search finds neither.
    """
    placed = file.placements.get(record)
    before = frozenset(placed.documents) if placed else frozenset()
    here = [one for one in file.standings if record in one.wanted]
    return tuple(
        sorted(
            one.id
            for one in here
            if one.sha256 == file.sha256 or (one.id in before and one.sha256 and record not in one.settled)
        )
    )


def leader(documents: tuple[str, ...], file: File) -> str:
    """The document whose name and version the file has: the first of those whose bytes these are, else the first."""
    current = {one.id for one in file.standings if one.sha256 == file.sha256}
    return next((one for one in documents if one in current), documents[0] if documents else "")
