"""The database's time in a process: heard now and then, and gone on with by the process's monotonic clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from synckit.errors import SyncError
from synckit.ports import Clock
from synckit.postgres.pool import PostgresPool

HEARD_EVERY = 15.0


class DatabaseClock:
    """A `ports.Clock`. Before it has heard the database it tells the process's time; `hear` belongs to a start."""

    def __init__(self, pool: PostgresPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._heard: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Never ahead of the database's: it counts from when the answer was there."""
        if self._heard is None:
            return self._clock.now()
        at, since = self._heard
        return at + timedelta(seconds=self._clock.monotonic() - since)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def hear(self) -> None:
        """One statement. RemoteUnavailable where the database is away."""
        at: datetime = await self._pool.fetch_value("SELECT clock_timestamp()")
        self._heard = (at, self._clock.monotonic())

    async def forever(self) -> None:
        """Hears it again and again, so that a clock that is set is known soon."""
        while True:
            with suppress(SyncError):
                await self.hear()
            await self._clock.sleep(HEARD_EVERY)
