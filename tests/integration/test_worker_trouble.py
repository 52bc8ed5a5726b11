"""The worker in trouble: its broker away, its topic made anew, itself killed or frozen. Nothing lost, no overlaps."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.backends import LazyBackends
from deploy.local.waiting import in_time
from synckit.faust.consumer import SafeConsumerThread
from tests.integration.worker_stage import Line, Stage, changes

pytestmark = pytest.mark.stack
QUICK = {"session_seconds": 2.0, "heartbeat_seconds": 0.5, "commit_interval": 0.5}


@pytest.fixture
def stage(backends: LazyBackends, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(backends, tmp_path)
    yield made
    made.close()
    if not backends.is_alive("kafka"):
        backends.restart("kafka")


def test_a_topic_deleted_and_created_again_is_consumed_from_its_new_start(stage: Stage) -> None:
    stage.create(partitions=2)
    worker = stage.worker(worker={**QUICK, "metadata_seconds": 1.0})
    stage.publish(*changes(80, 20))
    stage.until(lambda: sum(stage.committed().values()) == 80, what="the old topic is consumed and committed")
    stage.delete()
    stage.until(lambda: bool(worker.log_lines("worker.drained")), what="the worker has seen that it is gone")
    asyncio.run(stage.create_again(partitions=2))
    stage.publish(*changes(80, 20, first=1000))
    stage.until(lambda: len(set(stage.done_ids())) == 160, what="the new topic is consumed")
    stage.until(lambda: sum(stage.committed().values()) == 80, what="the new topic is committed")


async def test_what_was_fetched_too_early_is_fetched_again(stage: Stage) -> None:
    """Nothing was committed yet, and Faust drops what came before the assignment was complete."""
    await asyncio.to_thread(stage.create, partitions=2)
    await asyncio.to_thread(stage.publish, *changes(20, 20))
    bootstrap = stage.backends.kafka_bootstrap
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=stage.topic, auto_offset_reset="earliest")
    partitions = [TopicPartition(stage.topic, number) for number in (0, 1)]
    await consumer.start()
    try:
        consumer.assign(partitions)
        async with in_time("fetched, and fetched again"):
            await read(consumer, 20)
            await _Thread(consumer).seek_to_committed()
            await read(consumer, 20)
    finally:
        await consumer.stop()


async def read(consumer: AIOKafkaConsumer, count: int) -> None:
    while count > 0:
        count -= sum(map(len, (await consumer.getmany(timeout_ms=500)).values()))


class _Thread(SafeConsumerThread):
    """Without a thread of its own."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def call_thread(self, call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        return await call(*args)

    def _ensure_consumer(self) -> AIOKafkaConsumer:
        return self._consumer


def test_a_topic_made_anew_behind_the_workers_back_is_consumed_from_its_new_start(stage: Stage) -> None:
    stage.create(partitions=2)
    worker = stage.worker()
    stage.publish(*changes(80, 20))
    stage.until(lambda: sum(stage.committed().values()) == 80, what="the old topic is consumed and committed")
    worker.signal(signal.SIGSTOP)
    stage.delete()
    asyncio.run(stage.create_again(partitions=2))
    stage.publish(*changes(20, 20, first=1000))
    worker.signal(signal.SIGCONT)
    stage.until(lambda: len(set(stage.done_ids())) == 100, what="the new topic is consumed")
    stage.until(lambda: sum(stage.committed().values()) == 20, what="the new topic is committed")
    assert len(worker.log_lines("worker.partition_made_anew")) == 2


def test_without_its_broker_the_worker_waits_and_goes_on_when_it_is_back(stage: Stage) -> None:
    stage.create()
    worker = stage.worker(worker=QUICK)
    stage.publish(*changes(20, 10))
    stage.until(lambda: len(set(stage.done_ids())) == 20, what="consumed before")
    stage.until(worker.is_ready, what="ready")
    stage.backends.kill("kafka")
    stage.until(lambda: not worker.is_ready(), what="not ready without a broker")
    assert worker.is_live()
    stage.backends.restart("kafka")
    stage.publish(*changes(20, 10, first=20))
    stage.until(lambda: len(set(stage.done_ids())) == 40, what="consumed after")
    stage.until(worker.is_ready, what="ready again")


def test_started_before_its_broker_it_waits_says_so_and_is_not_ready(stage: Stage) -> None:
    stage.create()
    stage.publish(*changes(5, 5))
    stage.backends.kill("kafka")
    worker = stage.worker(worker=QUICK)
    stage.until(lambda: bool(worker.log_lines("kafka.waiting")), what="it says that it waits")
    assert worker.is_live()
    assert not worker.is_ready()
    stage.backends.restart("kafka")
    stage.until(lambda: len(set(stage.done_ids())) == 5, what="consumed once the broker is there")


