"""Records of many callers → one batch a partition, through aiokafka's public `create_batch` and `send_batch`.

`send()` costs a partitioner in Python, four sets and a future a record; here it is one append a record and one future a
batch. At most one batch a partition is under way, as an idempotent producer wants it; what comes meanwhile is the next.
What waits is bounded: a broker that hangs must not fill our memory with what nobody waits for any more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from synckit.eager import Begun
from synckit.events import Record

MOST_BYTES = 1 << 20
"""Of a record with its headers: aiokafka's own limit for `send()`, and about what a broker takes."""
MOST_WAITING = 1 << 20
"""Bytes that may wait for one partition behind the batch under way."""
PER_RECORD = 34
_Sent = asyncio.Future[Any]


class TooLate(Exception):
    """The broker has not acknowledged in time; it may still come to that."""


class Crowded(Exception):
    """Too much waits for a partition already. Nothing of it was taken."""


class Receipt:
    """What one caller waits for: `done` when all batches with a record of its own are over, with the first error."""

    __slots__ = ("_batches", "_error", "abandoned", "done")

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.abandoned = False
        self._batches = 0
        self._error: BaseException | None = None

    def expect(self) -> None:
        self._batches += 1

    def expire(self) -> None:
        """The time is up. What is not on its way yet is let go."""
        self.abandoned = True
        if not self.done.done():
            self.done.set_exception(TooLate())

    def let_go(self) -> None:
        """Nobody waits any longer, nor looks at an error."""
        self.abandoned = True
        if not self.done.done():
            self.done.add_done_callback(_looked_at)

    def settle(self, error: BaseException | None) -> None:
        self._error = self._error or error
        self._batches -= 1
        if self._batches or self.done.done():
            return
        if self._error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self._error)


class _Batch:
    """One batch to be, and who waits for it."""

    __slots__ = ("builder", "receipts", "size")

    def __init__(self, builder: Any) -> None:
        self.builder = builder
        self.receipts: list[Receipt] = []
        self.size = 0

    def takes(self, record: Record, receipt: Receipt) -> bool:
        """False where it is full."""
        taken = self.builder.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
        if taken is None:
            return False
        # A caller's records come one after the other, so looking at the last receipt is enough to count it once a
        # batch.
        if not self.receipts or self.receipts[-1] is not receipt:
            self.receipts.append(receipt)
            receipt.expect()
        return True

    def settle(self, error: BaseException | None) -> None:
        for receipt in self.receipts:
            receipt.settle(error)

    @property
    def is_wanted(self) -> bool:
        return any(not receipt.abandoned for receipt in self.receipts)


class _Lane:
    """One partition: the batches that wait, in order, `size` bytes in all; `busy` while one is under way."""

    __slots__ = ("busy", "partition", "size", "waiting")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.waiting: deque[_Batch] = deque()
        self.size = 0
        self.busy = False

    def next(self) -> _Batch:
        """The oldest one that waits, waiting no longer."""
        batch = self.waiting.popleft()
        self.size -= batch.size
        return batch

    def drop_unwanted(self) -> None:
        """Callers give up in the order in which they came, so what nobody waits for stands in front."""
        while self.waiting and not self.waiting[0].is_wanted:
            self.next().settle(KafkaTimeoutError())


