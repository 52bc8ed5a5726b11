"""The keyed executor: order, coalescing, retries, drains, back-pressure, the fuse. Time only moves by hand."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from synckit.errors import (
    CredentialsRefused,
    InvalidEvent,
    Locked,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    TransientError,
)
from synckit.events import Action, ChangeEvent, Record
from synckit.handling import Attempt, Done, Outcome
from synckit.testing.worker import (
    BuriedLetters,
    FakeTimers,
    Gate,
    Partition,
    ScriptedHandler,
    change,
    settle,
)
from synckit.worker import KeyedExecutor, Limits, RetryPolicy

STEADY = RetryPolicy(base=1.0, cap=8.0, jitter=0.0, budget=45.0, max_attempts=12)


class Bench:
    """An executor with fakes all around, opened in generation 1."""

    def __init__(self, handler: ScriptedHandler | None = None, **limits: object) -> None:
        self.timers = FakeTimers()
        self.letters = BuriedLetters()
        self.handler = handler or ScriptedHandler()
        self.partition = Partition()
        chosen = Limits(**{"retry": STEADY, **limits})  # type: ignore[arg-type]
        self.executor = KeyedExecutor(self.handler, self.letters, chosen, timers=self.timers)
        self.executor.open(1)

    async def take(self, *events: ChangeEvent | Record) -> None:
        for event in events:
            await self.executor.submit(self.partition.deliver(event))
        await settle()


async def test_acks_leave_in_offset_order_however_the_handlers_end() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(change("a"), change("b"), change("c"))
    gate.finish("c")
    gate.finish("b")
    await settle()
    assert bench.partition.acked == []
    gate.finish("a")
    await settle()
    assert bench.partition.acked == [0, 1, 2]


async def test_the_oldest_record_that_is_not_done_is_known() -> None:
    """Also while others of its partition are done: what is stuck must be seen before it ends."""
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    assert bench.executor.oldest() == {}
    first = bench.partition.deliver(change("a"))
    await bench.executor.submit(replace(first, timestamp=100.0))
    await bench.executor.submit(replace(bench.partition.deliver(change("b")), timestamp=130.0))
    await settle()
    gate.finish("b")
    await settle()
    assert bench.executor.oldest() == {first.topic: 100.0}
    gate.finish("a")
    await settle()
    assert bench.executor.oldest() == {}


async def test_one_key_runs_one_at_a_time_while_other_keys_run() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate), coalesce=False)
    await bench.take(change("a", event_id="1"), change("a", event_id="2"), change("b"))
    assert sorted(gate.running) == ["a", "b"]
    gate.finish("a")
    await settle()
    gate.finish("a")
    gate.finish("b")
    await settle()
    assert [event.id for event, _ in bench.handler.seen if event.entity_id == "a"] == ["1", "2"]
    assert gate.overlaps == []


async def test_no_more_runs_than_allowed_at_once() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate), max_in_flight=3)
    await bench.take(*(change(f"k{i}") for i in range(10)))
    assert bench.executor.running == 3
    for i in range(10):
        gate.finish(f"k{i}")
        await settle()
    assert gate.most == 3
    assert bench.partition.acked == list(range(10))


async def test_fifty_queued_events_of_a_record_cost_two_runs_with_all_changed_names() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(*(change("a", changed=(f"f{i}",), event_id=f"e{i}") for i in range(50)))
    gate.finish("a")
    await settle()
    gate.finish("a")
    await settle()
    assert len(bench.handler.seen) == 2
    event, attempt = bench.handler.seen[1]
    assert event.id == "e49"
    assert event.changed == tuple(f"f{i}" for i in range(1, 50))
    assert [one.id for one in attempt.events] == [f"e{i}" for i in range(1, 50)]
    assert bench.partition.acked == list(range(50))


async def test_the_running_event_takes_no_late_ones_in() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(change("a", Action.CREATE))
    await bench.take(change("a", Action.DELETE))
    gate.finish("a")
    await settle()
    assert bench.partition.acked == [0]
    gate.finish("a")
    await settle()
    assert [event.action for event, _ in bench.handler.seen] == [Action.CREATE, Action.DELETE]


async def test_intake_waits_while_the_buffer_is_full() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate), max_buffered=2)
    await bench.take(change("a"), change("b"))
    third = asyncio.ensure_future(bench.executor.submit(bench.partition.deliver(change("c"))))
    await settle()
    assert not third.done()
    assert bench.executor.buffered == 2
    gate.finish("a")
    await settle()
    assert third.done()
    assert bench.executor.buffered == 2


async def test_an_intake_that_waited_through_a_rebalance_drops_its_record() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate), max_buffered=1)
    await bench.take(change("a"))
    waiting = asyncio.ensure_future(bench.executor.submit(bench.partition.deliver(change("b"))))
    await settle()
    draining = asyncio.ensure_future(bench.executor.drain(5))
    await settle()
    gate.finish("a")
    await draining
    bench.executor.open(2)
    await settle()
    assert waiting.done()
    assert bench.handler.keys == ["a"]


async def test_a_transient_failure_is_retried_in_place_and_holds_only_its_key() -> None:
    failures = {"a": 2}

    async def flaky(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if failures.get(event.entity_id, 0):
            failures[event.entity_id] -= 1
            raise RemoteUnavailable("advoware", "503")
        return Done("written")

    bench = Bench(ScriptedHandler(flaky), max_in_flight=1)
    await bench.take(change("a"), change("b"))
    assert bench.handler.keys == ["a", "b"]
    await bench.timers.advance(0.9)
    assert bench.handler.keys == ["a", "b"]
    await bench.timers.advance(0.1 + 2.0)
    assert bench.handler.keys == ["a", "b", "a", "a"]
    assert [attempt.number for event, attempt in bench.handler.seen if event.entity_id == "a"] == [1, 2, 3]
    assert bench.partition.acked == [0, 1]


async def test_events_that_arrive_while_a_key_waits_join_its_next_try() -> None:
    async def flaky(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if attempt.number == 1:
            raise Locked("held")
        return Done("written")

    bench = Bench(ScriptedHandler(flaky))
    await bench.take(change("a", event_id="1"))
    await bench.take(change("a", event_id="2"))
    await bench.timers.advance(1)
    assert [event.id for event, _ in bench.handler.seen] == ["1", "2"]
    assert bench.partition.acked == [0, 1]


async def test_a_remote_that_names_a_time_is_given_it() -> None:
    async def limited(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if attempt.number == 1:
            raise RateLimited("advoware", retry_after=7.0)
        return Done("written")

    bench = Bench(ScriptedHandler(limited))
    await bench.take(change("a"))
    await bench.timers.advance(6.9)
    assert len(bench.handler.seen) == 1
    await bench.timers.advance(0.2)
    assert len(bench.handler.seen) == 2


async def failing(event: ChangeEvent, attempt: Attempt) -> Outcome:
    raise RemoteUnavailable("advoware", "503")


async def test_a_spent_budget_parks_the_record_and_acks() -> None:
    bench = Bench(ScriptedHandler(failing))
    await bench.take(change("a"))
    await bench.timers.advance(60)
    assert bench.handler.parked == [("a", "remote_unavailable")]
    assert bench.partition.acked == [0]
    assert bench.timers.pending == 0


async def test_a_parking_that_fails_is_waited_for() -> None:
    away = [True]

    async def park(event: ChangeEvent) -> None:
        if away:
            raise RemoteUnavailable("postgres", "connect")

    bench = Bench(ScriptedHandler(failing, on_give_up=park))
    await bench.take(change("a"))
    await bench.timers.advance(300)
    assert bench.partition.acked == []
    away.clear()
    await bench.timers.advance(10)
    assert bench.handler.parked == [("a", "remote_unavailable")]
    assert bench.partition.acked == [0]


async def test_where_nothing_may_be_parked_a_remote_that_wants_to_be_left_alone_is_asked_once_a_minute() -> None:
    refused = CredentialsRefused("advoware_auth", "credentials refused", retry_after=600)

    async def refuse(event: ChangeEvent, attempt: Attempt) -> Outcome:
        raise refused

    async def wait(event: ChangeEvent) -> None:
        raise refused

    bench = Bench(ScriptedHandler(refuse, on_give_up=wait))
    await bench.take(change("a"))
    await bench.timers.advance(600)
    assert 10 <= len(bench.handler.seen) <= 12
    assert bench.partition.acked == []


async def test_a_permanent_error_goes_to_the_handlers_refusal_and_is_done() -> None:
    async def rejected(event: ChangeEvent, attempt: Attempt) -> Outcome:
        raise RemoteRejected("espocrm", 400, "valid", field="lastName")

    bench = Bench(ScriptedHandler(rejected))
    await bench.take(change("a"))
    assert bench.handler.refusals == [("a", "remote_rejected")]
    assert bench.partition.acked == [0]
    assert bench.letters.buried == []


async def test_a_refusal_that_cannot_be_said_is_tried_again() -> None:
    away = [True]

    async def refuse(event: ChangeEvent) -> None:
        if away:
            raise TransientError("espocrm away")

    async def rejected(event: ChangeEvent, attempt: Attempt) -> Outcome:
        raise RemoteRejected("espocrm", 400, "valid")

    bench = Bench(ScriptedHandler(rejected, on_refused=refuse))
    await bench.take(change("a"))
    assert bench.partition.acked == []
    away.clear()
    await bench.timers.advance(1)
    assert bench.handler.refusals == [("a", "remote_rejected")]
    assert bench.partition.acked == [0]


async def test_a_refusal_that_is_refused_becomes_a_dead_letter() -> None:
    async def rejected(*_: object) -> Outcome:
        raise RemoteRejected("espocrm", 400, "valid")

    bench = Bench(ScriptedHandler(rejected, on_refused=rejected))  # type: ignore[arg-type]
    await bench.take(change("a"))
    assert bench.letters.reasons == ["remote_rejected"]
    assert bench.partition.acked == [0]


async def test_what_is_no_event_becomes_a_dead_letter_and_its_key_goes_on() -> None:
    bench = Bench()
    await bench.take(Record(b"a", b"not json", ()), change("a"))
    assert bench.letters.reasons == ["invalid_event"]
    assert bench.handler.keys == ["a"]
    assert bench.partition.acked == [0, 1]


async def test_an_undecodable_record_among_merged_ones_is_buried_once_though_the_rest_is_retried() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(change("a", event_id="0"), Record(b"a", b"{}", ()), change("a", event_id="2"))
    gate.finish("a")
    await settle()
    gate.fail("a", Locked("held"))
    await bench.timers.advance(1)
    gate.finish("a")
    await settle()
    assert bench.letters.reasons == ["invalid_event"]
    assert [event.id for event, _ in bench.handler.seen] == ["0", "2", "2"]
    assert bench.partition.acked == [0, 1, 2]
    assert bench.executor.buffered == 0


async def test_an_event_of_another_topics_noun_is_a_dead_letter() -> None:
    bench = Bench()
    bench.executor.takes_only("adressen")
    await bench.take(change("a"))
    assert bench.letters.reasons == ["invalid_event"]


async def test_a_handler_may_refuse_an_event_as_invalid() -> None:
    async def unknown(event: ChangeEvent, attempt: Attempt) -> Outcome:
        raise InvalidEvent("unknown type")

    bench = Bench(ScriptedHandler(unknown))
    await bench.take(change("a"))
    assert bench.letters.reasons == ["invalid_event"]
    assert bench.handler.refusals == []


async def test_a_bug_is_a_dead_letter_whose_report_has_no_values() -> None:
    async def broken(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id == "good":
            return Done("written")
        raise ValueError("Mustermann, Erika")

    bench = Bench(ScriptedHandler(broken))
    await bench.take(change("a"), change("good"))
    _, reason, message, traceback = bench.letters.buried[0]
    assert (reason, message) == ("bug", "ValueError")
    assert "broken" in traceback
    assert "ValueError" in traceback
    assert "Mustermann" not in traceback
    assert bench.partition.acked == [0, 1]


async def test_dead_letters_that_cannot_be_written_stall_the_partition_and_lose_nothing() -> None:
    bench = Bench()
    bench.letters.error = RemoteUnavailable("kafka", "no acknowledgement")
    await bench.take(Record(b"a", b"x", ()), change("b"))
    assert bench.partition.acked == []
    bench.letters.error = None
    await bench.timers.advance(10)
    assert bench.letters.reasons == ["invalid_event"]
    assert bench.partition.acked == [0, 1]


async def broken(event: ChangeEvent, attempt: Attempt) -> Outcome:
    raise KeyError(event.entity_id)


async def test_bugs_in_a_row_blow_the_fuse_and_none_is_acked() -> None:
    blown: list[str] = []
    bench = Bench(ScriptedHandler(broken), fuse_after=3, max_in_flight=1)
    bench.executor.on_blown = blown.append
    await bench.take(*(change(f"k{i}") for i in range(10)))
    assert blown == ["KeyError"]
    assert bench.executor.blown_at == "vmh.beteiligte-0@2"
    assert bench.letters.reasons == []
    assert bench.partition.acked == []
    bench.executor.open(2)
    await settle()
    assert len(bench.handler.seen) == 3


async def test_one_poisonous_record_or_a_success_in_between_does_not_blow_the_fuse() -> None:
    async def some(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id.startswith("bad"):
            raise KeyError
        return Done("written")

    bench = Bench(ScriptedHandler(some), fuse_after=2, max_in_flight=1, coalesce=False)
    for key in ("bad", "bad", "good", "bad2", "good", "bad3", "good"):
        await bench.take(change(key))
    assert bench.partition.acked == list(range(7))


async def test_a_drain_waits_for_the_running_and_forgets_the_queued() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate), max_in_flight=1)
    await bench.take(change("a"), change("b"), change("c"))
    draining = asyncio.ensure_future(bench.executor.drain(5))
    await settle()
    assert not draining.done()
    gate.finish("a")
    done = await draining
    assert (done.forgotten, done.cancelled, done.left) == (2, 0, 0)
    assert bench.partition.acked == [0]
    assert bench.executor.buffered == 0


async def test_a_drain_ends_at_its_deadline_by_cancelling() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(change("a"))
    draining = asyncio.ensure_future(bench.executor.drain(5))
    await bench.timers.advance(5)
    done = await draining
    assert (done.cancelled, done.left) == (1, 0)
    assert bench.partition.acked == []
    assert bench.executor.buffered == 0
    assert gate.running == {}


@pytest.mark.parametrize("end", [Done("written"), Locked("held")])
async def test_a_run_that_outlives_its_cancellation_keeps_its_key_and_never_acks(end: Outcome | Locked) -> None:
    gate = Gate()
    release: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def stubborn(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.id == "first":
            while not release.done():
                try:
                    await asyncio.shield(release)
                except asyncio.CancelledError:
                    continue
            if isinstance(end, Locked):
                raise end
            return end
        return await gate(event, attempt)

    bench = Bench(ScriptedHandler(stubborn))
    await bench.take(change("a", event_id="first"))
    draining = asyncio.ensure_future(bench.executor.drain(5))
    await bench.timers.advance(8)
    assert (await draining).left == 1
    second = Partition(generation=2)
    bench.executor.open(2)
    await bench.executor.submit(second.deliver(change("a", event_id="second"), offset=7))
    await settle()
    assert "a" not in gate.running
    release.set_result(None)
    await settle()
    assert bench.partition.acked == []
    gate.finish("a")
    await settle()
    await bench.timers.advance(20)
    assert second.acked == [7]
    assert [event.id for event, _ in bench.handler.seen] == ["first", "second"]
    assert bench.executor.buffered == 0


async def test_a_retry_timer_that_fires_during_a_drain_starts_nothing_afterwards() -> None:
    gate = Gate()

    async def flaky(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity_id == "r" and attempt.number == 1:
            raise Locked("held")
        return await gate(event, attempt)

    bench = Bench(ScriptedHandler(flaky), max_in_flight=2)
    await bench.take(change("slow"), change("late"))
    draining = asyncio.ensure_future(bench.executor.drain(5))
    await settle()
    gate.fail("late", Locked("held"))
    await bench.timers.advance(2)
    gate.finish("slow")
    assert (await draining).cancelled == 0
    again = Partition(generation=2)
    bench.executor.open(2)
    for offset, key in enumerate(("slow", "late")):
        await bench.executor.submit(again.deliver(change(key), offset=offset))
    await bench.timers.advance(10)
    assert gate.overlaps == []
    assert [key for key in bench.handler.keys if key == "late"] == ["late", "late"]
    gate.finish("late")
    await settle()
    assert again.acked == [0, 1]


async def test_what_was_done_before_a_rebalance_is_not_done_again_after_it() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(change("a"), change("b"))
    gate.finish("b")
    draining = asyncio.ensure_future(bench.executor.drain(5))
    await bench.timers.advance(5)
    await draining
    assert bench.partition.acked == []
    again = Partition(generation=2)
    bench.executor.open(2)
    await bench.executor.submit(again.deliver(change("a")))
    await bench.executor.submit(again.deliver(change("b")))
    await settle()
    gate.finish("a")
    await settle()
    assert bench.handler.keys == ["a", "b", "a"]
    assert again.acked == [0, 1]


async def test_a_topic_created_anew_is_worked_off_though_its_offsets_are_known() -> None:
    bench = Bench()
    await bench.take(change("a"), change("b"))
    await bench.executor.drain(5)
    anew = Partition(generation=2)
    bench.executor.open(2)
    await bench.executor.submit(anew.deliver(change("a", event_id="new"), at=1_800_000_000.0))
    await bench.executor.submit(anew.deliver(change("b", event_id="new"), at=1_800_000_000.0))
    await settle()
    assert bench.handler.keys == ["a", "b", "a", "b"]
    assert anew.acked == [0, 1]


async def test_a_log_made_anew_under_a_running_record_is_consumed_from_its_start() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate))
    await bench.take(change("a"), change("b"), change("c"))
    gate.finish("b")
    await settle()
    assert bench.executor.took(Partition().deliver(change("a")))
    assert bench.executor.took(Partition().deliver(change("b"), offset=1))
    anew = Partition()
    fresh = anew.deliver(change("d"), at=1_800_000_000.0)
    assert not bench.executor.took(fresh)
    bench.executor.start_anew(fresh.source)
    await bench.executor.submit(fresh)
    gate.finish("a")
    gate.finish("c")
    await settle()
    assert bench.partition.acked == []
    gate.finish("d")
    await settle()
    assert anew.acked == [0]
    assert bench.executor.buffered == 0


async def test_nothing_starts_while_the_lease_is_lost_and_all_goes_on_when_it_is_back() -> None:
    held = [False]
    bench = Bench()
    bench.executor.may_start = lambda: held[0]
    await bench.take(change("a"))
    await bench.timers.advance(5)
    assert bench.handler.keys == []
    held[0] = True
    await bench.timers.advance(1)
    assert bench.handler.keys == ["a"]


async def test_a_try_that_hangs_is_broken_off_and_counts_as_transient() -> None:
    gate = Gate()
    bench = Bench(ScriptedHandler(gate), attempt_seconds=30.0)
    await bench.take(change("a"))
    await bench.timers.advance(31)
    await bench.timers.advance(1)
    assert [attempt.number for _, attempt in bench.handler.seen] == [1, 2]
    gate.finish("a")
    await settle()
    assert bench.partition.acked == [0]


async def test_a_cancellation_from_inside_the_handler_is_retried_and_not_forgotten() -> None:
    async def leaky(event: ChangeEvent, attempt: Attempt) -> Outcome:
        if attempt.number == 1:
            raise asyncio.CancelledError
        return Done("written")

    bench = Bench(ScriptedHandler(leaky))
    await bench.take(change("a"))
    await bench.timers.advance(1)
    assert bench.partition.acked == [0]


@pytest.mark.parametrize("budget", [5.0, 45.0, 120.0])
async def test_no_record_is_tried_in_place_longer_than_the_budget(budget: float) -> None:
    policy = RetryPolicy(base=0.5, cap=8.0, jitter=0.3, budget=budget, max_attempts=1000)
    bench = Bench(ScriptedHandler(failing), retry=policy)
    await bench.take(change("a"))
    await bench.timers.advance(budget)
    assert bench.partition.acked == [0]
    assert len(bench.handler.parked) == 1
