"""Asks the memory what waits for a person, and gives it a person's answer."""

from __future__ import annotations

from collections.abc import Sequence

from calendar_sync.adapters.store import NoSuchList
from calendar_sync.adapters.wiring import Opened
from calendar_sync.domain.lost import released as found_again
from calendar_sync.domain.quarantine import LOST, Waiting, waiting


class Quarantines:
    """Asks the memory, and gives a person's answer to it."""

    def __init__(self, parts: Opened) -> None:
        self._parts = parts

    async def all(self) -> Sequence[Waiting]:
        """Without their items."""
        return [one for diary in await self._parts.store.diaries() if (one := waiting(diary, ())) is not None]

    async def of(self, kuerzel: str) -> Waiting:
        """With its items. NoSuchList where nothing waits."""
        memory = await self._parts.store.peek(kuerzel)
        one = waiting(memory.diary, memory.rows)
        if one is None:
            raise NoSuchList(f"{kuerzel}: nothing waits")
        return one

    async def decide(self, kuerzel: str, digest: str | None, *, released: bool) -> Waiting:
        """Exactly the list that waits. NoSuchList where that is another one."""
        one = await self.of(kuerzel)
        if digest is not None and digest not in (one.digest,):
            raise NoSuchList(f"{kuerzel}: another list waits by now")
        if one.digest != LOST:
            await self._parts.store.decide_list(kuerzel, one.digest, released=released)
        elif released:
            async with self._parts.locks.hold(f"calendar:{kuerzel}"):
                memory = await self._parts.store.load(kuerzel)
                await self._parts.store.commit(memory, found_again(memory))
        return one
