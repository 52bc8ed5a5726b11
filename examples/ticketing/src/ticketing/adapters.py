"""`handlers.Tickets` in the one table of ours."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from synckit.errors import StaleVersion
from synckit.postgres.pool import PostgresPool
from ticketing.domain import Ticket

ADD = """INSERT INTO ticketing.ticket AS t (id, title, due_at) VALUES ($1, $2, now() + $3)
    RETURNING to_jsonb(t) AS told"""
LOAD = "SELECT to_jsonb(t) AS told, now() AS now FROM ticketing.ticket t WHERE id = $1"
SAVE = """UPDATE ticketing.ticket SET state = $2, version = $3, history = $4::jsonb
    WHERE id = $1 AND version = $3 - 1 RETURNING id"""
NEWEST = """SELECT to_jsonb(t) AS told FROM ticketing.ticket t WHERE $1::text IS NULL OR state = $1
    ORDER BY opened_at DESC LIMIT 100"""
OVERDUE = "SELECT id FROM ticketing.ticket WHERE state = 'new' AND due_at <= now() ORDER BY due_at LIMIT 1000"
READ = msgspec.json.Decoder(Ticket).decode


@dataclass(frozen=True, slots=True)
class PostgresTickets:
    """Times that decide something are the database's."""

    pool: PostgresPool

    async def add(self, title: str, within: timedelta) -> Ticket:
        return READ(await self.pool.fetch_value(ADD, uuid.uuid4().hex, title, within, writes=True))

    async def load(self, ticket_id: str) -> tuple[Ticket, datetime] | None:
        rows = await self.pool.fetch(LOAD, ticket_id)
        return (READ(rows[0]["told"]), rows[0]["now"]) if rows else None

    async def save(self, ticket: Ticket) -> None:
        history = msgspec.json.encode(ticket.history).decode()
        if not await self.pool.fetch(SAVE, ticket.id, ticket.state, ticket.version, history, writes=True):
            raise StaleVersion(f"ticket {ticket.id} has changed since it was read")

    async def newest(self, state: str | None) -> Sequence[Ticket]:
        return [READ(row["told"]) for row in await self.pool.fetch(NEWEST, state)]

    async def overdue(self) -> Sequence[str]:
        return [row["id"] for row in await self.pool.fetch(OVERDUE)]
