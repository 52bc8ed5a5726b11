"""What an act makes of a file's memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from document_sync.domain.memory import File, Placement, Transfer
from document_sync.domain.steps import Attach, Upload
from document_sync.domain.values import Indexing, RecordKey

EVER = datetime(2020, 1, 1, tzinfo=UTC)
"""Before any file of ours was at xAI: a search from then on finds all of them."""


def placed(file: File, placement: Placement) -> File:
    """The file with this placement. What is placed is needed."""
    return replace(file, placements={**file.placements, placement.record: placement}, unneeded_since=None)


def without(file: File, record: RecordKey) -> File:
    return replace(file, placements={key: one for key, one in file.placements.items() if key != record})


def announced(file: File, step: Attach) -> File:
    """Before it is attached: after a crash it is attached again, which changes nothing."""
    return placed(file, Placement(step.record, step.collection_id, step.documents, step.named))


def lost(file: File, *, is_file_gone: bool, record: RecordKey) -> File:
    """Somebody has deleted it at xAI: the file, and with it all of its places, or one place.

    A file counts as one that may be there still: it is looked for by its name before its bytes are sent again, and
    before it is forgotten. Whoever said twice that it is gone may have been wrong.
    """
    gone = [key for key in file.placements if is_file_gone or key == record]
    marked = {key: replace(file.placements[key], status=Indexing.LOST, due=None) for key in gone}
    placements = {**file.placements, **marked}
    if not is_file_gone:
        return replace(file, placements=placements)
    return replace(file, file_id="", intent_at=EVER, placements=placements)


def forgotten(file: File) -> File:
    """Deleted at xAI by us."""
    return replace(file, file_id="", intent_at=None, unneeded_since=None, placements={})


def released(file: File, now: datetime) -> File:
    return replace(file, unneeded_since=now)


def attach_transfers(step: Attach, file: File, event: str, now: datetime) -> Sequence[Transfer]:
    """A row for each document that it stands for."""
    return [
        Transfer(each, step.record, file.sha256, file.size, step.collection_id, event, now) for each in step.documents
    ]


def upload_transfers(
    step: Upload, document: str, size: int, targets: dict[RecordKey, str], told: tuple[str, datetime]
) -> Sequence[Transfer]:
    """A row for each record that the bytes are sent for. `told`: the event and the time."""
    event, now = told
    return [Transfer(document, key, step.sha256, size, targets.get(key, ""), event, now) for key in step.records]


def is_needed_without(file: File, record: RecordKey) -> bool:
    """Another active record holds it, or is about to."""
    others = any(key != record for key in file.placements)
    return others or any(one.sha256 == file.sha256 and one.wanted - {record} for one in file.standings)
