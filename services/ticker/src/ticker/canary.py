"""One record in step, sent the whole way round every few minutes: broker, worker, both remotes, our memory.

It costs two reads and no write. What it takes is what a change takes just now, also where nobody changes anything.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import structlog

from kanzlei import topics
from synckit.events import Action, ChangeEvent, Origin, encode
from synckit.ports import Clock, Publisher
from ticker import metrics
from ticker.domain.entities import BETEILIGTE
from ticker.timers import Once, guarded

log = structlog.get_logger(__name__)
NAME = "canary"
POLL_SECONDS = 0.5


class Canaries(Protocol):
    """`ticker.adapters.census.PostgresCanaries`."""

    async def one(self) -> str | None: ...
    async def looked_at(self, left_id: str) -> datetime | None: ...


class Canary:
    """One in the whole cluster every `seconds`; the one before has come back by then, or is late."""

    def __init__(self, canaries: Canaries, publisher: Publisher, once: Once, clock: Clock, seconds: float) -> None:
        self._canaries = canaries
        self._publisher = publisher
        self._once = once
        self._clock = clock
        self._seconds = seconds

    async def forever(self) -> None:
        while True:
            began = self._clock.monotonic()
            if await guarded(NAME, "claim", self._claim):
                outcome = await guarded(NAME, "fly", self.fly)
                metrics.canary_run(outcome or "failed")
            await self._clock.sleep(max(1.0, self._seconds - (self._clock.monotonic() - began)))

    async def fly(self) -> str:
        """Sends one and waits for it. Answers `back`, `late`, or `no_record` where nothing is linked yet."""
        left_id = await self._canaries.one()
        if left_id is None:
            return "no_record"
        before = await self._canaries.looked_at(left_id)
        check = ChangeEvent(BETEILIGTE.entity, left_id, Action.SYNC_CHECK, Origin.TICKER, self._clock.now())
        sent = self._clock.monotonic()
        await self._publisher.publish(topics.EVENT_TOPICS[BETEILIGTE.entity], [encode(check)])
        while (away := self._clock.monotonic() - sent) < self._seconds:
            # It grows while it waits: a chart must not show the last good one for ever.
            metrics.canary_away(away)
            looked_at = await self._canaries.looked_at(left_id)
            if looked_at is not None and (before is None or looked_at > before):
                metrics.canary_back(self._clock.now().timestamp())
                return "back"
            await self._clock.sleep(POLL_SECONDS)
        log.warning("canary_late", seconds=self._seconds)
        return "late"

    async def _claim(self) -> bool:
        return await self._once.claim(NAME, timedelta(seconds=self._seconds))
