"""Fakes around the keyed executor: timers that a test moves, a handler with a script, dead letters in a list."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from synckit.errors import PermanentError, TransientError
from synckit.events import Action, ChangeEvent, Origin, Record, encode
from synckit.handling import Attempt, Done, Outcome
from synckit.worker.delivery import Delivery

EPOCH = 1_700_000_000.0


class _Turn:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def settle(turns: int = 40) -> None:
    """Lets everything run that can run without time passing."""
    for _ in range(turns):
        await _Turn()


@dataclass(slots=True)
class FakeTimer:
    due: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeTimers:
    """`Timers` whose time passes only in `advance`."""

    def __init__(self) -> None:
        self.now = 100.0
        self._heap: list[tuple[float, int, FakeTimer]] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH + self.now

    def call_later(self, seconds: float, callback: Callable[[], object]) -> FakeTimer:
        timer = FakeTimer(self.now + seconds, callback)
        heapq.heappush(self._heap, (timer.due, next(self._numbers), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Moves time, timer by timer, and lets everything run after each."""
        until = self.now + seconds
        await settle()
        while self._heap and self._heap[0][0] <= until:
            self.now, _, timer = heapq.heappop(self._heap)
            if not timer.cancelled:
                timer.callback()
                await settle()
        self.now = until
        await settle()

    @property
    def pending(self) -> int:
        return sum(not timer.cancelled for _, _, timer in self._heap)


def change(key: str, action: Action = Action.UPDATE, changed: tuple[str, ...] = (), event_id: str = "") -> ChangeEvent:
    """A small event of the record `key`."""
    return ChangeEvent(
        "beteiligte", key, action, Origin.TICKER, datetime(2026, 1, 2, tzinfo=UTC), changed, event_id or f"e-{key}"
    )


@dataclass(slots=True)
class Partition:
    """A partition that hands out deliveries and remembers the acks."""

    topic: str = "vmh.beteiligte"
    number: int = 0
    generation: int = 1
    next_offset: int = 0
    acked: list[int] = field(default_factory=list)

    def deliver(self, record: Record | ChangeEvent, *, offset: int | None = None, at: float = EPOCH) -> Delivery:
        given = record if isinstance(record, Record) else encode(record)
        at_offset = self.next_offset if offset is None else offset
        self.next_offset = at_offset + 1
        return Delivery(
            self.topic,
            self.number,
            at_offset,
            self.generation,
            at,
            given.key,
            given.value,
            given.headers,
            lambda: self.acked.append(at_offset),
        )


Script = Callable[[ChangeEvent, Attempt], Awaitable[Outcome]]


async def _written(event: ChangeEvent, attempt: Attempt) -> Outcome:
    return Done("written")


@dataclass(slots=True)
class ScriptedHandler:
    """Records what it is asked and answers by its scripts."""

    script: Script = _written
    on_give_up: Callable[[ChangeEvent], Awaitable[None]] | None = None
    on_refused: Callable[[ChangeEvent], Awaitable[None]] | None = None
    seen: list[tuple[ChangeEvent, Attempt]] = field(default_factory=list)
    parked: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        self.seen.append((event, attempt))
        return await self.script(event, attempt)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        if self.on_give_up is not None:
            await self.on_give_up(event)
        self.parked.append((event.entity_id, error.code))

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        if self.on_refused is not None:
            await self.on_refused(event)
        self.refusals.append((event.entity_id, error.code))

    @property
    def keys(self) -> list[str]:
        return [event.entity_id for event, _ in self.seen]


@dataclass(slots=True)
class Gate:
    """Holds each key's run until the test lets it go, and says whether two runs of a key ever overlapped."""

    running: dict[str, asyncio.Future[Outcome]] = field(default_factory=dict)
    overlaps: list[str] = field(default_factory=list)
    most: int = 0

    async def __call__(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        key = event.entity_id
        if key in self.running:
            self.overlaps.append(key)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.running[key] = future
        self.most = max(self.most, len(self.running))
        try:
            return await future
        finally:
            self.running.pop(key, None)

    def finish(self, key: str, result: str = "written") -> None:
        self.running[key].set_result(Done(result))

    def fail(self, key: str, error: BaseException) -> None:
        self.running[key].set_exception(error)


@dataclass(slots=True)
class BuriedLetters:
    """`DeadLetterSink` in a list; `error` makes it fail."""

    buried: list[tuple[Delivery, str, str, str]] = field(default_factory=list)
    error: Exception | None = None

    async def bury(self, delivery: Delivery, reason: str, message: str, traceback: str) -> None:
        if self.error is not None:
            raise self.error
        self.buried.append((delivery, reason, message, traceback))

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason, _, _ in self.buried]
