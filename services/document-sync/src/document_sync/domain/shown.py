"""Our fields of a document in EspoCRM. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from document_sync.domain.memory import Document, File, digest
from document_sync.domain.values import DocumentState, Indexing
from document_sync.domain.words import reason_text, with_message

FIELDS = (
    "md5sum",
    "sha256",
    "fileStatus",
    "xaiId",
    "xaiCollections",
    "xaiSyncedHash",
    "xaiSyncStatus",
    "xaiSyncError",
)
ERROR = "xaiSyncError"


def wished(document: Document, files: Mapping[str, File], message: str) -> Mapping[str, Any]:
    """What EspoCRM shall show. `message`: what xAI said. `fileStatus` is left alone where nothing was ever hashed."""
    file = files.get(document.sha256) or File(document.sha256)
    mine = [one for one in file.placements.values() if document.id in one.documents]
    placed = [one for one in mine if one.status not in (Indexing.ATTACHING, Indexing.LOST)]
    told: dict[str, Any] = {
        "md5sum": document.md5 or None,
        "sha256": document.sha256 or None,
        "xaiId": file.file_id if placed and file.file_id else None,
        "xaiCollections": sorted(one.collection_id for one in placed),
        "xaiSyncedHash": document.synced_sha256 or None,
        "xaiSyncStatus": str(document.state),
        ERROR: with_message(document.reason, message) or None,
    }
    if document.sha256:
        told["fileStatus"] = status_of(document)
    return told


def status_of(document: Document) -> str:
    """`new`, `changed` or `synced`."""
    if not document.synced_sha256:
        return "new"
    is_synced = document.synced_sha256 == document.sha256 and document.state is DocumentState.CLEAN
    return "synced" if is_synced else "changed"


def to_write(wish: Mapping[str, Any], shown: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
    """What differs. An error that says the same with xAI's words behind it is left as it is: they are not kept."""
    return {
        name: value
        for name, value in wish.items()
        if not _is_same(value, shown.get(name)) and not (name == ERROR and _says_so(shown.get(name), reason))
    }


def shown_digest(key: bytes, wish: Mapping[str, Any]) -> str:
    """By which a look from memory knows that nothing has to be written. Without the error, whose words are not kept."""
    return digest(key, *(f"{name}={wish[name]}" for name in sorted(wish) if name != ERROR))


def _is_same(one: Any, other: Any) -> bool:
    """EspoCRM shows nothing as null, "" or an empty list."""
    if isinstance(one, list):
        return one == sorted(str(each) for each in other or [])
    return (one or None) == (other or None)


def _says_so(error: Any, reason: str) -> bool:
    text = reason_text(reason)
    return bool(text) and isinstance(error, str) and error.startswith(text)
