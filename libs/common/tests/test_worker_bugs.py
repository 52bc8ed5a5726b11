"""A bug is held, not buried, until another record has succeeded after it: no restart loop drains a topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from synckit.errors import Locked, RemoteRejected, RemoteUnavailable
from synckit.events import ChangeEvent, Record
from synckit.handling import Attempt, Done, Outcome
from synckit.testing.worker import BuriedLetters, FakeTimers, Gate, Partition, ScriptedHandler, change, settle
from synckit.worker import KeyedExecutor, Limits, RetryPolicy

STEADY = RetryPolicy(base=1.0, cap=8.0, jitter=0.0, budget=45.0, max_attempts=12)


Lines = list[MutableMapping[str, Any]]


@pytest.fixture(autouse=True)
def lines() -> Iterator[Lines]:
    """The log, as it is told; to print hundreds of tracebacks in colour takes minutes."""
    with structlog.testing.capture_logs() as told:
        yield told


@dataclass
class Topic:
    """A partition whose worker can be started anew: what is not acked is delivered again."""

    handler: ScriptedHandler
    limits: Limits = field(default_factory=lambda: Limits(retry=STEADY))
    letters: BuriedLetters = field(default_factory=BuriedLetters)
    timers: FakeTimers = field(default_factory=FakeTimers)
    partition: Partition = field(default_factory=Partition)
    blown: list[str] = field(default_factory=list)

    def start(self) -> KeyedExecutor:
        executor = KeyedExecutor(self.handler, self.letters, self.limits, timers=self.timers)
        executor.on_blown = self.blown.append
        executor.open(self.partition.generation)
        return executor

    async def feed(self, executor: KeyedExecutor, *events: ChangeEvent | Record) -> None:
        for event in events:
            await executor.submit(self.partition.deliver(event))
        await settle()

    async def quiet(self) -> None:
        """One record at a time takes its turns."""
        for _ in range(40):
            await settle()


def poisoned_by(*poison: str, error: Callable[[], BaseException] = KeyError) -> ScriptedHandler:
    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id in poison:
            raise error()
        return Done("written")

    return ScriptedHandler(handle)


async def everything_fails(event: ChangeEvent, attempt: Attempt) -> Outcome:
    raise KeyError(event.entity_id)


@pytest.mark.parametrize("at_once", [1, 3, 32])
async def test_a_restart_loop_buries_and_commits_nothing(at_once: int) -> None:
    """A buggy release under a supervisor: 100 events, 25 starts."""
    topic = Topic(ScriptedHandler(everything_fails), Limits(retry=STEADY, max_in_flight=at_once))
    for start in range(1, 26):
        topic.partition = Partition(generation=start)
        executor = topic.start()
        await topic.feed(executor, *(change(f"k{number}") for number in range(100)))
        assert len(topic.blown) == start
        await executor.drain(5)
        assert topic.partition.acked == []
    assert topic.letters.buried == []


async def test_one_poisonous_record_among_good_ones_is_one_dead_letter() -> None:
    topic = Topic(poisoned_by("k7"))
    await topic.feed(topic.start(), *(change(f"k{number}") for number in range(30)))
    assert [letter[0].offset for letter in topic.letters.buried] == [7]
    assert topic.partition.acked == list(range(30))
    assert topic.blown == []


async def test_a_poisonous_record_alone_waits_without_harm(lines: Lines) -> None:
    topic = Topic(poisoned_by("a"))
    executor = topic.start()
    await topic.feed(executor, change("a"))
    await topic.timers.advance(24 * 3600)
    assert topic.letters.buried == []
    assert topic.partition.acked == []
    assert topic.blown == []
    assert (executor.held, executor.waiting, executor.running) == (1, 1, 0)
    assert len(topic.handler.seen) < 24 * 7
    assert [(line["event"], line["origin"]) for line in lines] == [("worker.bug", "vmh.beteiligte-0@0")]


@pytest.mark.parametrize(("crowd", "at"), [(5, 0), (5, 10), (20, 5), (20, 10), (200, 0), (200, 5)])
async def test_a_poisoned_crowd_does_not_stop_the_rest(crowd: int, at: int) -> None:
    """However many bad records lie side by side, wherever: the good ones are done, and few starts are needed.

    A success settles all bugs before it, so that those that come in trickle the crowd away.
    """
    bad, good = [f"bad{number}" for number in range(crowd)], [f"good{number}" for number in range(10)]
    topic = Topic(poisoned_by(*bad), Limits(retry=STEADY, fuse_probes=20))
    executor = topic.start()
    await topic.feed(executor, *map(change, [*good[:at], *bad, *good[at:]]))
    await topic.quiet()
    handled = {event.entity_id for event, _ in topic.handler.seen}
    assert handled >= set(good)
    if at == 10:  # nothing good came behind them
        await topic.feed(executor, change("late"))
    for number in range(crowd):
        if len(topic.letters.buried) == crowd:
            break
        assert topic.blown == []
        await topic.feed(executor, change(f"later{number}"))
        await topic.quiet()
    assert topic.letters.reasons == ["bug"] * crowd
    assert executor.held == 0


async def test_a_poisoned_crowd_alone_restarts_nothing() -> None:
    """A quiet night: all are held and tried again now and then; the first good record settles it."""
    topic = Topic(poisoned_by(*(f"bad{number}" for number in range(9))), Limits(retry=STEADY, fuse_probes=20))
    executor = topic.start()
    await topic.feed(executor, *(change(f"bad{number}") for number in range(9)))
    await topic.timers.advance(24 * 3600)
    assert (topic.blown, topic.letters.buried, topic.partition.acked, executor.held) == ([], [], [], 9)
    assert len(topic.handler.seen) < 9 * 24 * 7
    await topic.feed(executor, change("good"))
    assert topic.letters.reasons == ["bug"] * 9
    assert topic.partition.acked == list(range(10))


async def test_a_buggy_release_stops_after_its_probes() -> None:
    """Nothing is buried, and from the fifth bug on one record is tried at a time."""
    at_once = []

    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        at_once.append(executor.running)
        raise KeyError

    topic = Topic(ScriptedHandler(handle), Limits(retry=STEADY, max_in_flight=5, fuse_probes=20))
    executor = topic.start()
    await topic.feed(executor, *(change(f"k{number}") for number in range(100)))
    await topic.quiet()
    assert topic.blown == ["KeyError"]
    assert len(topic.handler.seen) <= 5 + 4 + 20  # a bug makes room for the next before it is known to be one of many
    assert set(at_once[9:]) == {1}
    assert (topic.letters.buried, topic.partition.acked) == ([], [])


async def test_what_had_succeeded_before_a_bug_proves_nothing() -> None:
    topic = Topic(poisoned_by("bad"))
    executor = topic.start()
    await topic.feed(executor, change("good"), change("bad"))
    assert topic.letters.buried == []
    await topic.feed(executor, change("good"))
    assert topic.letters.reasons == ["bug"]
    assert topic.partition.acked == [0, 1, 2]


@pytest.mark.parametrize("error", [RemoteUnavailable("advoware", "503"), RemoteRejected("espocrm", 400, "valid")])
async def test_a_parked_or_refused_record_proves_nothing(error: Exception) -> None:
    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        raise KeyError if event.entity_id == "bad" else error

    topic = Topic(ScriptedHandler(handle))
    executor = topic.start()
    await topic.feed(executor, change("bad"), change("other"))
    await topic.timers.advance(300)
    assert topic.letters.buried == []
    assert topic.partition.acked == []


async def test_a_bug_that_is_mended_meanwhile_is_handled() -> None:
    broken = [True]

    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if broken:
            raise ValueError
        return Done("written")

    topic = Topic(ScriptedHandler(handle))
    executor = topic.start()
    await topic.feed(executor, change("a", event_id="1"))
    await topic.feed(executor, change("a", event_id="2"))
    broken.clear()
    await topic.timers.advance(700)
    assert topic.partition.acked == [0, 1]
    assert topic.letters.buried == []
    assert executor.held == 0


async def test_runs_on_their_way_may_still_save_the_worker() -> None:
    """Bugs are quick, good runs are not: those that were started are waited for."""
    gate = Gate()

    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id.startswith("bad"):
            raise KeyError
        return await gate(event, attempt)

    topic = Topic(ScriptedHandler(handle), Limits(retry=STEADY, fuse_after=3))
    executor = topic.start()
    await topic.feed(executor, change("good"), *(change(f"bad{number}") for number in range(3)), change("late"))
    assert topic.blown == []
    await topic.feed(executor, change("later"))
    assert "later" not in gate.running
    gate.finish("good")
    await settle()
    gate.finish("late")
    gate.finish("later")
    await settle()
    assert topic.blown == []
    assert topic.letters.reasons == ["bug"] * 3
    assert topic.partition.acked == list(range(6))


async def test_where_those_fail_as_well_the_worker_stops() -> None:
    gate = Gate()

    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id.startswith("bad"):
            raise KeyError
        return await gate(event, attempt)

    topic = Topic(ScriptedHandler(handle), Limits(retry=STEADY, fuse_after=3))
    executor = topic.start()
    await topic.feed(executor, change("slow"), *(change(f"bad{number}") for number in range(3)))
    assert topic.blown == []
    gate.fail("slow", Locked("held"))
    await settle()
    assert topic.blown == ["KeyError"]
    assert executor.blown_at == "vmh.beteiligte-0@3"
    assert topic.partition.acked == []


async def test_a_rebalance_while_it_is_in_doubt_does_not_leave_it_shut() -> None:
    gate = Gate()

    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id.startswith("bad") and topic.partition.generation == 1:
            raise KeyError
        return await gate(event, attempt)

    topic = Topic(ScriptedHandler(handle), Limits(retry=STEADY, fuse_after=2))
    executor = topic.start()
    await topic.feed(executor, change("good"), change("bad1"), change("bad2"))
    draining = asyncio.ensure_future(executor.drain(5))
    await topic.timers.advance(8)
    assert (await draining).forgotten == 2
    assert topic.blown == []
    topic.partition = Partition(generation=2)
    executor.open(2)
    await topic.feed(executor, change("bad1"))
    gate.finish("bad1")
    await settle()
    assert topic.partition.acked == [0]
    await topic.timers.advance(3600)
    assert len(topic.handler.seen) == 4


class Grouped(Exception):
    """A bug in a group."""


def leaking() -> BaseException:
    return asyncio.CancelledError()


@pytest.mark.parametrize(
    "error",
    [
        RecursionError,
        MemoryError,
        AssertionError,
        StopAsyncIteration,
        SystemExit,
        GeneratorExit,
        lambda: ExceptionGroup("two", [KeyError(), RemoteUnavailable("advoware", "503")]),
        lambda: BaseExceptionGroup("two", [SystemExit(), RemoteRejected("espocrm", 400, "valid")]),
        lambda: ExceptionGroup("deep", [ExceptionGroup("inner", [Grouped()])]),
    ],
)
async def test_whatever_is_no_error_of_ours_is_a_bug(error: Callable[[], BaseException]) -> None:
    topic = Topic(poisoned_by("bad", error=error))
    executor = topic.start()
    await topic.feed(executor, change("bad"))
    assert executor.held == 1
    assert topic.letters.buried == []
    await topic.feed(executor, change("good"))
    assert topic.letters.reasons == ["bug"]
    assert topic.partition.acked == [0, 1]


async def test_a_group_of_passing_troubles_passes() -> None:
    async def handle(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if attempt.number == 1:
            raise ExceptionGroup("two", [Locked("held"), RemoteUnavailable("advoware", "503")])
        return Done("written")

    topic = Topic(ScriptedHandler(handle))
    await topic.feed(topic.start(), change("a"))
    await topic.timers.advance(1)
    assert topic.partition.acked == [0]


async def test_a_group_with_a_refusal_is_refused() -> None:
    both = ExceptionGroup("two", [Locked("held"), RemoteRejected("espocrm", 400, "valid")])
    topic = Topic(poisoned_by("a", error=lambda: both))
    await topic.feed(topic.start(), change("a"))
    assert topic.handler.refusals == [("a", "remote_rejected")]
    assert topic.partition.acked == [0]


@pytest.mark.parametrize("where", ["give_up", "refused"])
async def test_a_bug_while_parking_or_refusing_is_held(where: str) -> None:
    trouble = RemoteUnavailable("advoware", "503") if where == "give_up" else RemoteRejected("espocrm", 400, "valid")

    async def broken(event: ChangeEvent) -> None:
        raise KeyError

    topic = Topic(poisoned_by("bad", error=lambda: trouble))
    topic.handler.on_give_up = topic.handler.on_refused = broken
    executor = topic.start()
    await topic.feed(executor, change("bad"))
    await topic.timers.advance(50)
    assert executor.held == 1
    assert topic.partition.acked == []
    await topic.feed(executor, change("good"))
    assert topic.letters.reasons == ["bug"]


@pytest.mark.parametrize("error", [KeyError(), RemoteRejected("kafka", 413, "too large"), leaking()])
@pytest.mark.parametrize("record", [Record(b"a", b"no event", ()), change("bad")])
async def test_a_dead_letter_that_cannot_be_written_is_never_taken_for_written(
    error: Exception, record: Record | ChangeEvent
) -> None:
    topic = Topic(poisoned_by("bad"))
    topic.letters.error = error
    executor = topic.start()
    await topic.feed(executor, record, change("good"))
    tries = len(topic.handler.seen)
    await topic.timers.advance(3600)
    assert topic.partition.acked == []
    assert len(topic.handler.seen) - tries <= 3600 / 8
    assert topic.blown == []
    topic.letters.error = None
    await topic.timers.advance(60)
    assert len(topic.letters.buried) == 1
    assert topic.partition.acked == [0, 1]


async def test_a_bug_of_our_decoding_is_held_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not so what the decoding says is no event: that goes to the dead letters at once."""

    def broken(*_: object) -> ChangeEvent:
        raise TypeError

    monkeypatch.setattr("synckit.worker.runner.decode", broken)
    topic = Topic(ScriptedHandler())
    await topic.feed(topic.start(), *(change(f"k{number}") for number in range(20)))
    assert topic.blown == ["TypeError"]
    assert topic.letters.buried == []
    assert topic.partition.acked == []


async def test_a_held_record_keeps_the_order_of_its_own_events() -> None:
    topic = Topic(poisoned_by("bad"), Limits(retry=STEADY, coalesce=False))
    executor = topic.start()
    await topic.feed(executor, change("bad", event_id="1"), change("bad", event_id="2"))
    assert [event.id for event, _ in topic.handler.seen] == ["1"]
    await topic.feed(executor, change("good", event_id="3"))
    assert topic.letters.reasons == ["bug", "bug"]
    assert [letter[0].offset for letter in topic.letters.buried] == [0, 1]
    assert topic.partition.acked == [0, 1, 2]
