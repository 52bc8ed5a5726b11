"""Dead letters: the record as it came, with why, where from and which frames in its headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synckit.errors import RemoteRejected
from synckit.events import Record, dead_letter_topic
from synckit.ports import Clock
from synckit.worker.delivery import Delivery

MAX_VALUE = 16 * 1024
MAX_HEADER = 1024
MAX_NAME = 256
MAX_HEADERS = 30
MAX_TRACEBACK = 4 * 1024
MAX_STUB = 64
PREFIX = "dlq_"
CONNECT = "__connect.errors."
"""Where today's user interfaces for Kafka look for a dead letter's origin and reason: Kafka Connect's names."""
MARKS = (PREFIX, CONNECT)


class Publishing(Protocol):
    """The part of `ports.Publisher` that is needed here."""

    async def publish(self, topic: str, records: Sequence[Record]) -> None: ...


class DeadLetters:
    """`DeadLetterSink` on a publisher. Values of our topics are identity only, so they may be kept.

    Headers: `dlq_reason`, `dlq_message`, `dlq_traceback`, `dlq_topic`, `dlq_partition`, `dlq_offset`, `dlq_service`,
    `dlq_at`, `dlq_size` (of the original value, which is cut at 16 KiB; then `dlq_sha256` is that of all of it); the
    original ones follow, cut as well, after Kafka Connect's names for topic, partition, offset and reason. At most
    64 KiB in all. A broker that takes less gets a stub with why and where.
    """

    def __init__(self, publisher: Publishing, *, service: str, clock: Clock) -> None:
        self._publisher = publisher
        self._service = service
        self._clock = clock

    async def bury(self, delivery: Delivery, reason: str, message: str, traceback: str) -> None:
        at = self._clock.now().isoformat(timespec="milliseconds")
        headers: tuple[tuple[str, bytes], ...] = (
            (f"{PREFIX}reason", reason.encode()),
            (f"{PREFIX}message", message.encode("utf-8", "backslashreplace")[:MAX_HEADER]),
            (f"{PREFIX}traceback", traceback.encode("utf-8", "backslashreplace")[-MAX_TRACEBACK:]),
            (f"{PREFIX}topic", delivery.topic.encode()),
            (f"{PREFIX}partition", str(delivery.partition).encode()),
            (f"{PREFIX}offset", str(delivery.offset).encode()),
            (f"{PREFIX}service", self._service.encode()),
            (f"{PREFIX}at", at.encode()),
            (f"{PREFIX}size", str(delivery.value_size).encode()),
            (f"{CONNECT}topic", delivery.topic.encode()),
            (f"{CONNECT}partition", str(delivery.partition).encode()),
            (f"{CONNECT}offset", str(delivery.offset).encode()),
            (f"{CONNECT}exception.message", reason.encode()),
        )
        kept = (delivery.value or b"")[:MAX_VALUE]
        if len(kept) < delivery.value_size:
            headers = (*headers, (f"{PREFIX}sha256", delivery.value_sha256.encode()))
        key, topic = (delivery.key or b"")[:MAX_HEADER], dead_letter_topic(delivery.topic)
        try:
            await self._publisher.publish(topic, [Record(key, kept, (*headers, *_original(delivery.headers)))])
        except RemoteRejected:  # Too large even so: the topic takes less than we may send.
            stub = tuple((name, value[:MAX_STUB]) for name, value in headers if name != f"{PREFIX}traceback")
            await self._publisher.publish(topic, [Record(key[:MAX_STUB], b"", stub)])


def _original(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Bounded, and without the marks of an earlier burial: a record that was sent again may die again."""
    kept = [(name[:MAX_NAME], (value or b"")[:MAX_HEADER]) for name, value in headers if not name.startswith(MARKS)]
    return kept[:MAX_HEADERS]
