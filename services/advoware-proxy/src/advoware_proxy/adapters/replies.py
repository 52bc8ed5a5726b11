"""First answers to POSTs in PostgreSQL: client data, for a day. One statement claims, so two can't both be first.

A row without a status is claimed or sent, which is told by how long it stays: seconds, or the day of an answer.
Each step names its claim, so that whoever has lost it changes nothing.
"""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from advoware_proxy.domain.calls import KeptReply
from advoware_proxy.handlers.ports import Claim, Claimed
from synckit.postgres.pool import PostgresPool, json_text

CLAIMED = timedelta(seconds=10)
"""As long as it takes to get a token and the audit's line. A claim that outlives it may be taken over."""
# Whoever finds a live row reads it in the same statement; a row that has expired is taken over. The time is the
# database's: replicas whose clocks differ must not take a claim that another still holds.
_CLAIM = """
WITH mine AS (
    INSERT INTO proxy_idempotency AS p (key_id, request_key, fingerprint, claim, begun_at, expires_at)
    VALUES ($1, $2, $3, $4, now(), now() + $5::interval)
    ON CONFLICT (key_id, request_key) DO UPDATE SET fingerprint = excluded.fingerprint, claim = excluded.claim,
        begun_at = excluded.begun_at, expires_at = excluded.expires_at, status = NULL, headers = NULL, body = NULL
    WHERE p.expires_at <= excluded.begun_at
    RETURNING true
)
SELECT EXISTS (SELECT FROM mine) AS fresh, p.fingerprint, p.status, p.headers::text, p.body
FROM (SELECT) one LEFT JOIN proxy_idempotency p ON p.key_id = $1 AND p.request_key = $2
"""


class PostgresReplies:
    """`handlers.ports.Replies`."""

    def __init__(self, pool: PostgresPool, *, kept: timedelta, claimed: timedelta = CLAIMED) -> None:
        self._pool = pool
        self._kept = kept
        self._claimed = claimed

    async def hash_key(self) -> bytes:
        return await self._pool.hash_key()

    async def claim(self, claim: Claim) -> Claimed:
        rows = await self._pool.fetch(
            _CLAIM,
            claim.key_id,
            claim.request_key,
            claim.fingerprint,
            UUID(claim.owner),
            self._claimed,
            writes=True,
        )
        row = rows[0]
        if row["fresh"]:
            return Claimed("fresh")
        if row["fingerprint"] is None:
            return Claimed("busy")  # another claimed it while we asked: our snapshot is older than its row
        if not hmac.compare_digest(bytes(row["fingerprint"]), claim.fingerprint):
            return Claimed("other")
        return Claimed("busy") if row["status"] is None else Claimed("kept", _reply(row))

    async def sending(self, claim: Claim) -> bool:
        return bool(
            await self._pool.fetch_value(
                "UPDATE proxy_idempotency SET expires_at = now() + $4::interval "
                "WHERE key_id = $1 AND request_key = $2 AND claim = $3 AND status IS NULL RETURNING true",
                *_of(claim),
                self._kept,
                writes=True,
            )
        )

    async def keep(self, claim: Claim, reply: KeptReply) -> None:
        await self._pool.fetch(
            "UPDATE proxy_idempotency SET status = $4, headers = $5::jsonb, body = $6 "
            "WHERE key_id = $1 AND request_key = $2 AND claim = $3",
            *_of(claim),
            reply.status,
            json_text(dict(reply.headers)),
            reply.body,
            writes=True,
        )

    async def release(self, claim: Claim) -> None:
        await self._pool.fetch(
            "DELETE FROM proxy_idempotency WHERE key_id = $1 AND request_key = $2 AND claim = $3 AND status IS NULL",
            *_of(claim),
            writes=True,
        )


def _of(claim: Claim) -> tuple[str, bytes, UUID]:
    return claim.key_id, claim.request_key, UUID(claim.owner)


def _reply(row: Any) -> KeptReply:
    return KeptReply(row["status"], json.loads(row["headers"]), bytes(row["body"]))
