"""Events that say when they are of use: their key waits, nobody else does, and never longer than an hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from synckit.clamps import HIGHEST_WAIT
from synckit.errors import InvalidEvent
from synckit.events import Action, ChangeEvent
from synckit.testing.worker import BuriedLetters, FakeTimers, Partition, ScriptedHandler, change, settle
from synckit.worker import KeyedExecutor, Limits


class Bench:
    """An executor on fakes; `due` makes events that are early by so many seconds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.timers = FakeTimers()
        self.handler = ScriptedHandler()
        self.letters = BuriedLetters()
        self.partition = Partition()
        self.executor = KeyedExecutor(self.handler, self.letters, limits, timers=self.timers)
        self.executor.open(1)

    def due(self, key: str, seconds: float, event_id: str = "") -> ChangeEvent:
        at = datetime.fromtimestamp(self.timers.wall(), UTC) + timedelta(seconds=seconds)
        return replace(change(key, event_id=event_id), not_before=at)

    async def take(self, *events: ChangeEvent) -> None:
        for event in events:
            await self.executor.submit(self.partition.deliver(event))
        await settle()


async def test_an_early_event_waits_and_others_go_on() -> None:
    bench = Bench(Limits(max_in_flight=1))
    await bench.take(bench.due("a", 90), change("b"), change("c"))
    assert bench.handler.keys == ["b", "c"]
    await bench.timers.advance(89)
    assert bench.handler.keys == ["b", "c"]
    await bench.timers.advance(1.1)
    assert bench.handler.keys == ["b", "c", "a"]
    assert bench.partition.acked == [0, 1, 2]
    assert bench.handler.seen[-1][1].number == 1


async def test_a_past_due_time_means_now() -> None:
    bench = Bench()
    await bench.take(bench.due("a", -5))
    assert bench.handler.keys == ["a"]


async def test_one_by_hand_does_not_wait_for_the_timers() -> None:
    """Both become one run."""
    bench = Bench()
    await bench.take(bench.due("a", 300, "timer"), bench.due("a", 200, "timer2"))
    assert bench.handler.keys == []
    await bench.take(change("a", event_id="hand"))
    assert [[one.id for one in attempt.events] for _, attempt in bench.handler.seen] == [["timer", "timer2", "hand"]]
    assert bench.partition.acked == [0, 1, 2]


async def test_the_earliest_of_several_counts() -> None:
    bench = Bench()
    await bench.take(bench.due("a", 300), bench.due("a", 100))
    await bench.timers.advance(101)
    assert bench.handler.keys == ["a"]


async def test_a_far_time_waits_an_hour_and_no_longer() -> None:
    bench = Bench()
    await bench.take(bench.due("a", 10 * 365 * 86400.0))
    await bench.timers.advance(HIGHEST_WAIT - 1)
    assert bench.handler.keys == []
    await bench.take(bench.due("a", 10 * 365 * 86400.0))
    await bench.timers.advance(2)
    assert bench.handler.keys == ["a"]
    assert bench.timers.pending == 0


async def test_what_waits_takes_nobodys_room() -> None:
    bench = Bench(Limits(max_buffered=2))
    await bench.take(*(bench.due(f"k{i}", 60) for i in range(10)), change("now"))
    assert bench.handler.keys == ["now"]
    assert bench.executor.waiting == 10
    await bench.timers.advance(61)
    assert len(bench.handler.seen) == 11
    assert bench.executor.buffered == 0


async def test_a_drain_forgets_what_waits() -> None:
    """Unacked: whoever has the partition next takes it again."""
    bench = Bench()
    await bench.take(bench.due("a", 60))
    drained = await bench.executor.drain(1.0)
    assert (drained.forgotten, bench.partition.acked) == (1, [])
    bench.partition.generation = 2
    bench.executor.open(2)
    bench.partition.next_offset = 0
    await bench.take(bench.due("a", 30))
    await bench.timers.advance(61)
    assert (bench.handler.keys, bench.partition.acked) == (["a"], [0])


async def test_a_mended_remote_does_not_hurry_them() -> None:
    bench = Bench()
    await bench.take(bench.due("a", 60))
    bench.executor.hurry()
    await settle()
    assert bench.handler.keys == []


async def test_a_topic_refuses_what_it_does_not_promise() -> None:
    """Event by event: those merged with it go on."""
    letters, handler, partition = BuriedLetters(), ScriptedHandler(), Partition()

    def accepts(event: ChangeEvent) -> None:
        if event.action != Action.UPDATE:
            raise InvalidEvent("no action of ours")

    executor = KeyedExecutor(handler, letters, timers=FakeTimers(), accepts=accepts)
    executor.open(1)
    for event in (change("a", event_id="1"), replace(change("a", event_id="2"), action="explode")):
        await executor.submit(partition.deliver(event))
    await settle()
    assert [event.id for event, _ in handler.seen] == ["1"]
    assert letters.reasons == ["invalid_event"]


async def test_unless_told_otherwise_records_have_their_words() -> None:
    """Words of another domain are its owner's, and who says so is an open word everywhere."""
    letters, handler, partition = BuriedLetters(), ScriptedHandler(), Partition(topic="a.topic")
    executor = KeyedExecutor(handler, letters, timers=FakeTimers())
    executor.open(1)
    strange = replace(change("a"), action="explode")
    for event in (
        strange,
        replace(change("b"), origin="another_remote"),
        replace(strange, entity_id="c", domain="calendar"),
    ):
        await executor.submit(partition.deliver(event))
    await settle()
    assert (handler.keys, letters.reasons) == (["b", "c"], ["invalid_event"])
