"""Looks for the records of one key in a topic without joining a group and without committing anything.

Every scan is bounded in records and in seconds, and says how much it has left out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.partitioner import DefaultPartitioner

from synckit.errors import RemoteUnavailable
from synckit.events import Record
from synckit.kafka.access import KafkaAccess
from synckit.kafka.probe import in_use, started
from synckit.kafka.records import install

UPSTREAM = "kafka"
T = TypeVar("T")
Scan = tuple[Sequence[Record], int, int]
"""Records of the key; how many records were looked at; how many were left out."""


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """`records` a scan, `seconds` for reading, `whole` for everything with connecting."""

    records: int = 20_000
    seconds: float = 6.0
    whole: float = 12.0


class KafkaInspector:
    """Read only. RemoteUnavailable where no broker answers in time, or the topic is not there; KafkaRefused."""

    def __init__(self, access: KafkaAccess, *, client_id: str, limits: ScanLimits | None = None) -> None:
        self._access = access
        self._client_id = client_id
        self._limits = limits or ScanLimits()

    async def waiting(self, topic: str, group: str, key: str) -> Scan:
        """Records of this key that `group` has not committed, oldest first. Done a second ago may still be among."""
        return await _within(self._limits.whole, self._waiting(topic, group, key.encode()))

    async def buried(self, topic: str, key: str, since: datetime) -> Scan:
        """Records of this key in a topic of dead letters, not older than `since`; of many, the newest are looked at."""
        return await _within(self._limits.whole, self._buried(topic, key.encode(), since))

    async def _waiting(self, topic: str, group: str, key: bytes) -> Scan:
        async with self._consumer() as consumer:
            partitions = await _partitions(consumer, topic)
            # As the producers do it; Java's and aiokafka's partitioner agree.
            own = DefaultPartitioner()(key, [p.partition for p in partitions], [])
            partition = TopicPartition(topic, own)
            consumer.assign([partition])
            committed = await self._committed(group, partition)
            start, end = await _edges(consumer, partition)
            return await self._scan(consumer, partition, (max(start, committed), end), key)

    async def _buried(self, topic: str, key: bytes, since: datetime) -> Scan:
        found: list[Record] = []
        looked = left = 0
        async with self._consumer() as consumer:
            for partition in await _partitions(consumer, topic):
                consumer.assign([partition])
                start, end = await _edges(consumer, partition)
                young = (await consumer.offsets_for_times({partition: int(since.timestamp() * 1000)}))[partition]
                oldest = max(start, young.offset) if young else end
                first = max(oldest, end - self._limits.records)
                records, seen, unread = await self._scan(consumer, partition, (first, end), key)
                found += records
                looked, left = looked + seen, left + unread + first - oldest
        return found, looked, left

    async def _scan(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, bounds: tuple[int, int], key: bytes
    ) -> Scan:
        position, end = bounds
        found: list[Record] = []
        looked = 0
        consumer.seek(partition, position)
        until = time.monotonic() + self._limits.seconds
        while position < end and looked < self._limits.records and time.monotonic() < until:
            batch = await consumer.getmany(partition, timeout_ms=500, max_records=1000)
            records = [one for one in batch.get(partition, []) if one.offset < end]
            looked += len(records)
            found += [Record(one.key, one.value or b"", tuple(one.headers)) for one in records if one.key == key]
            position = await consumer.position(partition)
        return found, looked, max(0, end - position)

    async def _committed(self, group: str, partition: TopicPartition) -> int:
        """-1 where the group has committed nothing: it will begin at the beginning, as our workers do."""
        async with _admin(self._access, self._client_id) as admin:
            while True:
                try:
                    offsets = await admin.list_consumer_group_offsets(group, partitions=[partition])
                    return int(offsets[partition].offset)
                except GroupCoordinatorNotAvailableError:
                    # A cluster that has never had a group makes the topic of their offsets first.
                    await asyncio.sleep(0.5)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Of no group."""
        install()
        consumer = AIOKafkaConsumer(
            **self._access.options(),
            client_id=self._client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=int(self._limits.whole * 1000),
        )
        try:
            await started(consumer, self._access)
            yield consumer
        except KafkaError as error:
            raise in_use(error) from None
        finally:
            await consumer.stop()


@asynccontextmanager
async def _admin(access: KafkaAccess, client_id: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**access.options(), client_id=client_id)
    try:
        await started(admin, access)
        yield admin
    finally:
        await admin.close()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    # Asked for by name, a topic that is not there might be created by the broker.
    if topic not in await consumer.topics():
        raise RemoteUnavailable(UPSTREAM, f"no topic {topic}")
    first = TopicPartition(topic, 0)
    consumer.assign([first])
    await _edges(consumer, first)
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or {0})]


async def _edges(consumer: AIOKafkaConsumer, partition: TopicPartition) -> tuple[int, int]:
    start = await consumer.beginning_offsets([partition])
    end = await consumer.end_offsets([partition])
    return int(start[partition]), int(end[partition])


async def _within(seconds: float, work: Awaitable[T]) -> T:
    """Not wait_for: aiokafka's calls need not end when they are cancelled while the broker is away."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise RemoteUnavailable(UPSTREAM, "no answer in time")
    return task.result()
