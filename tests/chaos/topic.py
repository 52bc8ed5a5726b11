"""What a topic may hold, and what it may hold no more: poison, and partitions that are purged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from tests.chaos.aimed import LIMIT, Aimed, Struck
from tests.chaos.fields import Side
from tests.chaos.remains import GROUP, PARTITIONS, TOPIC, events

Client = TypeVar("Client", AIOKafkaProducer, AIOKafkaAdminClient)
LARGEST = 1_040_000
"""Just under what a broker takes."""
POISON: tuple[tuple[str, bool, bytes | None], ...] = (
    ("undecodable", True, b"\xff\xfe{"),
    ("huge", True, b"x" * LARGEST),
    ("without a key", False, b"{}"),
    ("without a value", True, None),
    ("no event", True, b'{"entity": "beteiligte"}'),
)


class Topic(Aimed):
    """The events' one."""

    async def poison(self) -> Struck:
        """Three of the kinds, where a record's own events go; that record's come right behind."""
        known = self._some_record()
        kinds = self._chance.sample(POISON, 3)
        producer = await self._begun(self._producer)
        try:
            for name, has_key, value in kinds:
                sent = await producer.send_and_wait(TOPIC, key=known.espo_id.encode() if has_key else None, value=value)
                self._world.troubles.poison[sent.partition, sent.offset] = name
        finally:
            await producer.stop()
        await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))
        return ", ".join(name for name, _, _ in kinds), time.time()

    async def purge(self) -> Struck:
        """All that was acknowledged, which is everything where nothing is owed."""
        addresses = self._world.addresses
        admin = await self._begun(lambda: AIOKafkaAdminClient(bootstrap_servers=addresses.kafka))
        try:
            committed = await admin.list_consumer_group_offsets(GROUP)
            before = {
                TopicPartition(TOPIC, number): RecordsToDelete(known.offset)
                for number in range(PARTITIONS)
                if (known := committed.get(TopicPartition(TOPIC, number))) is not None and known.offset > 0
            }
            places = {(tp.partition, each.before_offset) for tp, each in before.items()}
            seen = await events(addresses.kafka)
            self._world.troubles.purged += [one for one in seen if any(_is_before(one.place, end) for end in places)]
            await admin.delete_records(before)
        finally:
            await admin.close()
        return f"{sum(end for _, end in places)} records", time.time()

    def _producer(self) -> AIOKafkaProducer:
        servers = self._world.addresses.kafka
        # What is sent again after a broker was killed must not lie there twice: each is looked for by its place.
        return AIOKafkaProducer(bootstrap_servers=servers, max_request_size=4_000_000, enable_idempotence=True)

    async def _begun(self, made: Callable[[], Client]) -> Client:
        """The other blow of a pair may have taken the broker away for a while."""
        deadline = time.time() + 2 * LIMIT
        while True:
            client = made()
            try:
                await client.start()
            except KafkaError:
                await client.close() if isinstance(client, AIOKafkaAdminClient) else await client.stop()
                if time.time() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                return client


def _is_before(place: tuple[int, int], end: tuple[int, int]) -> bool:
    return place[0] == end[0] and place[1] < end[1]
