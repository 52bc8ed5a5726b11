"""What Kafka hands out may be undecodable, compressed, purged, transactional, huge: none of it stops a partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from deploy.local.backends import LazyBackends
from synckit.events import Record, encode
from synckit.testing.worker import change
from tests.integration.worker_stage import Stage, WorkerProcess, changes

pytestmark = pytest.mark.stack
STUCK = 5.0
"""Seconds until the watchdog ends a worker with lag and without progress."""


@pytest.fixture
def stage(backends: LazyBackends, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(backends, tmp_path)
    yield made
    made.close()


def produce(stage: Stage, send: Callable[[AIOKafkaProducer], Awaitable[Any]], **options: Any) -> None:
    async def run() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stage.bootstrap, max_request_size=4_000_000, **options)
        await producer.start()
        try:
            await send(producer)
        finally:
            await producer.stop()

    asyncio.run(run())


def sending(stage: Stage, *records: Record) -> Callable[[AIOKafkaProducer], Awaitable[Any]]:
    async def send(producer: AIOKafkaProducer) -> None:
        for one in records:
            await producer.send_and_wait(
                stage.topic, key=one.key, value=one.value, headers=list(one.headers), partition=0
            )

    return send


class NoText(str):
    """A header's name as other clients may write it: bytes that are no UTF-8."""

    def encode(self, *_: Any) -> bytes:
        return b"n\xff\xfe"


class OddBuilder(_DefaultRecordBatchBuilderPy):  # type: ignore[misc]
    """Writes such a name where it is given `NAME`."""

    def append(self, offset: int, timestamp: Any, key: Any, value: Any, headers: Any, **more: Any) -> Any:
        told = [(NoText(name) if name == "NAME" else name, content) for name, content in headers]
        return super().append(offset, timestamp, key, value, told, **more)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_topic_with_any_codec_is_read(stage: Stage, codec: str) -> None:
    stage.create(partitions=1)
    events = [encode(change("k", changed=("lastName",) * 100, event_id=str(number))) for number in range(20)]
    produce(stage, sending(stage, *events), compression_type=codec)
    stage.worker()
    stage.until(lambda: stage.committed() == {0: 20}, what="all is done and committed")
    assert sorted(stage.done_ids(), key=int) == [str(number) for number in range(20)]


def test_undecodable_and_huge_records_are_stubs_and_the_rest_is_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.create(partitions=1)
    first, last = encode(change("a", event_id="first")), encode(change("b", event_id="last"))
    huge = Record(b"a", b"x" * 1_040_000, ())
    headers = Record(b"a", b"{}", (("n" * 1_000_000, b"v"),))
    many = Record(b"a", b"{}", tuple((f"h{number}", b"v") for number in range(20_000)))
    tombstone, keyless = Record(b"a", None, ()), Record(None, first.value, ())  # type: ignore[arg-type]
    odd = Record(b"a", first.value, (("NAME", b"v"), *first.headers))
    produce(stage, sending(stage, first, huge, headers, many, tombstone, keyless))
    monkeypatch.setattr("aiokafka.producer.message_accumulator.DefaultRecordBatchBuilder", OddBuilder)
    produce(stage, sending(stage, odd))
    monkeypatch.undo()
    produce(stage, sending(stage, last))
    worker = stage.worker()
    stage.until(lambda: stage.committed() == {0: 8}, what="all is done and committed")
    letters = {one["dlq_offset"]: one for one in stage.dead_letters()}
    assert sorted(letters) == ["1", "2", "3", "4", "5", "6"]
    assert {one["dlq_reason"] for one in letters.values()} == {"invalid_event"}
    assert letters["1"]["dlq_size"] == "1040000"
    assert "no UTF-8" in letters["6"]["dlq_message"]
    assert stage.done_ids() == ["first", "last"]
    assert worker.is_ready()


def test_purged_records_are_no_lag(stage: Stage) -> None:
    stage.create(partitions=1)
    stage.publish(*changes(20, 10))
    asyncio.run(_purge(stage, 20))
    worker = stage.worker(patience={"stuck": STUCK})
    stage.until(worker.is_ready, what="ready")
    stage.publish(*changes(3, 3, first=100))
    stage.until(lambda: len(stage.done_ids()) == 3, what="it reads on behind the gap")
    asyncio.run(_purge(stage, 23))
    stage.until(lambda: stage.committed() == {0: 23}, what="committed")
    stage.until(lambda: stage.journal("state")[-1]["lag"] == 0, what="no lag")
    _stays(worker, stage)


def test_markers_of_transactions_at_the_end_are_no_lag(stage: Stage) -> None:
    stage.create(partitions=1)

    async def send(producer: AIOKafkaProducer) -> None:
        async with producer.transaction():
            await sending(stage, *(encode(one) for one in changes(3, 3)))(producer)
        await producer.begin_transaction()
        await sending(stage, encode(change("aborted", event_id="aborted")))(producer)
        await producer.abort_transaction()

    produce(stage, send, transactional_id=f"id-{stage.topic}")
    worker = stage.worker(patience={"stuck": STUCK})
    stage.until(lambda: len(set(stage.done_ids())) == 4, what="all is read")
    stage.until(lambda: stage.journal("state")[-1]["lag"] == 0, what="no lag")
    _stays(worker, stage)
    assert worker.terminate() == 0
    again = stage.worker(patience={"stuck": STUCK})
    stage.until(again.is_ready, what="ready once more")
    _stays(again, stage)


def _stays(worker: WorkerProcess, stage: Stage) -> None:
    """Longer than the watchdog is patient: it would have ended a worker that it takes for stuck."""
    until = time.monotonic() + 1.5 * STUCK
    stage.until(lambda: time.monotonic() > until or worker.process.poll() is not None, "it has had its time")
    assert worker.process.poll() is None, worker.log_tail()


async def _purge(stage: Stage, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(stage.topic, 0): RecordsToDelete(before)})
    finally:
        await admin.close()