def test_a_sigterm_while_the_broker_is_away_ends_the_process_within_its_limit(stage: Stage) -> None:
    stage.create()
    limits = {"drain_seconds": 2.0, "commit_seconds": 1.0, "slack_seconds": 3.0}
    worker = stage.worker(worker={**QUICK, **limits})
    stage.publish(*changes(20, 10))
    stage.until(lambda: len(set(stage.done_ids())) == 20, what="consumed before")
    stage.until(worker.is_ready, what="ready")
    stage.backends.kill("kafka")
    assert worker.terminate() in (0, 1)


def test_kill_9_loses_nothing_and_no_two_workers_run_one_key_at_a_time(stage: Stage) -> None:
    stage.create(partitions=8)
    first = stage.worker(worker=QUICK, seconds=0.02)
    second = stage.worker(worker=QUICK, seconds=0.02)
    stage.until(lambda: first.is_ready() and second.is_ready(), what="both are ready")
    stage.publish(*changes(200, 40))
    stage.until(lambda: len(stage.done_ids()) > 60, what="they work")
    first.kill()
    stage.publish(*changes(200, 40, first=200))
    third = stage.worker(worker=QUICK, seconds=0.02)
    stage.until(lambda: len(set(stage.done_ids())) == 400, what="all are done")
    stage.until(lambda: sum(stage.committed().values()) == 400, what="all are committed")
    stage.until(third.is_ready, what="the third is up, though the second may have done its part")
    assert second.terminate() == 0
    assert third.terminate() == 0
    assert not any(one.log_lines("worker.partition_made_anew") for one in stage.workers)
    assert _overlaps(stage.journal()) == []
    assert _out_of_order(stage.journal()) == []


def test_a_worker_that_was_frozen_starts_nothing_of_what_it_has_lost(stage: Stage) -> None:
    stage.create(partitions=1)
    frozen = stage.worker(worker=QUICK, seconds=0.1, limits={"max_in_flight": 1})
    stage.until(frozen.is_ready, what="ready")
    stage.publish(*changes(40, 40))
    stage.until(lambda: len(stage.journal("done")) >= 3, what="it works")
    frozen.signal(signal.SIGSTOP)
    other = stage.worker(worker=QUICK)
    stage.until(lambda: len(set(stage.done_ids())) == 40, what="the other one has taken over")
    frozen.signal(signal.SIGCONT)
    stage.publish(*changes(5, 5, first=100))
    stage.until(lambda: len(set(stage.done_ids())) == 45, what="life goes on")
    stage.until(frozen.is_ready, what="the frozen one has joined again")
    taken = next(line["at"] for line in stage.journal("start") if line["pid"] == other.pid)
    stale = [line for line in stage.journal("start") if line["pid"] == frozen.pid and line["at"] > taken]
    assert [line["id"] for line in stale if int(line["id"]) < 100] == []


def _runs(journal: list[Line]) -> dict[str, list[tuple[float, float, int, list[str]]]]:
    """Key → finished runs (start, end, pid, ids) in order of their start."""
    started: dict[tuple[int, str], float] = {}
    runs: defaultdict[str, list[tuple[float, float, int, list[str]]]] = defaultdict(list)
    for line in journal:
        if line["what"] == "start":
            started[line["pid"], line["key"]] = line["at"]
        elif line["what"] == "done":
            runs[line["key"]].append((started[line["pid"], line["key"]], line["at"], line["pid"], line["ids"]))
    return {key: sorted(of_key) for key, of_key in runs.items()}


def _overlaps(journal: list[Line]) -> list[str]:
    return [
        key
        for key, runs in _runs(journal).items()
        for first, second in itertools.pairwise(runs)
        if second[0] < first[1]
    ]


def _out_of_order(journal: list[Line]) -> list[str]:
    """Keys of which an event was done for the first time after a later one had been done."""
    wrong = []
    for key, runs in _runs(journal).items():
        firsts = list(dict.fromkeys(int(one) for run in runs for one in run[3]))
        if firsts != sorted(firsts):
            wrong.append(key)
    return wrong


def test_a_worker_that_gets_stuck_in_a_rebalance_ends_itself_and_its_partitions_move_on(stage: Stage) -> None:
    stage.create()
    stuck = stage.worker(hangs=True, patience={"rebalance": 3.0}, worker=QUICK)
    stage.until(stuck.is_ready, what="the first has all partitions")
    other = stage.worker(worker=QUICK)
    assert stuck.ended() == 70
    [line] = stuck.log_lines("worker.watchdog")
    assert line["error"] == "rebalancing without end"
    stage.publish(*changes(40, 20))
    stage.until(lambda: len(set(stage.done_ids())) == 40, what="the second works on all partitions")
    stage.until(lambda: other.log_lines("worker.assigned")[-1]["partitions"] == 4, what="and says that it has them")