class TopicBatches:
    """One topic over one started producer, and gone with it."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._lanes: dict[int, _Lane] = {}
        self._ready: deque[_Lane] = deque()
        self._flush_is_due = False
        self._busy = 0  # lanes; to ask all of them cost a webhook 3 % of its time
        self._slow: set[asyncio.Task[None]] = set()
        self._known: set[int] = set()
        self._partitions: list[int] = []

    @property
    def is_known(self) -> bool:
        """The topic's partitions are known. Where they are not: `await producer.partitions_for(topic)`."""
        return bool(self._producer.client.cluster.partitions_for_topic(self._topic))

    @property
    def waiting_bytes(self) -> int:
        """Of all partitions, without what is under way."""
        return sum(lane.size for lane in self._lanes.values())

    def put(self, records: Sequence[Record]) -> Receipt:
        """Hands all over; records of one key keep their order. The receipt's `done` raises aiokafka's errors.

        Crowded where a partition of theirs has too much to wait for: then nothing is taken.
        """
        # Before anything is taken: a caller is told about all of its records, or none is on its way.
        sizes = [_size(record) for record in records]
        if sizes and max(sizes) > MOST_BYTES:
            raise MessageSizeTooLargeError("a record is larger than a broker takes")
        partitions = self._partitions_now()
        lanes = [self._lane(partitions[_hash(record.key) % len(partitions)]) for record in records]
        receipt = Receipt()
        try:
            for lane, record, size in zip(lanes, records, sizes, strict=True):
                self._put(lane, record, size, receipt)
        except BaseException:
            receipt.let_go()
            raise
        finally:
            self._flush_soon()
        if not records:
            receipt.done.set_result(None)
        return receipt

    def _partitions_now(self) -> list[int]:
        """In order. A topic may get more of them."""
        known = self._producer.client.cluster.partitions_for_topic(self._topic)
        if known != self._known:
            self._known, self._partitions = known, sorted(known)
        return self._partitions

    def _lane(self, partition: int) -> _Lane:
        """With room for more."""
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = _Lane(partition)
        if lane.waiting:
            lane.drop_unwanted()
            # Asked per lane, and before the first record is put: nothing of a caller that is refused may go out.
            if lane.size > MOST_WAITING:
                raise Crowded
        return lane

    def _put(self, lane: _Lane, record: Record, size: int, receipt: Receipt) -> None:
        if not lane.waiting:
            lane.waiting.append(_Batch(self._producer.create_batch()))
            if not lane.busy:
                self._ready.append(lane)
        if not lane.waiting[-1].takes(record, receipt):
            fresh = _Batch(self._producer.create_batch())
            if not fresh.takes(record, receipt):
                raise MessageSizeTooLargeError("a record does not fit an empty batch")
            lane.waiting.append(fresh)
        lane.waiting[-1].size += size
        lane.size += size

    def _flush_soon(self) -> None:
        """After all callers of this turn of the loop have put theirs; at once where nothing at all is under way."""
        if not self._busy:
            self._flush()
        elif self._ready and not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        while self._ready:
            self._hand_over_from(self._ready.popleft())

    def _hand_over_from(self, lane: _Lane) -> None:
        while lane.waiting and not lane.busy:
            batch = lane.next()
            if batch.is_wanted:
                self._hand_over(lane, batch)
            else:
                batch.settle(KafkaTimeoutError())

    def _hand_over(self, lane: _Lane, batch: _Batch) -> None:
        """Without a task: a lane hands over only when its last batch is over, and then aiokafka need not wait."""
        try:
            handing = Begun[_Sent](self._producer.send_batch(batch.builder, self._topic, partition=lane.partition))
        except Exception as error:
            batch.settle(error)
            return
        lane.busy = True
        self._busy += 1
        # Nearly always: only an unknown topic, or a full accumulator, makes aiokafka wait here.
        if handing.finished:
            self._under_way(lane, batch, handing.value)
        else:
            task = asyncio.get_running_loop().create_task(self._hand_over_slowly(lane, batch, handing))
            self._slow.add(task)
            task.add_done_callback(self._slow.discard)

    async def _hand_over_slowly(self, lane: _Lane, batch: _Batch, handing: Begun[_Sent]) -> None:
        """It does wait, for what it knows of the topic."""
        try:
            sent = await handing
        except Exception as error:
            self._ended(lane, batch, error)
        else:
            self._under_way(lane, batch, sent)

    def _under_way(self, lane: _Lane, batch: _Batch, sent: _Sent) -> None:
        sent.add_done_callback(
            lambda future: self._ended(lane, batch, KafkaTimeoutError() if future.cancelled() else future.exception())
        )

    def _ended(self, lane: _Lane, batch: _Batch, error: BaseException | None) -> None:
        """What waits is handed over at once: the producer is about to look for what goes with its next request."""
        lane.busy = False
        self._busy -= 1
        batch.settle(error)
        self._hand_over_from(lane)


def _size(record: Record) -> int:
    size = PER_RECORD + len(record.key) + len(record.value)
    for name, value in record.headers:
        size += len(name) + len(value)
    return size


@lru_cache(maxsize=16_384)
def _hash(key: bytes) -> int:
    """As Kafka's own clients do it, so that whoever writes to the topic finds the same partition."""
    return int(murmur2(key)) & 0x7FFFFFFF


def _looked_at(future: asyncio.Future[None]) -> None:
    """A caller that has gone has no use for its error: no complaint at the end of the loop."""
    if not future.cancelled():
        future.exception()
