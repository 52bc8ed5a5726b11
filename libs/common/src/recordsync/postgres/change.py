"""What the store's functions take and answer, as JSON: a commit on its way in, a record's state on its way out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from synckit.ports import Attempted, Commit, Intent, JournalEntry, Link, Parked, PendingNote, RecordState
from synckit.postgres.codec import from_json, to_json
from synckit.reconcile.plan import Base

Hash = Callable[[str, str], str]
"""(field, value) → its keyed hash."""


def keyed_hash(key: bytes, entity: str, left_id: str) -> Hash:
    """Equal values of one field of one record hash alike, and nothing else does: no dictionary over the journal."""

    def of(field: str, value: str) -> str:
        if not value:
            return ""
        text = "\x00".join((entity, left_id, field, value)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=key, digest_size=16).hexdigest()

    return of


def commit_document(change: Commit, hashed: Hash) -> dict[str, Any]:
    """Parts that shall stay as they are have no key."""
    parts: dict[str, Any] = {
        "link": change.link and _link_document(change.link),
        "base": change.base and {"left": to_json(change.base.left), "right": to_json(change.base.right)},
        "attempted": [attempted_document(each) for each in change.attempted],
        "park": change.park and parked_document(change.park),
        "looked_at": change.looked_at and change.looked_at.isoformat(),
        "raise_notes": list(change.raise_notes),
        "clear_notes": list(change.clear_notes),
        "journal": [_journal_document(entry, hashed) for entry in change.journal],
        "drop_intent": change.drop_intent,
        "unpark": change.unpark,
        "forget": change.forget,
    }
    return {"at": change.at.isoformat()} | {name: part for name, part in parts.items() if part}


def parked_document(parked: Parked) -> dict[str, Any]:
    return {
        "attempts": parked.attempts,
        "due_at": parked.due_at.isoformat(),
        "reason": to_json(parked.reason),
        "message": parked.message.replace("\x00", ""),
    }


def note_document(note: PendingNote) -> dict[str, Any]:
    lost = {"lost": to_json(note.lost)} if note.lost is not None else {}
    return lost | {
        "cause": note.cause,
        "text": to_json(note.text),
        "marker": note.marker,
        "owner_id": note.owner_id,
        "field": note.field,
        "side": note.side,
        "expected": to_json(note.expected),
    }


def attempted_document(attempted: Attempted) -> dict[str, Any]:
    sent = {"at": attempted.at.isoformat()} if attempted.at else {}
    return sent | {
        "field": attempted.field,
        "side": attempted.side,
        "left": to_json(attempted.left),
        "right": to_json(attempted.right),
    }


def record_state(document: Mapping[str, Any]) -> RecordState:
    """What `load_record` answered."""
    return RecordState(
        fence=document["fence"],
        link=as_link(document["link"]) if document["link"] else None,
        base=_base(document["base"]) if document["base"] else Base(),
        intent=_intent(document["intent"]) if document["intent"] else None,
        parked=_parked(document["parked"]) if document["parked"] else None,
        notes=frozenset(document["notes"] or ()),
        pending=tuple(_pending(from_json(note)) for note in document["pending"] or ()),
        attempted=tuple(_attempted(from_json(each)) for each in document["attempted"] or ()),
        rivals=tuple(document["rivals"] or ()),
        looked_at=_looked_at(document),
        at=_time(document.get("at")),
    )


def _looked_at(document: Mapping[str, Any]) -> datetime | None:
    """A row that says "later than now" is of a clock that was wrong: as good as now, and never news."""
    if not document["link"]:
        return None
    told, at = datetime.fromisoformat(document["link"]["looked_at"]), _time(document.get("at"))
    return min(told, at) if at else told


def _pending(document: Mapping[str, Any]) -> PendingNote:
    """What a newer worker wrote down in addition is none of ours."""
    return PendingNote(**{name: value for name, value in document.items() if name in _NOTE})


_NOTE = frozenset(each.name for each in fields(PendingNote))


def _link_document(link: Link) -> dict[str, Any]:
    return {
        "right_id": link.right_id,
        "right_version": link.right_version,
        "left_changed_at": link.left_changed_at and link.left_changed_at.isoformat(),
        "tombstone": link.tombstone,
        "owner_id": link.owner_id,
        "left_seen_at": link.left_seen_at and link.left_seen_at.isoformat(),
        "right_changed_at": link.right_changed_at and link.right_changed_at.isoformat(),
        "left_written_by": link.left_written_by,
        "seen_before": list(link.seen_before),
    }


def _journal_document(entry: JournalEntry, hashed: Hash) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "step": entry.step,
        "field": entry.field,
        "side": entry.side,
        "rule": entry.rule,
        "before": hashed(entry.field, entry.before),
        "after": hashed(entry.field, entry.after),
        "event_id": entry.event_id,
        "traceparent": entry.traceparent,
    }


def as_link(row: Mapping[str, Any]) -> Link:
    """A row of the table, as JSON."""
    return Link(
        left_id=row["left_id"],
        right_id=row["right_id"],
        right_version=row["right_version"],
        left_changed_at=_time(row["left_changed_at"]),
        tombstone=row["tombstone"],
        owner_id=row["owner_id"],
        left_seen_at=_time(row["left_seen_at"]),
        right_changed_at=_time(row["right_changed_at"]),
        left_written_by=row["left_written_by"],
        seen_before=tuple(row.get("seen_before") or ()),
    )


def _time(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _base(row: Mapping[str, Any]) -> Base:
    return Base(left=from_json(row["left_values"]), right=from_json(row["right_values"]))


def _attempted(row: Mapping[str, Any]) -> Attempted:
    return Attempted(row["field"], row["side"], row["left"], row["right"], _time(row.get("at")))


def _intent(row: Mapping[str, Any]) -> Intent:
    return Intent(row["left_id"], from_json(row["fingerprint"]), datetime.fromisoformat(row["declared_at"]))


def _parked(row: Mapping[str, Any]) -> Parked:
    due_at = datetime.fromisoformat(row["due_at"])
    return Parked(row["left_id"], row["attempts"], due_at, row["reason"], row["message"])
