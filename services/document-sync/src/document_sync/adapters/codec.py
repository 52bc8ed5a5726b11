"""Frozen values ↔ what the tables hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from document_sync.domain.memory import Collection, Document, File, Placement, Standing, Transfer
from document_sync.domain.values import DocumentState, Indexing, Phase, RecordKey, Switch


def parsed(value: Any) -> Any:
    """asyncpg hands jsonb over as a text."""
    return json.loads(value) if isinstance(value, str) else value


def document_json(row: Document) -> dict[str, Any]:
    return {
        "id": row.id,
        "attachment": row.attachment,
        "sha256": row.sha256,
        "md5": row.md5,
        "size": row.size,
        "content_type": row.content_type,
        "version": row.version,
        "wanted": sorted(map(str, row.wanted)),
        "state": str(row.state),
        "reason": row.reason,
        "synced_sha256": row.synced_sha256,
        "due": _text(row.due),
        "tries": row.tries,
        "looked_at": _text(row.looked_at),
        "notes": sorted(row.notes),
        "shown": row.shown,
    }


def document_of(told: Mapping[str, Any], fence: int) -> Document:
    plain = ("id", "attachment", "sha256", "md5", "size", "content_type", "version", "reason", "synced_sha256", "tries")
    return Document(
        **{name: told[name] for name in (*plain, "shown")},
        fence=fence,
        wanted=_keys(told["wanted"]),
        state=DocumentState(told["state"]),
        due=_time(told["due"]),
        looked_at=_time(told["looked_at"]),
        notes=frozenset(told["notes"]),
    )


def collection_json(row: Collection) -> dict[str, Any]:
    return {
        "record": str(row.key),
        "switch": str(row.switch),
        "phase": str(row.phase),
        "collection_id": row.collection_id,
        "withdrawn": row.withdrawn,
        "intent_at": _text(row.intent_at),
        "wished_at": _text(row.wished_at),
        "is_held": row.is_held,
        "closed_at": _text(row.closed_at),
        "asked_at": _text(row.asked_at),
        "looked_at": _text(row.looked_at),
        "due": _text(row.due),
        "tries": row.tries,
        "reason": row.reason,
        "notes": sorted(row.notes),
    }


def collection_of(told: Mapping[str, Any], fence: int) -> Collection:
    plain = ("collection_id", "withdrawn", "is_held", "tries", "reason")
    times = ("intent_at", "wished_at", "closed_at", "asked_at", "looked_at", "due")
    values: dict[str, Any] = {name: told[name] for name in plain}
    values |= {name: _time(told[name]) for name in times}
    return Collection(
        key=RecordKey.of(told["record"]),
        fence=fence,
        switch=Switch(told["switch"]),
        phase=Phase(told["phase"]),
        notes=frozenset(told["notes"]),
        **values,
    )


def file_json(file: File) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "file_id": file.file_id,
        "size": file.size,
        "intent_at": _text(file.intent_at),
        "unneeded_since": _text(file.unneeded_since),
        "asked_at": _text(file.asked_at),
    }


def placement_json(sha256: str, placed: Placement) -> dict[str, Any]:
    return {
        "sha256": sha256,
        "record": str(placed.record),
        "collection_id": placed.collection_id,
        "documents": list(placed.documents),
        "named": placed.named,
        "status": str(placed.status),
        "tries": placed.tries,
        "due": _text(placed.due),
        "attached_at": _text(placed.attached_at),
        "asked_at": _text(placed.asked_at),
    }


def transfer_json(sent: Sequence[Transfer]) -> list[dict[str, Any]]:
    return [
        {
            "document": one.document,
            "record": str(one.record),
            "bytes": one.size,
            "collection_id": one.collection_id,
            "event": one.event,
        }
        for one in sent
    ]


def file_of(told: Mapping[str, Any], fence: int = 0) -> File:
    """Of what the function `files` answers."""
    row = told["file"] or {}
    placements = [_placement(each) for each in told["placements"]]
    return File(
        told["sha256"],
        fence,
        row.get("file_id", ""),
        row.get("size", 0),
        intent_at=_time(row.get("intent_at")),
        unneeded_since=_time(row.get("unneeded_since")),
        asked_at=_time(row.get("asked_at")),
        placements={one.record: one for one in placements},
        standings=tuple(sorted(map(_standing, told["standings"]), key=lambda one: one.id)),
    )


def _placement(told: Mapping[str, Any]) -> Placement:
    return Placement(
        RecordKey.of(told["record"]),
        told["collection_id"],
        tuple(told["documents"]),
        told["named"],
        Indexing(told["status"]),
        told["tries"],
        _time(told["due"]),
        _time(told["attached_at"]),
        _time(told["asked_at"]),
    )


def _standing(told: Mapping[str, Any]) -> Standing:
    return Standing(told["id"], told["sha256"], _keys(told["wanted"]), _keys(told["settled"]), told["version"])


def _keys(texts: Sequence[str]) -> frozenset[RecordKey]:
    return frozenset(map(RecordKey.of, texts))


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(told: Any) -> datetime | None:
    return datetime.fromisoformat(told) if isinstance(told, str) else told
