"""Our memory in the real PostgreSQL by a test's clock: a wait passes at once, and the database would not know of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from recordsync.postgres.links import PostgresLinkStore
from synckit.ports import Clock, Commit, Intent, RecordState
from synckit.postgres.pool import PostgresPool


class StagedLinkStore(PostgresLinkStore):
    """Whatever the store says of the time is the clock's. Without a clock it is the database's."""

    def __init__(self, pool: PostgresPool, entity: str, clock: Clock | None = None) -> None:
        super().__init__(pool, entity)
        self.clock = clock
        self._declared: dict[str, datetime] = {}
        self._looked_at: dict[str, datetime] = {}

    async def load(self, left_id: str) -> RecordState:
        state = await super().load(left_id)
        if self.clock is None:
            return state
        intent, declared = state.intent, self._declared.get(left_id)
        if intent is not None and declared is not None:
            intent = replace(intent, declared_at=declared)
        looked_at = self._looked_at.get(left_id, state.looked_at) if state.link else None
        return replace(state, at=self.clock.now(), intent=intent, looked_at=looked_at)

    async def declare(self, intent: Intent, fence: int) -> None:
        await super().declare(intent, fence)
        if self.clock is not None:
            self._declared[intent.left_id] = self.clock.now()

    async def commit(self, change: Commit) -> None:
        await super().commit(change)
        if change.looked_at is not None:
            self._looked_at[change.left_id] = change.looked_at
