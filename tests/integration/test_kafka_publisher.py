"""The publisher and the topics command against a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import tracemalloc
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.backends import LazyBackends
from deploy.local.waiting import in_time
from synckit.eager import Begun
from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.events import Record
from synckit.kafka.__main__ import main as topics_command
from synckit.kafka.access import KafkaAccess
from synckit.kafka.batches import MOST_WAITING
from synckit.kafka.publisher import KafkaPublisher, MissingTopics, require_topics

pytestmark = pytest.mark.stack
FILE = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "topics.yaml"


async def create(bootstrap: str, *names: str, partitions: int = 3) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    answer = await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
    await admin.close()
    assert {error[1] for error in answer.topic_errors} == {0}


async def delete(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([name])
    await admin.close()


async def read_all(bootstrap: str, topic: str) -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(3)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        read: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = []
        while sum(ends.values()) > len(read):
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                read += [(one.key, one.value, list(one.headers)) for one in batch]
        return read
    finally:
        await consumer.stop()


def records(count: int) -> list[Record]:
    return [Record(f"k{number}".encode(), b"{}", (("ce_id", str(number).encode()),)) for number in range(count)]


@pytest.fixture
async def publisher(backends: LazyBackends) -> AsyncIterator[KafkaPublisher]:
    made = KafkaPublisher(KafkaAccess(backends.kafka_bootstrap), client_id="test", ack_seconds=60)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def hurried(backends: LazyBackends) -> AsyncIterator[KafkaPublisher]:
    """For what can't be acknowledged."""
    made = KafkaPublisher(KafkaAccess(backends.kafka_bootstrap), client_id="test", ack_seconds=3)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def topic(backends: LazyBackends) -> str:
    name = f"publisher.{uuid.uuid4()}"
    await create(backends.kafka_bootstrap, name)
    return name


async def test_what_publish_returned_for_is_in_the_topic(
    backends: LazyBackends, publisher: KafkaPublisher, topic: str
) -> None:
    await publisher.publish(topic, records(20))
    await publisher.ping()
    read = await read_all(backends.kafka_bootstrap, topic)
    assert sorted(read) == sorted((one.key, one.value, list(one.headers)) for one in records(20))


