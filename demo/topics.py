"""What is published while one watches: a plain Kafka consumer on every topic, from now on."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from synckit.kafka.access import KafkaAccess

POLL_MS = 200


class TopicWatch:
    """Reads all topics of the broker from their ends at entry; belongs to no consumer group, commits nothing."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._consumer = AIOKafkaConsumer(**access.options(), enable_auto_commit=False, group_id=None)
        self._records: list[bytes] = []
        self.topics = 0

    async def __aenter__(self) -> Self:
        partitions = await self._all_partitions()
        self.topics = len({partition.topic for partition in partitions})
        await self._consumer.start()
        self._consumer.assign(partitions)
        for partition, end in (await self._consumer.end_offsets(partitions)).items():
            self._consumer.seek(partition, end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def _all_partitions(self) -> list[TopicPartition]:
        admin = AIOKafkaAdminClient(**self._access.options())
        await admin.start()
        try:
            described = await admin.describe_topics()
        finally:
            await admin.close()
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            if not topic["is_internal"]
            for partition in topic["partitions"]
        ]

    async def read(self) -> None:
        """Take in what has come since."""
        for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                headers = b"".join(name.encode() + value for name, value in record.headers)
                self._records.append((record.key or b"") + (record.value or b"") + headers)

    def mentions(self, text: str) -> bool:
        """True where a record has it in key, value or headers."""
        return any(text.encode() in record for record in self._records)
