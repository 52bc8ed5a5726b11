"""When a remote is back: what waits is tried at once, the oldest event first, and not before it may start at all."""

from __future__ import annotations

import asyncio

from synckit.errors import CircuitOpen, RemoteUnavailable
from synckit.events import ChangeEvent
from synckit.handling import Attempt, Done, Outcome
from synckit.testing.worker import EPOCH, BuriedLetters, FakeTimers, Partition, ScriptedHandler, change, settle
from synckit.worker import KeyedExecutor, Limits, RetryPolicy


class Outage:
    """An executor with one run at a time, whose remote is away until `is_back`."""

    def __init__(self, trouble: RemoteUnavailable | None = None) -> None:
        self.is_back = False
        self.trouble = trouble or RemoteUnavailable("advoware", "503")
        self.timers, self.partition = FakeTimers(), Partition()
        self.handler = ScriptedHandler(self._answer)
        limits = Limits(max_in_flight=1, retry=RetryPolicy(base=5.0, jitter=0.0))
        self.executor = KeyedExecutor(self.handler, BuriedLetters(), limits, timers=self.timers)
        self.executor.open(1)

    async def _answer(self, _event: ChangeEvent, _attempt: Attempt) -> Outcome:
        if not self.is_back:
            raise self.trouble
        return Done("written")

    async def take(self, *keys: str) -> None:
        for key in keys:
            offset = self.partition.next_offset
            await self.executor.submit(self.partition.deliver(change(key), at=EPOCH + offset))
        await settle()


async def test_what_waits_for_its_next_try_is_tried_at_once_and_the_oldest_first() -> None:
    outage = Outage()
    await outage.take("a", "b")
    outage.executor.may_start = lambda: False
    await outage.take("c", "d")
    assert (outage.handler.keys, outage.executor.waiting) == (["a", "b"], 2)
    outage.is_back = True
    outage.executor.may_start = lambda: True
    outage.executor.hurry()
    await settle()
    assert outage.handler.keys == ["a", "b", "a", "b", "c", "d"]
    assert outage.partition.acked == [0, 1, 2, 3]
    await outage.timers.advance(60)
    assert len(outage.handler.seen) == 6


async def test_a_try_that_was_under_way_and_fails_of_the_old_trouble_is_made_again_at_once_and_first() -> None:
    outage = Outage()
    asked, told = asyncio.Event(), asyncio.Event()

    async def answer(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if (event.entity_id, attempt.number) == ("a", 1):
            asked.set()
            await told.wait()
            raise RemoteUnavailable("advoware", "503")
        return Done("written")

    outage.handler.script = answer
    await outage.take("a", "b")
    await asked.wait()
    outage.executor.hurry()
    told.set()
    await settle()
    assert outage.handler.keys == ["a", "a", "b"]
    assert outage.partition.acked == [0, 1]


async def test_the_probe_of_a_remote_in_trouble_is_that_of_the_oldest_event() -> None:
    outage = Outage(trouble=CircuitOpen("advoware", "in trouble, not asked"))
    await outage.take("a", "b", "c")
    outage.executor.may_start = lambda: False
    await outage.take("d")
    assert outage.executor.waiting == 3
    outage.executor.may_start = lambda: True
    await outage.timers.advance(1)
    assert outage.handler.keys[3:] == ["a", "b", "c", "d"]


async def test_after_a_drain_nothing_is_hurried() -> None:
    outage = Outage()
    await outage.take("a")
    await outage.executor.drain(0.0)
    outage.is_back = True
    outage.executor.hurry()
    await settle()
    assert outage.handler.keys == ["a"]
