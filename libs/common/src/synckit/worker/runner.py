"""One try at one item: decode, bind the log context, call the handler, sort what went wrong by what happens next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import structlog

from synckit import clamps
from synckit.error_text import leaves, message_of, traceback_of
from synckit.errors import InvalidEvent, PermanentError, SyncError, TooEarly, TransientError
from synckit.events import ChangeEvent, as_records_are, attribute_names, decode
from synckit.handling import Attempt, EventHandler
from synckit.worker.delivery import Delivery
from synckit.worker.fuse import Fuse
from synckit.worker.lanes import Item
from synckit.worker.limits import Limits
from synckit.worker.observer import WorkerObserver
from synckit.worker.ports import DeadLetterSink, Timers
from synckit.worker.tracker import Entry

T = TypeVar("T")
log = structlog.get_logger("synckit.worker")
LONGEST_WISH = 60.0
"""Seconds that a remote's wish counts where nothing is parked: with more, a worker would sleep on once it is mended."""
LONGEST_HELD = 600.0
"""Seconds between two tries of a record that is held because of a bug."""


class DeadLetterFailed(TransientError):
    """A dead letter could not be written."""

    code = "dead_letter_failed"


@dataclass(frozen=True, slots=True)
class Settled:
    """The item is over and may be acked. `succeeded`: the handler has dealt with it, so that it works in principle."""

    outcome: str
    reason: str = ""
    event: ChangeEvent | None = None
    succeeded: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Its key waits so many seconds, then the next try."""

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A bug, and nobody knows yet whether it is this record's or the program's: not acked, not buried.

    Its key waits until another record has succeeded, or `delay` seconds.
    """

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """None of its events is due: no try. Its key waits so many seconds, or until one comes that is due."""

    delay: float


Step = Settled | Again | Held | Later


