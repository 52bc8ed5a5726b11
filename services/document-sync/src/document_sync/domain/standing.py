"""What stands for a document by now, and which of its files a look must see. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from document_sync.domain.look import Look
from document_sync.domain.memory import NOTHING, Document, File, Standing
from document_sync.domain.values import DocumentState, Indexing, RecordKey, StoredFile, Unusable
from document_sync.domain.wanted import active, wanted_collections
from document_sync.domain.words import INDEXING, REFUSED

MAY_COME_BACK = frozenset({"gone"})
"""Reasons against an attachment that may pass without a new one."""


def asked_by_person(look: Look) -> bool:
    """Somebody has set `pending_sync` on a failed document: everything is tried once more."""
    shown = look.view.shown if look.view and not look.is_light else {}
    return look.document.state is DocumentState.FAILED and shown.get("xaiSyncStatus") == DocumentState.PENDING


def wanted_now(look: Look) -> frozenset[RecordKey]:
    """Nothing without a file; a document that is gone has none."""
    return wanted_collections(look.links, active(look.collections)) if look.attachment else NOTHING


def is_to_be_fetched(look: Look) -> bool:
    """Bytes that nobody has hashed, and that something needs. An attachment never changes: a new file is a new one."""
    known = look.document
    if look.content is not None or not wanted_now(look):
        return False
    if known.attachment != look.attachment:
        return True
    may_try = known.reason in MAY_COME_BACK and (known.due is None or known.due <= look.now)
    return not known.sha256 and (may_try or asked_by_person(look))


def standing_row(look: Look) -> Document:
    """The document as others who share its file must see it."""
    known, wanted = look.document, wanted_now(look)
    row = replace(known, wanted=wanted)
    if isinstance(look.content, Unusable):
        return replace(row, attachment=look.attachment, sha256="", md5="", size=0, reason=look.content.reason)
    if isinstance(look.content, StoredFile):
        return _with_bytes(row, look.content)
    if look.attachment != known.attachment:
        # No collection wants it, so that its bytes are not even read.
        return replace(row, attachment="", sha256="", md5="", size=0, content_type="", reason="")
    return row


def _with_bytes(row: Document, content: StoredFile) -> Document:
    is_new = row.sha256 != content.sha256
    return replace(
        row,
        attachment=content.attachment,
        sha256=content.sha256,
        md5=content.md5,
        size=content.size,
        content_type=content.content_type,
        version=row.version + 1 if is_new else row.version,
        # Other bytes get their own three tries.
        reason="" if is_new or row.reason in MAY_COME_BACK else row.reason,
    )


def is_blocked(look: Look, row: Document) -> bool:
    """xAI refused these very bytes, and nothing has changed since."""
    if look.refusal is not None:
        return True
    if not row.reason.startswith(REFUSED) or asked_by_person(look):
        return False
    return row.due is not None and row.due > look.now


def with_standing(file: File, row: Document, settled: frozenset[RecordKey]) -> File:
    """The file with what stands for this document in place of what others read of it before."""
    mine = Standing(row.id, row.sha256, row.wanted, settled, row.version)
    others = tuple(one for one in file.standings if one.id != row.id)
    return replace(file, standings=(*others, mine))


def settled_for(look: Look, row: Document) -> frozenset[RecordKey]:
    """Where the document's present bytes can be found, or never will be: the bytes before may go there."""
    if not row.sha256 or is_blocked(look, row):
        return row.wanted
    file: Mapping[RecordKey, object] = {}
    if row.sha256 in look.files:
        placements = look.files[row.sha256].placements
        file = {key: one for key, one in placements.items() if row.id in one.documents and one.status.is_settled}
    return frozenset(file) & row.wanted


def outcome(look: Look, row: Document, files: Mapping[str, File]) -> tuple[DocumentState, str]:
    """State and reason, once nothing more can be done in this look."""
    if look.view is None or not row.wanted:
        return DocumentState.NO_SYNC, ""
    if not row.sha256:
        return DocumentState.FAILED, row.reason or "gone"
    if is_blocked(look, row):
        return DocumentState.FAILED, f"{REFUSED}{look.refusal.status}" if look.refusal else row.reason
    file = files.get(row.sha256) or File(row.sha256)
    mine = [file.placements.get(key) for key in row.wanted]
    if any(one is not None and one.status is Indexing.FAILED for one in mine):
        return DocumentState.FAILED, INDEXING
    if all(one is not None and one.status is Indexing.PROCESSED and row.id in one.documents for one in mine):
        return DocumentState.CLEAN, ""
    return DocumentState.PENDING, ""
