"""What waits in a worker is bounded, and many events of one record hold up nobody else."""

from __future__ import annotations

import asyncio

import pytest

from deploy.local.waiting import in_time
from synckit.errors import RemoteUnavailable
from synckit.events import ChangeEvent, Record
from synckit.handling import Attempt, Done, Outcome
from synckit.testing.worker import BuriedLetters, FakeTimers, Gate, Partition, ScriptedHandler, change, settle
from synckit.worker import KeyedExecutor, Limits, RetryPolicy
from synckit.worker.delivery import KEPT_BYTES, bounded
from synckit.worker.observer import NullObserver, WorkerObserver

STEADY = RetryPolicy(base=30.0, cap=30.0, jitter=0.0, budget=1000.0, max_attempts=1000)


async def _sick(event: ChangeEvent, attempt: Attempt) -> Outcome:
    if event.entity_id == "sick":
        raise RemoteUnavailable("advoware", "503")
    return Done("written")


class Scale(NullObserver):
    """What the worker tells of its load."""

    told = (0, 0, 0)

    def load(self, buffered: int, running: int, taken: int) -> None:
        self.told = (buffered, running, taken)


def executor_for(handler: ScriptedHandler, observer: WorkerObserver | None = None, **limits: int) -> KeyedExecutor:
    kept = Limits(retry=STEADY, **limits)  # type: ignore[arg-type]
    made = KeyedExecutor(handler, BuriedLetters(), kept, timers=FakeTimers(), observer=observer)
    made.open(1)
    return made


@pytest.mark.parametrize("count", [2_000, 10_000])
async def test_events_of_one_record_in_retry_hold_up_no_other(count: int) -> None:
    handler = ScriptedHandler(_sick)
    executor = executor_for(handler)
    partition = Partition()
    async with in_time():
        for number in range(count):
            await executor.submit(partition.deliver(change("sick", event_id=str(number))))
            if not number:
                await settle()
        await executor.submit(partition.deliver(change("well")))
        await settle()
    assert handler.keys == ["sick", "well"]
    assert executor.buffered == 1


async def test_records_taken_and_not_acked_are_bounded() -> None:
    """One record stands still, and thousands behind it are done: their places are what is left of them."""
    gate = Gate()

    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        return await gate(event, attempt) if event.entity_id == "slow" else Done("written")

    executor = executor_for(ScriptedHandler(handle), max_taken=50)
    partition = Partition()
    await executor.submit(partition.deliver(change("slow")))
    for number in range(49):
        await executor.submit(partition.deliver(change(f"k{number}")))
    waiting = asyncio.ensure_future(executor.submit(partition.deliver(change("beyond"))))
    await settle()
    assert not waiting.done()
    gate.finish("slow")
    await settle()
    assert waiting.done()
    assert partition.acked == list(range(51))


async def test_a_merged_flood_of_one_record_is_bounded_as_well() -> None:
    executor = executor_for(ScriptedHandler(_sick), max_taken=50)
    partition = Partition()
    for _ in range(50):
        await executor.submit(partition.deliver(change("sick")))
    waiting = asyncio.ensure_future(executor.submit(partition.deliver(change("sick"))))
    await settle()
    assert not waiting.done()
    await executor.drain(1)
    await waiting
    assert executor.buffered == 0


async def test_the_load_tells_runs_and_every_taken_record() -> None:
    gate, scale = Gate(), Scale()
    executor = executor_for(ScriptedHandler(gate), scale)
    partition = Partition()
    for number in range(6):
        await executor.submit(partition.deliver(change("one", event_id=str(number))))
        await settle()
    assert scale.told == (2, 1, 6)
    gate.finish("one")
    await settle()
    assert scale.told == (1, 1, 5)
    draining = asyncio.ensure_future(executor.drain(1))
    await settle()
    gate.finish("one")
    await draining
    assert scale.told == (0, 0, 0)


@pytest.mark.parametrize(
    "record",
    [
        Record(b"a", b"x" * 1_000_000, ()),
        Record(b"k" * 1_000_000, b"{}", ()),
        Record(b"a", b"{}", (("n" * 1_000_000, b"v"),)),
        Record(b"a", b"{}", (("n", b"v" * 1_000_000),)),
        Record(b"a", b"{}", tuple((f"h{number}", b"v") for number in range(60_000))),
    ],
)
def test_what_is_larger_than_any_event_is_kept_as_a_stub(record: Record) -> None:
    stub = bounded(Partition().deliver(record))
    kept = len(stub.key or b"") + len(stub.value or b"")
    kept += sum(len(name) + len(value) for name, value in stub.headers)
    assert kept < 2 * KEPT_BYTES + 40_000
    assert stub.value_size == len(record.value)
    assert stub.unreadable is not None


async def test_a_huge_record_is_a_dead_letter_and_says_so() -> None:
    letters = BuriedLetters()
    executor = KeyedExecutor(ScriptedHandler(), letters, Limits(), timers=FakeTimers())
    executor.open(1)
    partition = Partition()
    await executor.submit(partition.deliver(Record(b"a", b"x" * 1_000_000, ())))
    await executor.submit(partition.deliver(change("a")))
    await settle()
    [(delivery, reason, message, _)] = letters.buried
    assert (reason, message) == ("invalid_event", "record is larger than any event")
    assert delivery.value_size == 1_000_000
    assert partition.acked == [0, 1]
