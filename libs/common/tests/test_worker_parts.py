"""The executor's parts by themselves: retry schedule, trackers, memory, lanes, fuse, report."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit.error_text import message_of, traceback_of
from synckit.errors import MappingError
from synckit.testing.worker import EPOCH, FakeTimers, Partition, change
from synckit.worker import RetryPolicy
from synckit.worker.fuse import Fuse
from synckit.worker.lanes import Lanes
from synckit.worker.tracker import Completed, Entry, Trackers

chances = st.floats(min_value=0.0, max_value=1.0, exclude_max=True)


@given(attempts=st.integers(1, 10_000), chance=chances)
def test_a_pause_stays_within_its_cap_and_jitter(attempts: int, chance: float) -> None:
    policy = RetryPolicy(base=0.5, cap=10.0, jitter=0.3)
    assert 0.35 <= policy.pause(attempts, chance) <= 13.0


@given(attempts=st.integers(1, 30))
def test_pauses_without_jitter_never_shrink(attempts: int) -> None:
    policy = RetryPolicy(jitter=0.0)
    assert policy.pause(attempts + 1, 0.5) >= policy.pause(attempts, 0.5)


@given(
    attempts=st.integers(1, 30),
    elapsed=st.floats(0, 100),
    retry_after=st.none() | st.floats(0, 100),
    chance=chances,
)
def test_a_next_try_is_within_the_budget_and_not_before_the_remote_wants_it(
    attempts: int, elapsed: float, retry_after: float | None, chance: float
) -> None:
    policy = RetryPolicy(budget=45.0, max_attempts=12)
    delay = policy.next_delay(attempts, elapsed, retry_after, chance)
    if delay is None:
        assert attempts >= 12 or elapsed + max(13.0, retry_after or 0.0) > 45.0
    else:
        assert delay >= (retry_after or 0.0)
        assert elapsed + delay <= 45.0
        assert attempts < 12


@given(attempts=st.integers(1, 11), wait=st.floats(0, 25), chance=chances)
def test_a_time_that_is_known_is_kept_to_however_many_tries_there_were(
    attempts: int, wait: float, chance: float
) -> None:
    assert RetryPolicy(budget=45.0, max_attempts=12).next_delay(attempts, 0.0, wait, chance, known=True) == wait


@given(order=st.permutations(range(8)))
def test_a_tracker_acks_in_order_whatever_the_order_of_completion(order: list[int]) -> None:
    partition = Partition()
    trackers = Trackers()
    entries = [trackers.add(partition.deliver(change("a"))) for _ in range(8)]
    for number in order:
        entries[number].done = True
        entries[number].tracker.advance()
        assert partition.acked == sorted(partition.acked)
        assert all(entries[offset].done for offset in partition.acked)
    assert partition.acked == list(range(8))


def test_a_closed_tracker_acks_nothing_more() -> None:
    partition = Partition()
    trackers = Trackers()
    entry = trackers.add(partition.deliver(change("a")))
    trackers.close()
    entry.done = True
    assert entry.tracker.advance() == 0
    assert partition.acked == []


def test_a_new_generation_ends_the_acks_of_the_old_one() -> None:
    old, new = Partition(generation=1), Partition(generation=2)
    trackers = Trackers()
    late = trackers.add(old.deliver(change("a")))
    fresh = trackers.add(new.deliver(change("a")))
    late.done = fresh.done = True
    late.tracker.advance()
    fresh.tracker.advance()
    assert (old.acked, new.acked) == ([], [0])


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "done", "next generation", "close partition", "close"]), st.integers(0, 2)),
        max_size=60,
    )
)
def test_what_is_taken_is_what_may_still_be_acked(script: list[tuple[str, int]]) -> None:
    """The count that everybody asks for is never off, whatever closes which partition with what in it."""
    trackers, generation = Trackers(), 1
    partitions = [Partition(f"t{number}") for number in range(3)]
    entries: list[tuple[int, Entry]] = []
    for step, number in script:
        if step == "add":
            delivery = replace(partitions[number].deliver(change("a")), generation=generation)
            entries.append((number, trackers.add(delivery)))
        elif step == "done":
            for _, entry in [each for each in entries if each[0] == number][-2:]:
                entry.done = True
                entry.tracker.advance()
        elif step == "next generation":
            generation += 1
        elif step == "close partition":
            trackers.close_partition(partitions[number].deliver(change("a")).source)
        else:
            trackers.close()
        assert trackers.taken == sum(not entry.acked and not entry.tracker.closed for _, entry in entries)


def test_the_memory_knows_a_record_again_by_its_offset_time_and_key() -> None:
    memory = Completed()
    partition = Partition()
    done = partition.deliver(change("a"), offset=5)
    memory.remember(done)
    assert memory.knows(Partition().deliver(change("a"), offset=5))
    assert not memory.knows(Partition().deliver(change("a"), offset=6))
    assert not memory.knows(Partition(number=1).deliver(change("a"), offset=5))


@given(other_time=st.booleans())
def test_a_mismatch_drops_the_memory_of_its_whole_partition(other_time: bool) -> None:
    memory = Completed()
    for offset in range(3):
        memory.remember(Partition().deliver(change("a"), offset=offset))
        memory.remember(Partition(number=1).deliver(change("a"), offset=offset))
    anew = Partition().deliver(change("a" if other_time else "b"), offset=0, at=EPOCH + 9 if other_time else EPOCH)
    assert not memory.knows(anew)
    assert not memory.knows(Partition().deliver(change("a"), offset=1))
    assert memory.knows(Partition(number=1).deliver(change("a"), offset=1))


def test_the_memory_is_bounded_and_keeps_the_newest() -> None:
    memory = Completed(keep=10)
    for offset in range(100):
        memory.remember(Partition().deliver(change("a"), offset=offset))
    assert len(memory) <= 20
    assert memory.knows(Partition().deliver(change("a"), offset=99))


@given(keys=st.lists(st.sampled_from("abc"), max_size=30), coalesce=st.booleans())
def test_lanes_serve_each_key_in_order_and_all_keys_in_turn(keys: list[str], coalesce: bool) -> None:
    partition = Partition()
    trackers = Trackers()
    lanes = Lanes(coalesce=coalesce)
    for key in keys:
        lanes.put(key, trackers.add(partition.deliver(change(key))))
    served: list[tuple[str, list[int]]] = []
    while (lane := lanes.start_next()) is not None:
        served.append((str(lane.key), [entry.delivery.offset for entry in lane.head.entries]))
        lanes.finish(lane)
    assert sorted(offset for _, offsets in served for offset in offsets) == list(range(len(keys)))
    for key in set(keys):
        of_key = [offset for name, offsets in served if name == key for offset in offsets]
        assert of_key == sorted(of_key)
    assert len(lanes) == 0
    distinct = len(set(keys))
    assert len({name for name, _ in served[:distinct]}) == distinct


def test_a_waiting_lane_that_was_forgotten_is_not_woken() -> None:
    timers = FakeTimers()
    lanes = Lanes(coalesce=True)
    lanes.put("a", Trackers().add(Partition().deliver(change("a"))))
    lane = lanes.start_next()
    assert lane is not None
    lanes.hold(lane, timers.call_later(1, lambda: None), "locked")
    assert lanes.waiting == 1
    assert len(list(lanes.forget_all_but_running())) == 1
    lanes.wake(lane)
    assert lanes.start_next() is None
    assert timers.pending == 0


@given(st.lists(st.sampled_from(["x", "y", "z", "ok"]), max_size=40))
def test_the_fuse_blows_exactly_when_enough_different_keys_fail_in_a_row(runs: list[str]) -> None:
    fuse = Fuse(3)
    for run in runs:
        if run == "ok":
            fuse.success()
        else:
            fuse.bug(run)
        if fuse.blown:
            break
    streaks = [[]]  # type: list[list[str]]
    for run in runs:
        if run == "ok":
            streaks.append([])
        else:
            streaks[-1].append(run)
    assert fuse.blown == any(len(set(streak)) >= 3 for streak in streaks)


def _raise_with_a_name() -> None:
    try:
        raise ValueError("Erika Mustermann")
    except ValueError as cause:
        raise MappingError("lastName", "right", "too long") from cause


def test_a_report_keeps_our_own_texts_and_drops_foreign_ones() -> None:
    with pytest.raises(MappingError) as caught:
        _raise_with_a_name()
    told = traceback_of(caught.value)
    assert message_of(caught.value) == "lastName: too long (right)"
    assert "Mustermann" not in told
    assert "MappingError: lastName: too long (right)" in told
    assert "ValueError" in told
    assert "_raise_with_a_name" in told
    places = [told.index("ValueError"), told.index("MappingError")]
    assert all(first < second for first, second in pairwise(places))
