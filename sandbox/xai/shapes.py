"""What an answer shows of files, collections and documents. 64-bit numbers are texts, as in the contract."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sandbox.xai.indexing import FAILED, PREFIX, PROCESSED
from sandbox.xai.world import Collection, Document, File

CHUNK_CHARS = 800


def moment(seconds: float | None) -> str | None:
    """RFC 3339 with microseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def file_row(file: File, shape: str = "id") -> dict[str, Any]:
    """In one of the two shapes that xAI's pages have."""
    if shape == "file_id":
        return metadata_row(file)
    row: dict[str, Any] = {
        "id": file.id,
        "object": "file",
        "bytes": len(file.content),
        "created_at": int(file.created_at),
        "expires_at": None if file.expires_at is None else int(file.expires_at),
        "filename": file.name,
        "purpose": file.purpose,
    }
    return row if file.public_url is None else {**row, "public_url": file.public_url, "public_url_expires_at": None}


def metadata_row(file: File) -> dict[str, Any]:
    """`file_metadata` of a document. The hash is 64 hex digits, as xAI's is (there by BLAKE3)."""
    return {
        "file_id": file.id,
        "name": file.name,
        "size_bytes": str(len(file.content)),
        "content_type": file.content_type,
        "created_at": moment(file.created_at),
        "expires_at": moment(file.expires_at),
        "hash": hashlib.blake2s(file.content).hexdigest(),
        "upload_status": "Complete",
        "processing_status": "Complete",
        "file_path": "",
    }


def collection_row(collection: Collection) -> dict[str, Any]:
    total = sum(len(document.file.content) for document in collection.documents.values())
    row = {
        "collection_id": collection.id,
        "collection_name": collection.name,
        "created_at": moment(collection.created_at),
        "index_configuration": collection.settings.get("index_configuration", {"model_name": "grok-embedding-small"}),
        "chunk_configuration": collection.settings.get("chunk_configuration"),
        "documents_count": len(collection.documents),
        "field_definitions": collection.field_definitions,
        "total_file_size": str(total),
    }
    return {**row, "collection_description": collection.description} if collection.description else row


def document_row(document: Document, now: float) -> dict[str, Any]:
    status = document.run.status(now)
    row: dict[str, Any] = {
        "file_metadata": metadata_row(document.file),
        "fields": dict(document.fields),
        "status": PREFIX + status,
        "last_indexed_at": moment(document.run.ended(now)),
    }
    if status == FAILED:
        row["error_message"] = document.run.rule.fail
    if status == PROCESSED:
        row["chunk_count"] = max(1, len(document.file.content) // CHUNK_CHARS)
    return row


def document_values(document: Document, now: float) -> dict[str, Any]:
    """What a filter of documents sees."""
    values: dict[str, Any] = {
        "file_id": document.file.id,
        "name": document.file.name,
        "size_bytes": len(document.file.content),
        "content_type": document.file.content_type,
        "status": PREFIX + document.run.status(now),
        "created_at": moment(document.file.created_at),
    }
    return values | {f"fields.{key}": value for key, value in document.fields.items()}
