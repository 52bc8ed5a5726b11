"""Our memory of one entity's records in PostgreSQL: one function of the database, so one round trip, a call."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from recordsync.postgres.change import (
    as_link,
    attempted_document,
    commit_document,
    keyed_hash,
    note_document,
    record_state,
)
from synckit.errors import Ambiguous, StaleVersion
from synckit.ports import WAITS_FOR_PARENT, Attempted, Commit, Intent, Link, PendingNote, RecordState
from synckit.postgres.codec import to_json
from synckit.postgres.pool import PostgresPool, json_text


class PostgresLinkStore:
    """Implements `ports.LinkStore`. `load` is called while the lock is held; older fences are refused after it."""

    def __init__(self, pool: PostgresPool, entity: str) -> None:
        self._pool = pool
        self._entity = entity

    async def load(self, left_id: str) -> RecordState:
        """All that we remember, and a fence that refuses every writer that loaded before."""
        answer = await self._pool.fetch_value("SELECT load_record($1, $2)", self._entity, left_id)
        return replace(record_state(json.loads(answer)), key=await self._pool.hash_key())

    async def declare(self, intent: Intent, fence: int) -> None:
        """StaleVersion where a newer fence was taken, an intent stands already, or the record has been linked."""
        outcome = await self._pool.fetch_value(
            "SELECT declare_intent($1, $2, $3, $4::text::jsonb, $5)",
            self._entity,
            intent.left_id,
            fence,
            json_text(to_json(intent.fingerprint)),
            intent.declared_at,
            writes=True,
        )
        self._accept(outcome, intent.left_id)

    async def announce(
        self, left_id: str, notes: Sequence[PendingNote], attempted: Sequence[Attempted], fence: int
    ) -> None:
        outcome = await self._pool.fetch_value(
            "SELECT announce($1, $2, $3, $4::text::jsonb, $5::text::jsonb)",
            self._entity,
            left_id,
            fence,
            json_text([note_document(note) for note in notes]),
            json_text([attempted_document(each) for each in attempted]),
            writes=True,
        )
        self._accept(outcome, left_id)

    async def commit(self, change: Commit) -> None:
        key = await self._pool.hash_key() if change.journal else b""
        document = commit_document(change, keyed_hash(key, self._entity, change.left_id))
        outcome = await self._pool.fetch_value(
            "SELECT commit_record($1, $2, $3, $4::text::jsonb)",
            self._entity,
            change.left_id,
            change.fence,
            json_text(document),
            writes=True,
        )
        self._accept(outcome, change.left_id)

    async def linked(self, right_ids: Collection[str]) -> Mapping[str, str]:
        rows = await self._pool.fetch(
            "SELECT right_id, left_id FROM link WHERE entity = $1 AND right_id = ANY($2) AND tombstone = ''",
            self._entity,
            list(right_ids),
        )
        return {row["right_id"]: row["left_id"] for row in rows}

    async def peek(self, left_id: str) -> Link | None:
        rows = await self._pool.fetch(
            "SELECT to_jsonb(l)::text AS link FROM link l WHERE entity = $1 AND left_id = $2", self._entity, left_id
        )
        return as_link(json.loads(rows[0]["link"])) if rows else None

    async def known(self, right_ids: Collection[str]) -> Sequence[Link]:
        rows = await self._pool.fetch(
            "SELECT to_jsonb(l)::text AS link FROM link l WHERE entity = $1 AND right_id = ANY($2) ORDER BY left_id",
            self._entity,
            list(right_ids),
        )
        return [as_link(json.loads(row["link"])) for row in rows]

    async def family(self, parent_id: str, right_ids: Collection[str]) -> Sequence[str]:
        rows = await self._pool.fetch(
            "SELECT left_id FROM parked WHERE entity = $1 AND reason = $2 AND message = $3 "
            "UNION SELECT left_id FROM link WHERE cardinality($4::text[]) > 0 AND entity = $1 "
            "AND split_part(right_id, '/', 1) = ANY($4) ORDER BY left_id",
            self._entity,
            WAITS_FOR_PARENT,
            parent_id,
            list(right_ids),
        )
        return [row["left_id"] for row in rows]

    def _accept(self, outcome: str, left_id: str) -> None:
        record = f"{self._entity} {left_id}"
        word, _, rival = outcome.partition(" ")
        if word == "taken":
            raise Ambiguous(f"{record}: its right record is linked to another", (rival,))
        if word != "ok":
            raise StaleVersion(f"{record}: {_REFUSALS[word]}")


_REFUSALS = {
    "stale": "a newer worker has taken over",
    "intent": "an intent stands already",
    "linked": "it has been linked meanwhile",
}