async def test_a_batch_for_a_topic_that_is_known_is_handed_over_without_a_wait(
    backends: LazyBackends, topic: str
) -> None:
    """As `TopicBatches` hopes for: else each of them would cost a task."""
    producer = AIOKafkaProducer(bootstrap_servers=backends.kafka_bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        await producer.partitions_for(topic)
        for number in range(3):
            batch = producer.create_batch()
            batch.append(timestamp=None, key=b"k", value=str(number).encode())
            handed = Begun(producer.send_batch(batch, topic, partition=0))
            assert handed.finished
            await handed.value
    finally:
        await producer.stop()
    assert [value for _, value, _ in await read_all(backends.kafka_bootstrap, topic)] == [b"0", b"1", b"2"]


async def test_a_topic_that_is_not_there_is_trouble_of_our_own(hurried: KafkaPublisher) -> None:
    with pytest.raises(RemoteUnavailable):
        await hurried.publish("no.such.topic", records(1))


async def test_a_record_that_no_broker_takes_is_refused_for_good(publisher: KafkaPublisher, topic: str) -> None:
    with pytest.raises(RemoteRejected):
        await publisher.publish(topic, [Record(b"k", b"x" * 2_000_000, ())])


async def test_a_topic_deleted_and_created_again_does_not_silence_the_publisher(
    backends: LazyBackends, publisher: KafkaPublisher, hurried: KafkaPublisher, topic: str
) -> None:
    await publisher.publish(topic, records(9))
    await delete(backends.kafka_bootstrap, topic)
    async with in_time():
        while not await _publishes(hurried, backends.kafka_bootstrap, topic):
            pass
    assert len(await read_all(backends.kafka_bootstrap, topic)) >= 9


async def _publishes(publisher: KafkaPublisher, bootstrap: str, topic: str) -> bool:
    with suppress(AssertionError):
        await create(bootstrap, topic)
    return await _publishes_to(publisher, topic)


async def test_without_its_broker_it_says_so_in_time_and_goes_on_when_it_is_back(
    backends: LazyBackends, publisher: KafkaPublisher, hurried: KafkaPublisher, topic: str
) -> None:
    await publisher.publish(topic, records(1))
    backends.kill("kafka")
    try:
        async with in_time():
            with pytest.raises(RemoteUnavailable):
                await hurried.publish(topic, records(30))
            with pytest.raises(RemoteUnavailable):
                await hurried.ping()
        unborn = KafkaPublisher(KafkaAccess(backends.kafka_bootstrap), client_id="test", ack_seconds=60)
        starting = asyncio.ensure_future(unborn.start())
        with pytest.raises(RemoteUnavailable, match="not connected"):
            await unborn.publish(topic, records(1))
    finally:
        await asyncio.to_thread(backends.restart, "kafka")
    async with in_time():
        await starting
        await unborn.publish(topic, records(1))
        await unborn.stop()
        await publisher.publish(topic, records(1))


async def test_while_its_broker_hangs_memory_stays_flat_and_too_much_is_refused_at_once(
    backends: LazyBackends, hurried: KafkaPublisher, topic: str
) -> None:
    await _published_at_last(hurried, topic)
    large = [Record(f"k{number}".encode(), b"x" * 10_000, ()) for number in range(30)]
    backends.freeze("kafka")
    tracemalloc.start()
    held: list[int] = []
    try:
        for _ in range(3):
            refused = await asyncio.gather(*(hurried.publish(topic, large) for _ in range(100)), return_exceptions=True)
            assert all(isinstance(error, RemoteUnavailable) for error in refused)
            assert sum("too much waits" in str(error) for error in refused) > 50
            del refused
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        backends.thaw("kafka")
    assert max(held) < 3 * (MOST_WAITING + 30 * 10_100) + 8_000_000, "of the 90 MB that were to be published"
    await _published_at_last(hurried, topic)


async def _published_at_last(publisher: KafkaPublisher, topic: str) -> None:
    """Also on a machine that takes longer for it than this publisher waits."""
    async with in_time():
        while not await _publishes_to(publisher, topic):
            pass


async def _publishes_to(publisher: KafkaPublisher, topic: str) -> bool:
    try:
        await publisher.publish(topic, records(9))
    except RemoteUnavailable:
        return False
    return True


async def test_missing_topics_are_named_with_the_command_that_creates_them(backends: LazyBackends, topic: str) -> None:
    await require_topics(KafkaAccess(backends.kafka_bootstrap), [topic])
    with pytest.raises(MissingTopics, match=r"vmh\.none; run `python -m synckit\.kafka apply`"):
        await require_topics(KafkaAccess(backends.kafka_bootstrap), [topic, "vmh.none"])


def _declaration(path: Path, name: str, **settings: object) -> str:
    defaults = {"partitions": 2, "keyed": True, "cleanup": "delete", "retention_days": 1, "min_insync": 2}
    path.write_text(yaml.safe_dump({"defaults": defaults, "topics": {name: settings}}), encoding="utf-8")
    return str(path)


def _check(where: list[str]) -> int:
    """A broker that has just made fifteen topics on a starved machine may not answer at once (exit status 3)."""
    return next((code for _ in range(10) if (code := topics_command(["check", *where])) != 3), 3)


def test_the_command_creates_configures_and_refuses_another_partition_count(
    backends: LazyBackends, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"declared.{uuid.uuid4()}"
    where = ["--bootstrap", backends.kafka_bootstrap, "--file", _declaration(tmp_path / "topics.yaml", name)]
    assert topics_command(["check", *where]) == 1
    assert topics_command(["apply", "--dry-run", *where]) == 1
    assert topics_command(["check", *where]) == 1
    assert topics_command(["apply", *where]) == 0
    assert _check(where) == 0
    _declaration(tmp_path / "topics.yaml", name, retention_days=3)
    assert topics_command(["apply", *where]) == 0
    assert _check(where) == 0
    _declaration(tmp_path / "topics.yaml", name, retention_days=3, partitions=4)
    capsys.readouterr()
    assert topics_command(["apply", "--json", *where]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["in_step"] is False
    assert [(one["setting"], one["remedy"], one["done"]) for one in told["differences"]] == [
        ("partitions", "refuse", False)
    ]


def test_the_declared_topics_can_be_created_on_one_broker(backends: LazyBackends) -> None:
    assert "KAFKA_REPLICATION_FACTOR" not in os.environ
    where = ["--bootstrap", backends.kafka_bootstrap, "--file", str(FILE)]
    assert topics_command(["apply", *where]) == 0
    assert _check(where) == 0
