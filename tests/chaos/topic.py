"""What a topic may hold, and what it may hold no more: poison, and partitions that are purged."""

from __future__ import annotations

import time

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from tests.chaos.aimed import Aimed, Struck
from tests.chaos.fields import Side
from tests.chaos.remains import GROUP, PARTITIONS, TOPIC, events

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
        producer = AIOKafkaProducer(bootstrap_servers=self._world.addresses.kafka, max_request_size=4_000_000)
        await producer.start()
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
        admin = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka)
        await admin.start()
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


def _is_before(place: tuple[int, int], end: tuple[int, int]) -> bool:
    return place[0] == end[0] and place[1] < end[1]
