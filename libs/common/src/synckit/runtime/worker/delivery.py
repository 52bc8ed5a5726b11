"""A record as the consumer delivered it, with the way back: `ack`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TopicPartition = tuple[str, int]


@dataclass(slots=True)
class Delivery:
    """`generation` is the group's generation it was fetched in, `timestamp` the record's own, in seconds.

    `ack` may be called once, and only in offset order within its partition.
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

    @property
    def source(self) -> TopicPartition:
        return (self.topic, self.partition)

    @property
    def origin(self) -> str:
        """`topic-partition@offset`, for people."""
        return f"{self.topic}-{self.partition}@{self.offset}"
