"""What a broker hands out, read record by record: one that can't be decoded is a stub, and ends no partition.

aiokafka reads a batch or fails, at each start again. `install` replaces the two parts of its fetcher that do so; a test
holds what is replaced to what it was. A batch that must not be skipped (checksum, format, codec) stops with its place.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecordBase, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord, TopicPartition

from synckit.errors import SyncError
from synckit.kafka.records.parser import parse_records

UNREADABLE = "unreadable"
"""A header of ours on a stub: why, size and SHA-256 of what came, separated by blanks."""
KEPT_BYTES = 16 * 1024
NEWEST_MAGIC = 2
_LENGTH_AT, _OVERHEAD, _MAGIC_AT = 8, 12, 16
_READS = DefaultRecordBase.CODEC_ZSTD


class UnreadablePartition(SyncError):
    """Reading on would lose records, or invent some. The text names topic, partition and offset."""

    code = "unreadable_partition"


class RawRecords:
    """aiokafka's `MemoryRecords`, which also gives back the bytes of the batch that it handed out last."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._at = 0
        self.batch = memoryview(b"")

    def size_in_bytes(self) -> int:
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def peek(self) -> tuple[int, int]:
        """First offset and magic of the next batch."""
        offset: int = struct.unpack_from(">q", self._data, self._at)[0]
        return offset, self._data[self._at + _MAGIC_AT] if len(self._data) > self._at + _MAGIC_AT else -1

    def next_batch(self) -> Any:
        (length,) = struct.unpack_from(">i", self._data, self._at + _LENGTH_AT)
        end = self._at + _OVERHEAD + length
        self.batch, self._at = memoryview(self._data)[self._at : end], end
        return self._records.next_batch()


class SafeRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """aiokafka's `PartitionRecords`. Transaction markers and gaps are skipped as it does."""

    _tp: TopicPartition
    _records: RawRecords
    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[ConsumerRecord[Any, Any]]:
        if self._isolation_level == fetcher.READ_COMMITTED:  # aiokafka's own: what is aborted is left out there
            yield from super()._unpack_records()
            return
        read = False
        while self._records.has_next():
            try:
                batch = self._next_batch()
            except UnreadablePartition:
                if read:
                    return  # What came before is delivered first; this batch is fetched once more, and met first.
                raise
            read = True
            if not batch.is_control_batch:
                yield from self._of(batch)
            self.next_fetch_offset = batch.next_offset

    def _next_batch(self) -> Any:
        offset, magic = self._records.peek()
        at = max(offset, self.next_fetch_offset)
        if magic > NEWEST_MAGIC:
            raise self._stop(at, f"record format {magic} is unknown")
        try:
            batch = self._records.next_batch()
            intact = not self._check_crcs or batch.validate_crc()
        except Exception as error:
            raise self._stop(at, type(error).__name__) from error
        if not intact:
            raise self._stop(at, "checksum is wrong")
        if batch.compression_type > _READS:
            raise self._stop(at, f"compression {batch.compression_type} is unknown")
        return batch

    def _stop(self, offset: int, reason: str) -> UnreadablePartition:
        return UnreadablePartition(f"{self._tp.topic}-{self._tp.partition}@{offset}: {reason}")

    def _of(self, batch: Any) -> Iterator[ConsumerRecord[Any, Any]]:
        try:
            for record in batch:
                if record.offset >= batch.next_offset:
                    raise ValueError("offset of another batch")
                if record.offset >= self.next_fetch_offset:
                    made = self._consumer_record(self._tp, record)
                    self.next_fetch_offset = record.offset + 1
                    yield made
        except UnsupportedCodecError as error:
            raise self._stop(self.next_fetch_offset, str(error)) from error
        except Exception as error:
            yield from self._one_by_one(type(error).__name__)

    def _one_by_one(self, problem: str) -> Iterator[ConsumerRecord[Any, Any]]:
        """The batch once more, from its bytes, with a stub for what has no sense."""
        raw = bytes(self._records.batch)
        whole = _DefaultRecordBatchPy(raw)
        try:
            whole._maybe_uncompress()
        except Exception as error:
            yield self._stub(whole.next_offset - 1, f"batch can't be uncompressed: {type(error).__name__}", raw)
            return
        for one in parse_records(memoryview(whole._buffer)[whole._pos :], whole._num_records):
            offset = whole.base_offset + min(max(one.offset_delta, 0), whole.last_offset_delta)
            if offset < self.next_fetch_offset:
                continue
            self.next_fetch_offset = offset + 1
            if one.problem:
                yield self._stub(offset, one.problem, one.raw, key=one.key, value=one.value, headers=one.headers)
            else:
                at = whole.first_timestamp + one.timestamp_delta
                yield self._made(offset, at, one.key, one.value, one.headers)

    def _stub(
        self,
        offset: int,
        problem: str,
        raw: bytes,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: tuple[tuple[str, bytes | None], ...] = (),
    ) -> ConsumerRecord[Any, Any]:
        content = raw if value is None else value
        told = f"{len(content)} {hashlib.sha256(content).hexdigest()} {problem}"
        return self._made(offset, 0, key, content[:KEPT_BYTES], ((UNREADABLE, told.encode()), *headers))

    def _made(
        self,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes | None], ...],
    ) -> ConsumerRecord[Any, Any]:
        sizes = (-1 if key is None else len(key), -1 if value is None else len(value))
        return ConsumerRecord(
            self._tp.topic, self._tp.partition, offset, timestamp, 0, key, value, None, *sizes, headers
        )


def install() -> None:
    """Every consumer of this process reads so from now on."""
    fetcher.MemoryRecords = RawRecords
    fetcher.PartitionRecords = SafeRecords
