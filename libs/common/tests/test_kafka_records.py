"""What Kafka hands out may be undecodable: one record is a stub, and what must not be skipped names its place."""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from synckit.kafka.records import UNREADABLE, UnreadablePartition, install
from synckit.kafka.records.parser import parse_records
from synckit.kafka.records.reader import RawRecords, SafeRecords

BODY, CRC, MAGIC, ATTRIBUTES = 61, 17, 16, 22
AT = TopicPartition("vmh.beteiligte", 3)
Sent = list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]
THREE: Sent = [(b"a", b"1", [("x", b"1")]), (b"b", b"2", [("name!", None)]), (None, None, [])]

LONG: Sent = [(b"a", b"1" * 900, [("x", b"1")]), (b"b", b"2" * 900, []), (b"c", b"3" * 900, [])]


def batch(records: Sent, codec: int = 0) -> bytearray:
    built = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, -1, 10_000_000)
    for number, (key, value, headers) in enumerate(records):
        assert built.append(number, 1000 + number, key, value, headers)
    return bytearray(built.build())


def signed(data: bytes | bytearray) -> bytes:
    """With the checksum that the broker checks: a producer may write any nonsense below it."""
    made = bytearray(data)
    made[CRC : CRC + 4] = calc_crc32c(bytes(made[CRC + 4 :])).to_bytes(4, "big")
    return bytes(made)


def reader(*batches: bytes, fetch_from: int = 0) -> SafeRecords:
    placed, base = b"", 0
    for one in batches:
        placed += base.to_bytes(8, "big") + one[8:]
        base += 3
    return SafeRecords(AT, RawRecords(placed), None, fetch_from, None, None, True, fetcher.READ_UNCOMMITTED)


def problems(records: list[Any]) -> list[str]:
    return [value.decode().split(" ", 2)[2] for one in records for name, value in one.headers if name == UNREADABLE]


@pytest.mark.parametrize("codec", range(5))
def test_a_batch_of_any_codec_is_read_as_it_was_sent(codec: int) -> None:
    data = signed(batch(LONG, codec))
    assert (len(data) < 1000) is bool(codec), "it is compressed"
    records = SafeRecords(AT, RawRecords(data), None, 0, None, None, True, 0)
    read = list(records)
    assert [(one.key, one.value, list(one.headers)) for one in read] == LONG
    assert [one.offset for one in read] == [0, 1, 2]
    assert records.next_fetch_offset == 3


def test_a_header_name_that_is_no_text_costs_its_own_record_only() -> None:
    data = signed(batch(THREE).replace(b"name!", b"n\xff\xfee!"))
    read = list(reader(data))
    assert [(one.offset, one.key, one.value) for one in read] == [(0, b"a", b"1"), (1, b"b", b"2"), (2, None, None)]
    assert problems(read) == ["name of a header is no UTF-8"]
    assert dict(read[1].headers)[UNREADABLE].startswith(b"1 " + hashlib.sha256(b"2").hexdigest().encode())
    assert [one.timestamp for one in read] == [1000, 0, 1002]


def test_a_fetch_from_the_middle_of_a_batch_begins_there() -> None:
    data = signed(batch(THREE).replace(b"name!", b"n\xff\xfee!"))
    assert [one.offset for one in reader(data, fetch_from=1)] == [1, 2]


def test_a_batch_that_cannot_be_uncompressed_is_one_stub_and_the_next_is_read() -> None:
    broken = batch([(b"a", b"x" * 5000, [])] * 3, codec=1)
    broken[BODY + 4 : BODY + 12] = b"\xff" * 8
    read = list(reader(signed(broken), signed(batch(THREE))))
    assert [one.offset for one in read] == [2, 3, 4, 5]
    assert problems(read)[0].startswith("batch can't be uncompressed")


@given(st.data())
def test_whatever_bytes_a_batch_holds_every_offset_is_left_behind(data: st.DataObject) -> None:
    made = batch(THREE)
    for _ in range(data.draw(st.integers(1, 6))):
        made[data.draw(st.integers(BODY, len(made) - 1))] = data.draw(st.integers(0, 255))
    records = reader(signed(made), signed(batch(THREE)))
    read = list(records)
    assert [one.offset for one in read] == sorted({one.offset for one in read})
    assert [(one.key, one.value) for one in read][-3:] == [(key, value) for key, value, _ in THREE]
    assert records.next_fetch_offset == 6


@given(st.binary(max_size=200), st.integers(0, 5))
def test_parsing_never_raises_and_gives_no_more_than_was_promised(data: bytes, count: int) -> None:
    assert len(list(parse_records(memoryview(data), count))) <= count


@pytest.mark.parametrize(
    ("at", "value", "problem"),
    [(BODY + 3, 0x55, "checksum is wrong"), (MAGIC, 3, "record format 3 is unknown")],
)
def test_what_must_not_be_skipped_stops_at_its_place_after_what_came_before(at: int, value: int, problem: str) -> None:
    wrong = bytearray(signed(batch(THREE)))
    wrong[at] = value
    before = reader(signed(batch(THREE)), bytes(wrong))
    assert [one.offset for one in before] == [0, 1, 2]
    assert before.next_fetch_offset == 3
    with pytest.raises(UnreadablePartition) as stopped:
        list(reader(bytes(wrong)))
    assert str(stopped.value) == f"vmh.beteiligte-3@0: {problem}"


def test_an_unknown_codec_stops_at_its_place() -> None:
    wrong = batch(THREE)
    wrong[ATTRIBUTES] = 6
    with pytest.raises(UnreadablePartition, match=r"vmh.beteiligte-3@0: compression 6 is unknown"):
        list(reader(signed(wrong)))


def test_a_codec_without_its_library_stops_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = signed(batch(LONG, codec=4))
    monkeypatch.setattr("aiokafka.codec.cramjam", None)
    with pytest.raises(UnreadablePartition, match=r"vmh.beteiligte-3@0: .*zstd"):
        list(reader(sent))


def test_what_is_replaced_in_aiokafka_is_used_there_as_it_was() -> None:
    install()
    assert fetcher.PartitionRecords is SafeRecords
    assert fetcher.MemoryRecords is RawRecords
    used = inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    assert "MemoryRecords(part_data[-1])" in used
    assert used.count("PartitionRecords(") == 1
