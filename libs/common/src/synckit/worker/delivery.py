"""A record as the consumer delivered it, with the way back: `ack`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

TopicPartition = tuple[str, int]
MOST_BYTES = 64 * 1024
"""Of a value, or of all headers. Three times the largest event: what is larger is none."""
KEPT_BYTES = 16 * 1024
KEPT_HEADERS = 30


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a record is no event, and size and SHA-256 of its value as it came: the value itself may have been cut."""

    size: int
    sha256: str
    problem: str


@dataclass(slots=True)
class Delivery:
    """`generation` is the group's generation it was fetched in, `timestamp` the record's own, in seconds.

    `ack` may be called once, and only in offset order within its partition. `unreadable` says why it is no event
    although key, value and headers may not show it: the consumer could not read it whole, or it was cut.
    """

    topic: str
    partition: int
    offset: int
    generation: int
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    ack: Callable[[], None]
    unreadable: Unreadable | None = None

    @property
    def source(self) -> TopicPartition:
        return (self.topic, self.partition)

    @property
    def origin(self) -> str:
        """`topic-partition@offset`, for people."""
        return f"{self.topic}-{self.partition}@{self.offset}"

    @property
    def value_size(self) -> int:
        """Of the value as it came."""
        return self.unreadable.size if self.unreadable else len(self.value or b"")

    @property
    def value_sha256(self) -> str:
        """Of the value as it came."""
        return self.unreadable.sha256 if self.unreadable else sha256_of(self.value)


def sha256_of(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


def bounded(delivery: Delivery) -> Delivery:
    """The delivery, or a stub of it where it is larger than any event: thousands of them may wait in memory."""
    value, headers = delivery.value or b"", delivery.headers
    of_headers = sum(len(name) + len(content or b"") for name, content in headers) if len(headers) else 0
    if len(value) <= MOST_BYTES and of_headers <= MOST_BYTES and len(delivery.key or b"") <= MOST_BYTES:
        return delivery
    known = delivery.unreadable or Unreadable(len(value), sha256_of(value), "record is larger than any event")
    return replace(
        delivery,
        key=(delivery.key or b"")[:KEPT_BYTES],
        value=value[:KEPT_BYTES],
        headers=tuple((name[:256], (content or b"")[:1024]) for name, content in headers[:KEPT_HEADERS]),
        unreadable=known,
    )
