"""Looks at our memory of one record without touching it: no fence is taken, so no running worker is disturbed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from recordsync.postgres.change import record_state
from synckit.ports import JournalEntry, RecordState
from synckit.postgres.pool import PostgresPool

_ONE = "entity = $1 AND left_id = $2"
_STATE = f"""
SELECT jsonb_build_object(
    'fence', coalesce((SELECT fence FROM guard WHERE {_ONE}), 0),
    'link', (SELECT to_jsonb(l) FROM link l WHERE {_ONE}),
    'base', (SELECT to_jsonb(b) FROM base b WHERE {_ONE}),
    'intent', (SELECT to_jsonb(i) FROM intent i WHERE {_ONE}),
    'parked', (SELECT to_jsonb(p) FROM parked p WHERE {_ONE}),
    'notes', (SELECT jsonb_agg(cause ORDER BY raised_at, cause) FROM note WHERE {_ONE}),
    'pending', (SELECT jsonb_agg(note ORDER BY id) FROM pending_note WHERE {_ONE}),
    'attempted', (SELECT fields FROM attempted WHERE {_ONE}),
    'rivals', (SELECT jsonb_agg(r.left_id ORDER BY r.left_id) FROM link l JOIN link r
               ON r.entity = l.entity AND r.right_id = l.right_id AND r.tombstone = 'duplicate'
               WHERE l.entity = $1 AND l.left_id = $2 AND l.tombstone = ''),
    'raised', (SELECT jsonb_object_agg(cause, raised_at) FROM note WHERE {_ONE})
)
"""  # noqa: S608 - the only thing put in is a constant
_JOURNAL = f"""
SELECT fence, at, step, field, side, rule, before_hash, after_hash, event_id, traceparent
FROM journal WHERE {_ONE} ORDER BY id DESC LIMIT $3
"""  # noqa: S608
_TIMES = {
    "link.created_at": ("link", "created_at"),
    "link.looked_at": ("link", "looked_at"),
    "base": ("base", "updated_at"),
    "parked": ("parked", "parked_at"),
}


class PostgresInspector:
    """Read only; RemoteUnavailable where the database is away."""

    def __init__(self, pool: PostgresPool, entity: str) -> None:
        self._pool = pool
        self._entity = entity

    async def record(self, left_id: str) -> tuple[RecordState, Mapping[str, datetime]]:
        """What is remembered, with the newest fence, and when: `link.created_at`, `link.looked_at`, `base`, `parked`,
        and one a cause of a note.
        """
        document = json.loads(await self._pool.fetch_value(_STATE, self._entity, left_id))
        told = {name: (document[part] or {}).get(column) for name, (part, column) in _TIMES.items()}
        times = {**told, **(document["raised"] or {})}
        state = replace(record_state(document), key=await self._pool.hash_key())
        return state, {name: datetime.fromisoformat(at) for name, at in times.items() if at}

    async def journal(self, left_id: str, limit: int) -> Sequence[tuple[int, JournalEntry]]:
        """(fence, entry), newest first. All entries of one look have one fence; values are hashes."""
        rows = await self._pool.fetch(_JOURNAL, self._entity, left_id, limit)
        return [(row["fence"], _entry(dict(row))) for row in rows]

    async def owner_of(self, right_id: str) -> str | None:
        """The left record whose live link has this right id."""
        found = await self._pool.fetch_value(
            "SELECT left_id FROM link WHERE entity = $1 AND right_id = $2 AND tombstone = ''", self._entity, right_id
        )
        return None if found is None else str(found)

    async def right_id_of(self, entity: str, left_id: str) -> str | None:
        """The right id of another entity's record (a child's parent), as far as its link is live."""
        found = await self._pool.fetch_value(
            "SELECT right_id FROM link WHERE entity = $1 AND left_id = $2 AND tombstone = ''", entity, left_id
        )
        return None if found is None else str(found)


def _entry(row: Mapping[str, object]) -> JournalEntry:
    at = row["at"]
    if not isinstance(at, datetime):
        raise AssertionError("a journal row has its time")
    names = ("step", "field", "side", "rule", "event_id", "traceparent")
    text = {name: str(row[name]) for name in names}
    return JournalEntry(at, before=str(row["before_hash"]), after=str(row["after_hash"]), **text)
