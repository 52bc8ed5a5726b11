"""Topics of a benchmark's own, and events on them, published before the clock runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from kanzlei.nouns import ESPOCRM
from synckit.events import Action, ChangeEvent, Record, dead_letter_topic, encode
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher

PARTITIONS = 12
PORTION = 500
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def change(key: str, number: int) -> Record:
    """An event as the ingress makes it."""
    event = ChangeEvent(
        "beteiligte",
        key,
        Action.UPDATE,
        ESPOCRM,
        datetime.now(UTC),
        ("briefAnrede", "dateOfBirth", "firstName", "lastName", "modifiedAt"),
        f"bench-{number}",
        TRACEPARENT,
    )
    return encode(event)


def create_topic(bootstrap: str, topic: str) -> None:
    """With its dead letters."""
    asyncio.run(_create(bootstrap, topic))


def publish(bootstrap: str, topic: str, records: Sequence[Record]) -> None:
    """Returns when the broker has all of them."""
    asyncio.run(_publish(bootstrap, topic, records))


async def _create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1), NewTopic(dead_letter_topic(topic), 1, 1)])
    finally:
        await admin.close()


async def _publish(bootstrap: str, topic: str, records: Sequence[Record]) -> None:
    publisher = KafkaPublisher(KafkaAccess(bootstrap), client_id="bench")
    await publisher.start()
    for at in range(0, len(records), PORTION):
        await publisher.publish(topic, records[at : at + PORTION])
    await publisher.stop()
