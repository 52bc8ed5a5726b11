"""What one file needs, as far as one document is concerned. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from document_sync.domain.indexing import is_to_be_asked
from document_sync.domain.look import Look
from document_sync.domain.memory import Document, File, Placement
from document_sync.domain.naming import fields_of, file_name, named
from document_sync.domain.standing import asked_by_person, is_blocked
from document_sync.domain.steps import (
    Ask,
    Attach,
    DeleteFile,
    Detach,
    Fetch,
    FindUpload,
    ReadName,
    Reindex,
    Release,
    Step,
    Upload,
)
from document_sync.domain.values import Indexing, Phase, RecordKey, StoredFile
from document_sync.domain.wanted import documents_for, leader


def file_steps(look: Look, row: Document, file: File) -> list[Step]:
    """New places first, old ones last. A file that is not wanted any more is let go."""
    places = [key for key in sorted({*file.placements, *_wanted(row, file)}) if _concerns(look, key, file)]
    kept = [key for key in places if documents_for(key, file)]
    ready = [key for key in kept if key in look.collections and look.collections[key].is_ready]
    left = [key for key in places if key not in kept and key in file.placements]
    steps: list[Step] = []
    if ready and not (file.sha256 == row.sha256 and is_blocked(look, row)):
        steps += _there(look, row, file, ready)
    steps += [Detach(file.sha256, key) for key in left]
    return [*steps, *_let_go(look, file, left)]


def _wanted(row: Document, file: File) -> frozenset[RecordKey]:
    return row.wanted if row.sha256 == file.sha256 else frozenset()


def _concerns(look: Look, key: RecordKey, file: File) -> bool:
    """Places of other documents are their own looks' affair."""
    placed = file.placements.get(key)
    return look.document.id in documents_for(key, file) or (placed is not None and _names_it(look, placed))


def _names_it(look: Look, placed: Placement) -> bool:
    return look.document.id in placed.documents


def _there(look: Look, row: Document, file: File, ready: Sequence[RecordKey]) -> list[Step]:
    """The file is with xAI, once; then each of its places."""
    if not file.file_id:
        return [_upload(look, row, file, ready)] if file.sha256 == row.sha256 else []
    return [step for key in ready for step in _placed(look, row, file, key)]


def _upload(look: Look, row: Document, file: File, ready: Sequence[RecordKey]) -> Step:
    if file.intent_at is not None:
        return FindUpload(file.sha256)
    if isinstance(look.content, StoredFile):
        name = look.view.name if look.view else ""
        return Upload(file.sha256, file_name(file.sha256, name), tuple(ready))
    return Fetch(row.attachment)


def _placed(look: Look, row: Document, file: File, key: RecordKey) -> list[Step]:
    placed, documents = file.placements.get(key), documents_for(key, file)
    first = leader(documents, file)
    if placed is not None and placed.collection_id != look.collections[key].collection_id:
        placed = None  # The collection was made anew; what was in the one before is gone with it.
    name = _name(look, first)
    wish = None if name is None else fields_of(key, documents, file, name)
    mark = "" if wish is None else named(look.key, wish)
    # What only waits for its successor keeps the name and the version that it has.
    may_rename = first == row.id and file.sha256 == row.sha256
    is_renamed = bool(placed and mark and placed.named != mark and may_rename)
    if placed is not None and placed.documents == documents and not is_renamed and _is_in(placed):
        return _indexed(look, placed, file.sha256)
    if wish is None:
        return [ReadName(first)]
    collection_id = look.collections[key].collection_id
    attach = Attach(file.sha256, key, collection_id, documents, wish, mark)
    # Fields can't be changed at xAI: it goes out and in again, without bytes.
    goes_first = placed is not None and placed.status is not Indexing.LOST and (is_renamed or _differs(placed, attach))
    return [Detach(file.sha256, key), attach] if goes_first else [attach]


def _differs(placed: Placement, attach: Attach) -> bool:
    return placed.documents != attach.documents or placed.named != attach.named


def _is_in(placed: Placement) -> bool:
    return placed.status not in (Indexing.ATTACHING, Indexing.LOST)


def _name(look: Look, document: str) -> str | None:
    """None where it has to be read first."""
    if document == look.document.id:
        return None if look.is_light or look.view is None else look.view.name
    return look.names.get(document)


def _indexed(look: Look, placed: Placement, sha256: str) -> list[Step]:
    if placed.status is Indexing.FAILING and (placed.due is None or placed.due <= look.now):
        return [Reindex(sha256, placed.record)]
    if placed.status is Indexing.FAILED and asked_by_person(look):
        return [Reindex(sha256, placed.record, afresh=True)]
    return [Ask(sha256, placed.record)] if is_to_be_asked(placed, look.now) else []


def _let_go(look: Look, file: File, left: Sequence[RecordKey]) -> list[Step]:
    """Nothing holds it any more. What a person took back goes at once, the rest is kept for a while."""
    remaining = replace(file, placements={key: one for key, one in file.placements.items() if key not in left})
    is_wanted = any(one.sha256 == file.sha256 and one.wanted for one in file.standings)
    if remaining.placements or is_wanted or not file.is_out:
        return []
    closed = [key for key in look.links if key in look.collections and look.collections[key].phase is Phase.CLOSED]
    if closed:
        return [DeleteFile(file.sha256)]
    return [Release(file.sha256)] if file.unneeded_since is None else []
