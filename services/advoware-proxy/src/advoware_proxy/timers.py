"""The clock: now and then what has had its time is removed. A removal that fails is told and tried again."""

from __future__ import annotations

from typing import Protocol

import structlog

from synckit.errors import SyncError
from synckit.ports import Clock

log = structlog.get_logger(__name__)


class Sweep(Protocol):
    """Removes; answers how many rows."""

    async def sweep(self) -> int: ...


class SweepTimer:
    """Every replica sweeps: there is nothing to gain from a second one, and nothing to lose."""

    def __init__(self, sweep: Sweep, clock: Clock, *, seconds: float) -> None:
        self._sweep = sweep
        self._clock = clock
        self._seconds = seconds

    async def forever(self) -> None:
        while True:
            try:
                log.info("swept", count=await self._sweep.sweep())
            except SyncError as error:
                log.warning("sweep_failed", reason=error.code)
            await self._clock.sleep(self._seconds)
