"""Reads whole topics once, from their beginning to where they ended when it was asked, without joining a group.

All partitions are read at once: one after the other costs a wait each. Bounded in records and in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from synckit.events import Record
from synckit.kafka.access import KafkaAccess
from synckit.kafka.probe import in_use, started
from synckit.kafka.records import install


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Found:
    """One record of a scan; `at` is the broker's own time of it."""

    place: Place
    at: datetime
    record: Record


@dataclass(frozen=True, slots=True)
class Bounds:
    """`since`: nothing older by the broker's time. `until`: nothing newer. `records` and `seconds` end a scan early."""

    since: datetime | None = None
    until: datetime | None = None
    records: int = 1_000_000
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found, by place; `missing` are topics that are not there; `left` records were not reached in time."""

    found: tuple[Found, ...]
    missing: tuple[str, ...] = ()
    left: int = 0


class TopicScanner:
    """Read only. RemoteUnavailable where no broker answers, KafkaRefused where one refuses us."""

    def __init__(self, access: KafkaAccess, *, client_id: str) -> None:
        self._access = access
        self._client_id = client_id

    async def scan(self, topics: Sequence[str], bounds: Bounds) -> Scanned:
        """Everything in the topics between `bounds` that was there when it was asked."""
        install()
        consumer = AIOKafkaConsumer(
            **self._access.options(),
            client_id=self._client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            await started(consumer, self._access)
            return await _scan(consumer, topics, bounds)
        except KafkaError as error:
            raise in_use(error) from None
        finally:
            await consumer.stop()


async def _scan(consumer: AIOKafkaConsumer, topics: Sequence[str], bounds: Bounds) -> Scanned:
    known = await consumer.topics()
    there = [topic for topic in topics if topic in known]
    missing = tuple(topic for topic in topics if topic not in known)
    ends = await _ends(consumer, there, bounds)
    found: list[Found] = []
    stop = time.monotonic() + bounds.seconds
    while ends and len(found) < bounds.records and time.monotonic() < stop:
        batches = await consumer.getmany(*ends, timeout_ms=500, max_records=5000)
        found += [_found(one) for tp, batch in batches.items() for one in batch if one.offset < ends[tp]]
        # The position, not the last record: what was compacted or belongs to a transaction is never handed out.
        ends = {tp: end for tp, end in ends.items() if await consumer.position(tp) < end}
    left = sum([end - await consumer.position(tp) for tp, end in ends.items()])
    wanted = (one for one in found if bounds.until is None or one.at <= bounds.until)
    return Scanned(tuple(sorted(wanted, key=lambda one: one.place)), missing, left)


async def _ends(consumer: AIOKafkaConsumer, topics: Sequence[str], bounds: Bounds) -> dict[TopicPartition, int]:
    """Assigns and seeks; partition → where it ended, of those that hold anything."""
    first = [TopicPartition(topic, 0) for topic in topics]
    consumer.assign(first)
    # The client learns how many partitions a topic has only once it is asked about one of them.
    await consumer.beginning_offsets(first)
    partitions = [
        TopicPartition(topic, n) for topic in topics for n in sorted(consumer.partitions_for_topic(topic) or {0})
    ]
    if not partitions:
        return {}
    consumer.assign(partitions)
    starts = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    if bounds.since is not None:
        wanted = dict.fromkeys(partitions, int(bounds.since.timestamp() * 1000))
        young = await consumer.offsets_for_times(wanted)
        starts = {tp: max(starts[tp], young[tp].offset if young[tp] else ends[tp]) for tp in partitions}
    for tp in partitions:
        consumer.seek(tp, starts[tp])
    return {tp: int(ends[tp]) for tp in partitions if starts[tp] < ends[tp]}


def _found(one: ConsumerRecord[bytes, bytes]) -> Found:
    return Found(
        Place(one.topic, one.partition, one.offset),
        datetime.fromtimestamp(max(one.timestamp, 0) / 1000, UTC),
        Record(one.key or b"", one.value or b"", tuple((name, value or b"") for name, value in one.headers)),
    )
