"""The push channels that we opened, in PostgreSQL: nobody else could stop them."""

from __future__ import annotations

from collections.abc import Sequence

from calendar_sync.domain.push import OpenChannel
from synckit.postgres.pool import PostgresPool


class PostgresChannels:
    """Written before a channel is opened (without Google's id), and again after it."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def all(self) -> Sequence[OpenChannel]:
        found = await self._pool.fetch("SELECT * FROM calendar_sync.channel")
        return [
            OpenChannel(
                row["channel_id"],
                row["kuerzel"],
                row["calendar_id"],
                row["account"],
                row["resource_id"],
                row["expires_at"],
            )
            for row in found
        ]

    async def keep(self, channel: OpenChannel) -> None:
        await self._pool.fetch(
            "INSERT INTO calendar_sync.channel (channel_id, kuerzel, calendar_id, account, resource_id, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (channel_id) DO UPDATE "
            "SET resource_id = excluded.resource_id, expires_at = excluded.expires_at",
            channel.channel_id,
            channel.kuerzel,
            channel.calendar_id,
            channel.account,
            channel.resource_id,
            channel.expires_at,
            writes=True,
        )

    async def forget(self, channel_id: str) -> None:
        await self._pool.fetch("DELETE FROM calendar_sync.channel WHERE channel_id = $1", channel_id, writes=True)
