"""One try at one item: decode, bind the log context, call the handler, sort what went wrong by what happens next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import structlog

from synckit.errors import InvalidEvent, PermanentError, TooEarly, TransientError
from synckit.events import ChangeEvent, attribute_names, decode
from synckit.handling import Attempt, EventHandler
from synckit.runtime.worker.delivery import Delivery
from synckit.runtime.worker.fuse import Fuse
from synckit.runtime.worker.lanes import Item
from synckit.runtime.worker.limits import Limits
from synckit.runtime.worker.observer import WorkerObserver
from synckit.runtime.worker.ports import DeadLetterSink, Timers
from synckit.runtime.worker.report import message_of, traceback_of
from synckit.runtime.worker.tracker import Entry
from synckit.topics import EVENT_TOPICS

T = TypeVar("T")
Decode = Callable[[Delivery], ChangeEvent]
log = structlog.get_logger("synckit.worker")
_NOUNS = {topic: noun for noun, topic in EVENT_TOPICS.items()}
LONGEST_WISH = 60.0
"""Seconds that a remote's wish counts where nothing is parked: with more, a worker would sleep on once it is mended."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The item is over and may be acked."""

    outcome: str
    reason: str = ""
    event: ChangeEvent | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Its key waits so many seconds, then the next try."""

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Blown:
    """The fuse has blown: this item must not be acked, and nothing more may start."""

    reason: str


Step = Settled | Again | Blown


def decode_delivery(delivery: Delivery) -> ChangeEvent:
    """InvalidEvent where the record is no event, or one of another topic."""
    event = decode(delivery.key, delivery.value, delivery.headers)
    noun = _NOUNS.get(delivery.topic, event.entity)
    if event.entity != noun:
        raise InvalidEvent("entity of another topic")
    return event


class Runner:
    """Never raises but for the cancellation of a drain; every other end of a try is a Step."""

    def __init__(
        self,
        handler: EventHandler,
        dead_letters: DeadLetterSink,
        limits: Limits,
        timers: Timers,
        observer: WorkerObserver,
        complete: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._handler = handler
        self._complete = complete
        self._dead_letters = dead_letters
        self._limits = limits
        self._timers = timers
        self._observer = observer
        self._decode: Decode = decode_delivery
        self.fuse = Fuse(limits.fuse_after)

    async def run(self, key: Hashable, item: Item) -> Step:
        """Tries once. Errors of the reaction itself (the parking, the dead letter) are sorted the same way."""
        item.attempts += 1
        if item.attempts == 1:
            item.first_started = self._timers.monotonic()
        newest = item.entries[-1].delivery
        try:
            return await self._try(item)
        except TransientError as error:
            # A remote that wants to be left alone must not be asked for each waiting record every few seconds.
            return Again(max(self._pause(item), min(error.retry_after or 0.0, LONGEST_WISH)), error.code)
        except PermanentError as error:
            return await self._bury(newest, error.code, error)
        except Exception as error:
            if self.fuse.bug(key):
                log.error("worker.fuse_blown", origin=newest.origin, error=message_of(error))
                return Blown(message_of(error))
            log.error("worker.bug", origin=newest.origin, error=message_of(error), exc_info=error)
            return await self._bury(newest, "bug", error)

    async def _try(self, item: Item) -> Step:
        events = await self._events(item)
        if not events:
            return Settled("dead_letter", InvalidEvent.code)
        event = _merged(events)
        attempt = Attempt(item.attempts, item.first_started, events, item.entries[-1].delivery.headers)
        structlog.contextvars.bind_contextvars(
            event_id=event.id, entity=event.entity, entity_id=event.entity_id, traceparent=event.traceparent
        )
        try:
            outcome = await self._limited(self._handler.handle(event, attempt))
        except InvalidEvent:
            raise
        except TransientError as error:
            step = await self._transient(event, error, attempt)
        except PermanentError as error:
            await self._limited(self._handler.refused(event, error))
            step = Settled("refused", error.code, event)
        else:
            step = Settled(outcome.result, "", event)
        self.fuse.success()
        return step

    async def _transient(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> Step:
        elapsed = self._timers.monotonic() - attempt.first_started
        known = isinstance(error, TooEarly)
        delay = self._limits.retry.next_delay(attempt.number, elapsed, error.retry_after, random.random(), known=known)
        if delay is not None:
            return Again(delay, error.code)
        await self._limited(self._handler.give_up(event, error, attempt))
        return Settled("parked", error.code, event)

    async def _events(self, item: Item) -> tuple[ChangeEvent, ...]:
        """Decodes the item's records. Those that are no events are buried and done; the others go on without them."""
        events: list[ChangeEvent] = []
        for entry in tuple(item.entries):
            try:
                events.append(self._decode(entry.delivery))
            except Exception as error:
                invalid = error if isinstance(error, InvalidEvent) else InvalidEvent(f"decoding: {message_of(error)}")
                await self._sink(entry.delivery, invalid.code, invalid)
                item.entries.remove(entry)
                self._complete((entry,))
        return tuple(events)

    async def _bury(self, delivery: Delivery, reason: str, error: BaseException) -> Step:
        try:
            await self._sink(delivery, reason, error)
        except Exception as away:
            # A stalled partition is better than a lost event.
            log.error("worker.dead_letter_failed", origin=delivery.origin, error=message_of(away))
            return Again(self._limits.retry.cap, "dead_letter_failed")
        return Settled("dead_letter", reason)

    async def _sink(self, delivery: Delivery, reason: str, error: BaseException) -> None:
        await self._dead_letters.bury(delivery, reason, message_of(error), traceback_of(error))
        self._observer.dead_lettered(delivery.topic, reason)

    def _pause(self, item: Item) -> float:
        return self._limits.retry.pause(item.attempts, random.random())

    async def _limited(self, call: Awaitable[T]) -> T:
        """A try that hangs would hold its partition's commits for ever: it is broken off and counts as transient."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            task.cancel()

        timer = self._timers.call_later(self._limits.attempt_seconds, expire)
        try:
            return await call
        except asyncio.CancelledError:
            if task.cancelling() > int(expired):
                raise
            raise TransientError("the try was broken off") from None
        finally:
            timer.cancel()
            if expired:
                task.uncancel()


def _merged(events: tuple[ChangeEvent, ...]) -> ChangeEvent:
    newest = events[-1]
    if len(events) == 1:
        return newest
    names = dict.fromkeys(name for event in events for name in event.changed)
    return replace(newest, changed=attribute_names(names))
