"""Who works here: Advoware's active employees, and those that we remember."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from calendar_sync.adapters.store import PostgresStore
from calendar_sync.domain.rounds import Employee
from synckit.ports import Clock

KEPT_SECONDS = 30.0
"""A caller that asks for one run after the other costs Advoware one call in so long."""


class Colleague(Protocol):
    """What Advoware tells of an employee."""

    @property
    def kuerzel(self) -> str: ...


class Employees(Protocol):
    """Advoware's list."""

    async def employees(self, *, active: bool = True) -> Sequence[Colleague]: ...


class AdvowareOffice:
    """`agents.Office` and `by_hand.Staff`."""

    def __init__(self, employees: Employees, memory: PostgresStore, clock: Clock) -> None:
        self._employees = employees
        self._memory = memory
        self._clock = clock
        self._active: frozenset[str] = frozenset()
        self._until = float("-inf")
        self._turn = asyncio.Lock()

    async def active(self) -> Collection[str]:
        async with self._turn:
            if self._clock.monotonic() >= self._until:
                self._active = frozenset(one.kuerzel for one in await self._employees.employees(active=True))
                self._until = self._clock.monotonic() + KEPT_SECONDS
        return self._active

    async def known(self) -> Mapping[str, Employee]:
        return {one.kuerzel: one for one in await self._memory.employees()}
