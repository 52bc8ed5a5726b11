"""What is left in PostgreSQL, Redis and Kafka once everything is calm; read without any code of the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from deploy.local.addresses import Addresses

TOPIC = "vmh.beteiligte"
DEAD_LETTERS = ("vmh.beteiligte.dlq", "webhook-ingress.dlq")
GROUP = "beteiligte-sync"
PARTITIONS = 12
EMPTY_TABLES = ("intent", "pending_note", "parked")


@dataclass(frozen=True)
class Event:
    """A record of the topic: the record's id in EspoCRM, and when it was published (Unix seconds)."""

    key: str
    at: float
    place: tuple[int, int] = (-1, -1)
    """Partition and offset."""


@dataclass(frozen=True)
class DeadLetter:
    """A record of a topic of dead letters. `place`: partition and offset of what it was, where it was of `TOPIC`."""

    topic: str
    key: str
    reason: str
    message: str
    place: tuple[int, int] | None = None


@dataclass
class Remains:
    """`rows`: table → ids of records that are still in it. `links`: EspoCRM id → (number, tombstone)."""

    rows: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, tuple[str, str]] = field(default_factory=dict)
    locks: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    lag: int = 0


async def find(addresses: Addresses) -> Remains:
    """Asks all three."""
    remains = Remains(lag=await lag(addresses.kafka))
    connection = await asyncpg.connect(addresses.database_url)
    try:
        for table in (*EMPTY_TABLES, "attempted"):
            rows = await connection.fetch(f"SELECT left_id FROM {table} ORDER BY left_id")  # noqa: S608 - our names
            remains.rows[table] = [row["left_id"] for row in rows]
        links = await connection.fetch("SELECT left_id, right_id, tombstone FROM link")
        remains.links = {row["left_id"]: (row["right_id"], row["tombstone"]) for row in links}
    finally:
        await connection.close()
    async with Redis.from_url(addresses.redis_url) as redis:
        remains.locks = sorted([key.decode() async for key in redis.scan_iter("*lock*")])
    remains.events = await events(addresses.kafka)
    for topic in DEAD_LETTERS:
        for one in await records(addresses.kafka, topic):
            told = {name: _text(value) for name, value in one.headers}
            reason, message = told.get("dlq_reason", ""), told.get("dlq_message", "")
            remains.dead.append(DeadLetter(topic, _text(one.key), reason, message, _place(told)))
    return remains


async def events(bootstrap: str) -> list[Event]:
    """All that are in the topic."""
    found = await records(bootstrap, TOPIC)
    return [Event(_text(one.key), one.timestamp / 1000, (one.partition, one.offset)) for one in found]


async def lag(bootstrap: str) -> int:
    """Events that the workers' group has not acknowledged."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(GROUP)
    finally:
        await admin.close()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
        starts = await consumer.beginning_offsets(list(ends))
    finally:
        await consumer.stop()
    return sum(max(0, end - _committed(committed, tp, starts[tp])) for tp, end in ends.items())


async def records(bootstrap: str, topic: str) -> list[Any]:
    """All records of a topic, from its beginning to its end as it is now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS if topic == TOPIC else 1)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Any] = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for fetched in (await consumer.getmany(timeout_ms=500)).values():
                found += fetched
        return found
    finally:
        await consumer.stop()


def _committed(committed: Any, tp: TopicPartition, start: int) -> int:
    """What was purged is owed to nobody."""
    known = committed.get(tp)
    return max(start, int(known.offset)) if known is not None and known.offset >= 0 else start


def _place(told: dict[str, str]) -> tuple[int, int] | None:
    if told.get("dlq_topic") != TOPIC:
        return None
    return int(told["dlq_partition"]), int(told["dlq_offset"])


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
