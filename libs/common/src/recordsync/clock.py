"""Time by which a look decides: that of our memory, not of the process."""

from __future__ import annotations

from datetime import datetime, timedelta

from synckit.ports import Clock


class StoreTime:
    """A `Clock` by our memory's time: `at` when it was loaded, and from there on the process's monotonic clock.

    Counted from when the answer was there, so it is never ahead of the store. Two workers whose clocks are apart
    decide by the same time; without `at` the process's own has to do.
    """

    def __init__(self, at: datetime | None, clock: Clock) -> None:
        self._clock = clock
        self._at = at or clock.now()
        self._since = clock.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self._clock.monotonic() - self._since)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
