"""The worker as a real process on a real broker: acks, dead letters, its start and its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.backends import LazyBackends
from synckit.events import Action, Record, encode
from synckit.testing.worker import change
from tests.integration.worker_stage import Stage, changes

pytestmark = pytest.mark.stack


@pytest.fixture
def stage(backends: LazyBackends, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(backends, tmp_path)
    yield made
    made.close()


def test_nothing_behind_a_record_in_flight_is_committed(stage: Stage) -> None:
    stage.create(partitions=1)
    worker = stage.worker()
    stage.publish(change("k", event_id="0"), change("hold", event_id="1"), *changes(30, 10, first=2))
    stage.until(lambda: len(stage.done_ids()) == 31, what="all but the held one are done")
    stage.until(lambda: stage.committed() == {0: 1}, what="the first one is committed")
    stage.publish(*changes(10, 5, first=40))
    stage.until(lambda: len(stage.done_ids()) == 41, what="more are done behind it")
    assert stage.committed() == {0: 1}
    stage.until(lambda: stage.journal("state")[-1]["lag"] == 41, what="it knows what is behind")
    stage.release("hold")
    stage.until(lambda: stage.committed() == {0: 42}, what="everything is committed")
    stage.until(lambda: stage.journal("state")[-1]["lag"] == 0, what="and that nothing is")
    assert worker.is_ready()
    assert worker.terminate() == 0


def test_a_backlog_waits_outside_while_the_buffer_is_full_and_is_worked_off_then(stage: Stage) -> None:
    stage.create(partitions=2)
    worker = stage.worker(limits={"max_buffered": 5})
    stage.until(worker.is_ready, what="ready")
    held = [f"hold-{number}" for number in range(5)]
    stage.publish(*(change(key, event_id=key) for key in held))
    stage.until(lambda: len(stage.journal("start")) == 5, what="the buffer is full")
    stage.publish(*changes(6000, 100))
    assert stage.done_ids() == []
    for key in held:
        stage.release(key)
    stage.until(lambda: sum(stage.committed().values()) == 6005, what="all is done and committed")
    assert len(stage.done_ids()) == 6005


def test_fifty_events_of_a_record_are_at_most_two_runs(stage: Stage) -> None:
    stage.create()
    stage.worker(coalesce=True)
    stage.publish(*(change("hold", event_id=str(number)) for number in range(50)))
    stage.until(lambda: len(stage.journal("start")) == 1, what="the first run has begun")
    stage.release("hold")
    stage.until(lambda: sorted(stage.done_ids(), key=int) == [str(number) for number in range(50)], what="all done")
    assert len(stage.journal("start")) <= 2
    stage.until(lambda: sum(stage.committed().values()) == 50, what="all committed")


def test_what_is_no_event_is_a_dead_letter_with_its_reason_and_origin_and_holds_nothing_up(stage: Stage) -> None:
    stage.create(partitions=1)
    good = encode(change("a", event_id="good"))
    unknown = Record(
        good.key,
        good.value.replace(b'"update"', b'"explode"'),
        tuple((name, b"vmh.beteiligte.explode" if name == "ce_type" else value) for name, value in good.headers),
    )
    stage.publish(
        Record(b"a", b"\xff\x00 no json", good.headers),
        unknown,
        Record(b"", b"", ()),
        Record(b"other-key", good.value, good.headers),
        change("bug", event_id="the-bug"),
        change("lock", event_id="after-a-retry"),
        change("b", Action.DELETE, event_id="last"),
    )
    stage.worker()
    stage.until(lambda: stage.committed() == {0: 7}, what="all is done and committed")
    letters = stage.dead_letters()
    assert sorted((one["dlq_offset"], one["dlq_reason"]) for one in letters) == [
        ("0", "invalid_event"),
        ("1", "invalid_event"),
        ("2", "invalid_event"),
        ("3", "invalid_event"),
        ("4", "bug"),
    ]
    [bug] = [one for one in letters if one["dlq_reason"] == "bug"]
    assert (bug["dlq_topic"], bug["dlq_partition"], bug["ce_id"]) == (stage.topic, "0", "the-bug")
    assert (bug["dlq_message"], bug["dlq_service"]) == ("KeyError", "test-worker")
    assert "in handle" in bug["dlq_traceback"]
    assert sorted(stage.done_ids()) == ["after-a-retry", "last"]


def test_a_restart_loop_over_bugs_buries_and_commits_nothing(stage: Stage) -> None:
    """A bug in every event: each start stops by itself, names the record, and leaves the topic as it was."""
    stage.create(partitions=1)
    stage.publish(*(change(f"bug-{number}", event_id=str(number)) for number in range(10)))
    for _ in range(3):
        worker = stage.worker()
        assert worker.ended() == 1, worker.log_tail()
        [line] = worker.log_lines("worker.failed")
        assert line["error"].startswith(f"fuse blown: KeyError at {stage.topic}-0@"), line
    assert stage.dead_letters() == []
    assert stage.committed() == {}


def test_a_missing_topic_is_named_with_the_command_that_creates_it(stage: Stage) -> None:
    worker = stage.worker()
    assert worker.ended() == 1
    [line] = worker.log_lines("worker.failed")
    assert stage.topic in line["error"]
    assert "python -m synckit.kafka apply" in line["error"]


def test_a_sigterm_lets_the_running_end_and_commits(stage: Stage) -> None:
    stage.create(partitions=1)
    worker = stage.worker(seconds=0.5)
    stage.publish(*changes(3, 3))
    stage.until(lambda: len(stage.journal("start")) == 3, what="three are running")
    assert worker.terminate() == 0
    assert sorted(stage.done_ids()) == ["0", "1", "2"]
    assert stage.committed() == {0: 3}


def test_a_recovery_step_that_times_out_is_started_again(stage: Stage) -> None:
    stage.create()
    stage.publish(*changes(5, 5))
    worker = stage.worker(slow_first_seek=4.0, worker={"session_seconds": 2.0, "heartbeat_seconds": 0.5})
    stage.until(lambda: len(set(stage.done_ids())) == 5, what="consumed after a slow seek")
    assert worker.log_lines("worker.recovery_again")


def test_a_session_time_out_that_the_broker_refuses_ends_the_process_instead_of_leaving_it_silent(stage: Stage) -> None:
    stage.create()
    worker = stage.worker(worker={"session_seconds": 2000.0}, patience={"first_assignment": 2.0})
    assert worker.ended() == 70
    [line] = worker.log_lines("worker.watchdog")
    assert line["error"] == "no first assignment"
