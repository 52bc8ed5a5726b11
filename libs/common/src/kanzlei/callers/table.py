"""The keys in PostgreSQL: what the service reads, and what the command writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from kanzlei.callers.grants import Caller, Grant, Rate, grants_document, grants_from
from synckit import clamps
from synckit.ports import Clock
from synckit.postgres.pool import PostgresPool, json_text

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is made of."""

    caller: Caller
    name: str


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as a person sees it; never its hash."""

    key_id: str
    name: str
    grants: tuple[Grant, ...]
    rate: Rate
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "key_id": self.key_id,
            "name": self.name,
            "grants": [str(grant) for grant in self.grants],
            "per_minute": self.rate.per_minute,
            "burst": self.rate.burst,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "expires_at": self.expires_at.isoformat(timespec="seconds") if self.expires_at else None,
            "revoked_at": self.revoked_at.isoformat(timespec="seconds") if self.revoked_at else None,
        }


class PostgresCallers:
    """`gate.Callers`. A database that is away makes all keys unknown as soon as what was read is old."""

    def __init__(self, pool: PostgresPool, clock: Clock, *, seconds: float) -> None:
        self._pool = pool
        self._clock = clock
        self._seconds = seconds
        self._known: Mapping[str, Caller] = {}
        self._until = float("-inf")
        self._turn = asyncio.Lock()
        self._spoiled: set[str] = set()

    async def known(self) -> Mapping[str, Caller]:
        if self._clock.monotonic() < self._until:
            return self._known
        async with self._turn:
            asked_at = self._clock.monotonic()
            if asked_at >= self._until:
                self._known = await self._read()
                self._until = asked_at + self._seconds
        return self._known

    async def _read(self) -> Mapping[str, Caller]:
        rows = await self._pool.fetch(
            "SELECT key_id, secret_sha256, grants, per_minute, burst, expires_at FROM office.caller_key "
            "WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
        )
        callers = [caller for row in rows if (caller := self._caller(dict(row))) is not None]
        return {caller.key_id: caller for caller in callers}

    def _caller(self, row: Mapping[str, Any]) -> Caller | None:
        """None for a row that somebody spoiled by hand: told once, and nobody else's key goes with it."""
        grants, rate = _grants(row), _rate(row)
        if not grants or rate is None:
            if row["key_id"] not in self._spoiled:
                self._spoiled.add(row["key_id"])
                log.error("bad_key_skipped", record_id=row["key_id"], hint="make a new key, and revoke this one")
            return None
        return Caller(row["key_id"], bytes(row["secret_sha256"]), grants, rate, row["expires_at"])


def _grants(row: Mapping[str, Any]) -> tuple[Grant, ...]:
    """Nothing where somebody wrote something else into the table."""
    try:
        return grants_from(clamps.parsed_json(row["grants"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()


def _rate(row: Mapping[str, Any]) -> Rate | None:
    per_minute, burst = clamps.whole(row["per_minute"], least=1), clamps.whole(row["burst"], least=1)
    return None if per_minute is None or burst is None else Rate(per_minute, burst)


class KeyTable:
    """What `python -m kanzlei.keys` does."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def add(self, key: NewKey) -> None:
        caller = key.caller
        await self._pool.fetch(
            "INSERT INTO office.caller_key (key_id, name, secret_sha256, grants, per_minute, burst, expires_at) "
            "VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7)",
            caller.key_id,
            key.name,
            caller.digest,
            json_text(grants_document(caller.grants)),
            caller.rate.per_minute,
            caller.rate.burst,
            caller.expires_at,
            writes=True,
        )

    async def all(self) -> Sequence[ListedKey]:
        """The revoked ones as well, oldest first."""
        rows = await self._pool.fetch(
            "SELECT key_id, name, grants, per_minute, burst, created_at, expires_at, revoked_at FROM office.caller_key "
            "ORDER BY created_at, key_id"
        )
        return [
            ListedKey(
                row["key_id"],
                row["name"],
                _grants(dict(row)),
                Rate(row["per_minute"], row["burst"]),
                row["created_at"],
                row["expires_at"],
                row["revoked_at"],
            )
            for row in rows
        ]

    async def revoke(self, key_id: str) -> bool:
        """False where there is none, or where it was revoked before."""
        return bool(
            await self._pool.fetch_value(
                "UPDATE office.caller_key SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL "
                "RETURNING true",
                key_id,
                writes=True,
            )
        )
