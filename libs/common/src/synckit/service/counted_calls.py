"""Counts what a change costs: the calls to remotes that one run of an event's handler makes."""

from __future__ import annotations

from synckit.errors import PermanentError, TransientError
from synckit.events import ChangeEvent
from synckit.handling import Attempt, EventHandler, Outcome
from synckit.service.remote_metrics import counting
from synckit.service.worker_metrics import calls_made


class CountedCalls:
    """`EventHandler`: another one, with its calls counted by noun and outcome. A run that raises counts as `failed`."""

    def __init__(self, entity: str, handler: EventHandler) -> None:
        self._entity = entity
        self._handler = handler

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        result = "failed"
        with counting() as calls:
            try:
                outcome = await self._handler.handle(event, attempt)
                result = outcome.result
                return outcome
            finally:
                calls_made(self._entity, result, calls.count)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        await self._handler.give_up(event, error, attempt)

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        await self._handler.refused(event, error)
