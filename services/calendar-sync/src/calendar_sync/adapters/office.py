"""Who works here: Advoware's active employees, and those that we remember."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from calendar_sync.adapters.store import PostgresStore
from calendar_sync.domain.rounds import Employee
from kanzlei.termine import Mitarbeiter
from synckit.ports import Clock

KEPT_SECONDS = 30.0
"""A caller that asks for one run after the other costs Advoware one call in so long."""
LONG_SECONDS = 600.0
FRESH_SECONDS = 0.0
"""Asked for one who is not in the list: somebody may have been entered this minute."""


class Employees(Protocol):
    """Advoware's list."""

    async def employees(self, *, active: bool = True) -> Sequence[Mitarbeiter]: ...


class AdvowareOffice:
    """`agents.Office` and `by_hand.Staff`."""

    def __init__(self, employees: Employees, memory: PostgresStore, clock: Clock) -> None:
        self._employees = employees
        self._memory = memory
        self._clock = clock
        self._active: Mapping[str, Mitarbeiter] = {}
        self._read_at = float("-inf")
        self._turn = asyncio.Lock()

    async def active(self, *, fresh: bool = False) -> Collection[str]:
        return (await self._list(FRESH_SECONDS if fresh else KEPT_SECONDS)).keys()

    async def employee(self, kuerzel: str) -> Mitarbeiter | None:
        """As of the last minutes: a round of many costs Advoware one call. None for who does not work here."""
        found = (await self._list(LONG_SECONDS)).get(kuerzel)
        return found or (await self._list(FRESH_SECONDS)).get(kuerzel)

    async def _list(self, seconds: float) -> Mapping[str, Mitarbeiter]:
        async with self._turn:
            if self._clock.monotonic() - self._read_at > seconds:
                found = await self._employees.employees(active=True)
                self._active, self._read_at = {one.kuerzel: one for one in found}, self._clock.monotonic()
            return self._active

    async def known(self) -> Mapping[str, Employee]:
        return {one.kuerzel: one for one in await self._memory.employees()}
