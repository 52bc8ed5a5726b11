"""Dead letters: the record as it came, with why and where from, and nothing without a bound."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.events import Record, encode
from synckit.testing.worker import Partition, change
from synckit.worker.dead_letters import MAX_HEADER, MAX_HEADERS, MAX_TRACEBACK, MAX_VALUE, DeadLetters


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None: ...


@dataclass
class Published:
    records: list[tuple[str, Record]] = field(default_factory=list)
    error: Exception | None = None
    takes: int = 1 << 20

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        if self.error:
            raise self.error
        if any(size_of(record) > self.takes for record in records):
            raise RemoteRejected("kafka", 413, "too large")
        self.records += [(topic, record) for record in records]


async def bury(record: Record, traceback: str = "frames") -> Record:
    published = Published()
    letters = DeadLetters(published, service="beteiligte-sync", clock=Noon())
    await letters.bury(Partition(number=3).deliver(record, offset=7), "bug", "KeyError", traceback)
    [(topic, letter)] = published.records
    assert topic == "vmh.beteiligte.dlq"
    return letter


async def test_a_dead_letter_says_why_where_from_and_keeps_what_came() -> None:
    original = encode(change("a", event_id="e1"))
    letter = await bury(original)
    assert (letter.key, letter.value) == (original.key, original.value)
    assert letter.headers == (
        ("dlq_reason", b"bug"),
        ("dlq_message", b"KeyError"),
        ("dlq_traceback", b"frames"),
        ("dlq_topic", b"vmh.beteiligte"),
        ("dlq_partition", b"3"),
        ("dlq_offset", b"7"),
        ("dlq_service", b"beteiligte-sync"),
        ("dlq_at", b"2026-05-01T12:00:00.000+00:00"),
        ("dlq_size", str(len(original.value)).encode()),
        ("__connect.errors.topic", b"vmh.beteiligte"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"7"),
        ("__connect.errors.exception.message", b"bug"),
        *original.headers,
    )


async def test_nothing_in_a_dead_letter_is_without_a_bound() -> None:
    headers = tuple((f"h{number}", b"v" * 10_000) for number in range(100))
    letter = await bury(Record(b"k" * 10_000, b"x" * 1_000_000, headers), traceback="f" * 100_000)
    named = dict(letter.headers)
    assert len(letter.value) == MAX_VALUE
    assert named["dlq_size"] == b"1000000"
    assert len(named["dlq_traceback"]) == MAX_TRACEBACK
    assert len(letter.key) == MAX_HEADER
    assert named["dlq_sha256"].decode() == hashlib.sha256(b"x" * 1_000_000).hexdigest()
    assert len(letter.headers) == 14 + MAX_HEADERS
    assert max(len(value) for name, value in letter.headers if name != "dlq_traceback") == MAX_HEADER


async def test_a_letter_that_was_sent_again_and_dies_again_has_one_set_of_marks() -> None:
    letter = await bury(await bury(encode(change("a"))))
    assert len([name for name, _ in letter.headers if name == "dlq_reason"]) == 1


async def test_a_broker_that_does_not_take_it_is_heard_of() -> None:
    published = Published(error=RemoteUnavailable("kafka", "away"))
    letters = DeadLetters(published, service="s", clock=Noon())
    with pytest.raises(RemoteUnavailable):
        await letters.bury(Partition().deliver(change("a")), "bug", "", "")


def size_of(record: Record) -> int:
    return len(record.key) + len(record.value) + sum(len(name) + len(value) for name, value in record.headers)


@pytest.mark.parametrize(
    "record",
    [
        Record(b"k", b"x" * 1_048_000, ()),
        Record(b"k" * 1_048_000, b"", ()),
        Record(b"k", b"", (("n" * 1_048_000, b"v"),)),
        Record(b"k", b"", tuple((f"{number}" * 5, b"v" * 20) for number in range(20_000))),
        Record(b"k", b"", (("ü" * 300_000, b"v" * 300_000),) * 3),
    ],
)
async def test_a_dead_letter_fits_whatever_came(record: Record) -> None:
    letter = await bury(record, traceback="f" * 100_000)
    assert size_of(letter) <= 64 * 1024


async def test_where_a_topic_takes_less_a_stub_says_why_and_where_from() -> None:
    published = Published(takes=1024)
    letters = DeadLetters(published, service="beteiligte-sync", clock=Noon())
    delivery = Partition(number=3).deliver(Record(b"a", b"x" * 9_000, ()), offset=7)
    await letters.bury(delivery, "bug", "KeyError", "frames")
    [(_, stub)] = published.records
    named = dict(stub.headers)
    assert (named["dlq_partition"], named["dlq_offset"], named["dlq_reason"]) == (b"3", b"7", b"bug")
    assert (stub.value, named["dlq_size"]) == (b"", b"9000")