def decode_delivery(delivery: Delivery, entity: str = "") -> ChangeEvent:
    """InvalidEvent where the record is no event, or one of another entity than the topic's own, if it has one."""
    if delivery.unreadable is not None:
        raise InvalidEvent(delivery.unreadable.problem)
    event = decode(delivery.key, delivery.value, delivery.headers)
    if entity and event.entity != entity:
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
        self.entity = ""
        self.accepts: Callable[[ChangeEvent], None] = as_records_are
        self.fuse = Fuse(limits.fuse_after, limits.fuse_probes)

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
            return await self._bug(key, item, error)

    async def _bug(self, key: Hashable, item: Item, error: Exception) -> Step:
        """Held, until something else has succeeded after it: else a restart loop would bury a whole topic."""
        newest = item.entries[-1].delivery
        if self._is_its_own(item):
            return await self._bury(newest, "bug", error)
        if not item.bugs:
            item.suspect_since = self.fuse.successes
            told = None if self.fuse.doubted else error  # a few of many are enough
            log.error("worker.bug", origin=newest.origin, error=message_of(error), exc_info=told)
        item.bugs += 1
        self.fuse.bug(key)
        doubled = self._limits.held_seconds * 2.0 ** min(item.bugs - 1, 16)
        return Held(min(doubled, max(LONGEST_HELD, self._limits.held_seconds)), message_of(error))

    def _is_its_own(self, item: Item) -> bool:
        """Another record has succeeded since this one first met a bug."""
        return item.bugs > 0 and self.fuse.successes > item.suspect_since

    async def _try(self, item: Item) -> Step:
        events = await self._events(item)
        if not events:
            return Settled("dead_letter", InvalidEvent.code)
        early = self._early(item, events)
        if early > 0:
            # A look at the calendar was no try: the back-off of the first real one starts from nothing.
            item.attempts = 0
            return Later(early)
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
            # Only a whole, handled record counts: parked and refused ones prove nothing about the rest of the program.
            self.fuse.success()
            step = Settled(outcome.result, "", event, succeeded=True)
        return step

    def _early(self, item: Item, events: Sequence[ChangeEvent]) -> float:
        """Seconds until the first of the events is due, counted from when the item was first looked at.

        However far away a time is, and wherever our clock stands: never longer than `clamps.HIGHEST_WAIT` in all.
        """
        # One event without a time is due now, and what is merged with it is looked at along with it.
        due = [event.not_before for event in events]
        dated = [at.timestamp() for at in due if at is not None]
        if item.attempts > 1 or len(dated) < len(due):
            return 0.0
        now = self._timers.monotonic()
        if item.waits_since is None:
            item.waits_since = now
        return clamps.remaining(min(dated) - self._timers.wall(), already=now - item.waits_since)

    async def _transient(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> Step:
        elapsed = self._timers.monotonic() - attempt.first_started
        known = isinstance(error, TooEarly)
        delay = self._limits.retry.next_delay(attempt.number, elapsed, error.retry_after, random.random(), known=known)
        # None: the tries in place are spent. The record is parked in PostgreSQL, so its partition goes on.
        if delay is not None:
            return Again(delay, error.code)
        await self._limited(self._handler.give_up(event, error, attempt))
        return Settled("parked", error.code, event)

    async def _events(self, item: Item) -> tuple[ChangeEvent, ...]:
        """Decodes the item's records. Those that are no events are buried and done; the others go on without them."""
        events: list[ChangeEvent] = []
        for entry in tuple(item.entries):
            try:
                events.append(self._accepted(entry.delivery))
            except InvalidEvent as error:
                await self._drop(item, entry, error.code, error)
            except Exception as error:
                if not self._is_its_own(item):
                    raise
                await self._drop(item, entry, "bug", error)
        return tuple(events)

    def _accepted(self, delivery: Delivery) -> ChangeEvent:
        event = decode_delivery(delivery, self.entity)
        self.accepts(event)
        return event

    async def _drop(self, item: Item, entry: Entry, reason: str, error: Exception) -> None:
        await self._sink(entry.delivery, reason, error)
        item.entries.remove(entry)
        self._complete((entry,))

    async def _bury(self, delivery: Delivery, reason: str, error: BaseException) -> Step:
        try:
            await self._sink(delivery, reason, error)
        except DeadLetterFailed as failed:
            # A stalled partition is better than a lost event.
            return Again(max(self._limits.retry.cap, failed.retry_after or 0.0), failed.code)
        return Settled("dead_letter", reason)

    async def _sink(self, delivery: Delivery, reason: str, error: BaseException) -> None:
        """DeadLetterFailed where the letter is not safe, whatever went wrong: it is written again later."""
        try:
            letter = self._dead_letters.bury(delivery, reason, message_of(error), traceback_of(error))
            await self._limited(letter)
        except Exception as failed:
            log.error("worker.dead_letter_failed", origin=delivery.origin, error=message_of(failed))
            seconds = 0.0 if isinstance(failed, TransientError) else LONGEST_WISH
            raise DeadLetterFailed("dead letter not written", retry_after=seconds) from failed
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
            # Somebody else cancelled us as well (a drain): that is not ours to swallow.
            if task.cancelling() > int(expired):
                raise
            raise TransientError("the try was broken off") from None
        except BaseExceptionGroup as group:
            raise _one_of(group) from group
        except (SystemExit, GeneratorExit) as error:  # a handler has no say on the process's end
            raise RuntimeError(type(error).__name__) from error
        finally:
            timer.cancel()
            if expired:
                # Our own cancellation is taken back, else the task's next wait would be cancelled too.
                task.uncancel()


def _one_of(group: BaseExceptionGroup[BaseException]) -> Exception:
    """What a group means: a bug if there is one in it, else a refusal, else the longest wish of a remote."""
    found = leaves(group)
    bugs = [leaf for leaf in found if not isinstance(leaf, SyncError | asyncio.CancelledError)]
    if bugs:
        return next((leaf for leaf in bugs if isinstance(leaf, Exception)), RuntimeError(message_of(group)))
    refusals = [leaf for leaf in found if isinstance(leaf, SyncError) and not isinstance(leaf, TransientError)]
    if refusals:
        return refusals[0]
    passing = [leaf for leaf in found if isinstance(leaf, TransientError)]
    return max(passing, key=lambda one: one.retry_after or 0.0, default=TransientError("the try was broken off"))


def _merged(events: tuple[ChangeEvent, ...]) -> ChangeEvent:
    newest = events[-1]
    if len(events) == 1:
        return newest
    names = dict.fromkeys(name for event in events for name in event.changed)
    return replace(newest, changed=attribute_names(names))
