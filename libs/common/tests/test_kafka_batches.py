"""The batches between our publisher and aiokafka, over a producer that answers when it is told to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from synckit.events import Record
from synckit.kafka.batches import MOST_WAITING, Crowded, Receipt, TooLate, TopicBatches
from synckit.testing.worker import settle

TOPIC, ROOM = "topic", 3


class Builder:
    """A batch that takes three records."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> object:
        if len(self.keys) == ROOM:
            return None
        self.keys.append(key)
        return object()


class Producer:
    """Two partitions; every batch stays under way until `answer`."""

    def __init__(self, partitions: int = 2) -> None:
        known = set(range(partitions))
        self.client = SimpleNamespace(cluster=SimpleNamespace(partitions_for_topic=lambda _topic: known))
        self.sent: list[tuple[int, list[bytes], asyncio.Future[object]]] = []
        self.refuses: Exception | None = None

    def create_batch(self) -> Builder:
        return Builder()

    async def send_batch(self, batch: Builder, topic: str, *, partition: int) -> asyncio.Future[object]:
        if self.refuses is not None:
            raise self.refuses
        self.sent.append((partition, batch.keys, asyncio.get_running_loop().create_future()))
        return self.sent[-1][2]

    def answer(self, error: Exception | None = None) -> None:
        for _, _, future in self.sent:
            if not future.done() and error is None:
                future.set_result(None)
            elif not future.done():
                future.set_exception(error)  # type: ignore[arg-type]

    def keys(self) -> list[list[bytes]]:
        return [keys for _, keys, _ in self.sent]


class Hesitating(Producer):
    """Waits before it takes a batch, until `go`."""

    def __init__(self, partitions: int = 2) -> None:
        super().__init__(partitions)
        self.go = asyncio.Event()
        self.asked = 0

    async def send_batch(self, batch: Builder, topic: str, *, partition: int) -> asyncio.Future[object]:
        self.asked += 1
        await self.go.wait()
        return await super().send_batch(batch, topic, partition=partition)


def records(*keys: str) -> Sequence[Record]:
    return [Record(key.encode(), b"{}", ()) for key in keys]


def batches(producer: Any) -> TopicBatches:
    return TopicBatches(producer, TOPIC)


async def test_records_of_callers_in_one_turn_share_a_batch_and_each_caller_is_told() -> None:
    producer = Producer()
    over = batches(producer)
    over.put(records("d"))
    first, second = over.put(records("a")), over.put(records("c"))
    assert producer.keys() == [[b"d"]], "the first one waits for nobody"
    await settle()
    assert producer.keys() == [[b"d"], [b"a", b"c"]]
    assert not first.done.done()
    producer.answer()
    producer.answer()
    await asyncio.gather(first.done, second.done)


async def test_while_a_batch_is_under_way_what_comes_waits_and_keeps_its_order() -> None:
    producer = Producer(1)
    over = batches(producer)
    over.put(records("a"))
    await settle()
    over.put(records("b", "c", "d"))
    last = over.put(records("e"))
    await settle()
    assert producer.keys() == [[b"a"]]
    producer.answer()
    await settle()
    producer.answer()
    await settle()
    producer.answer()
    await last.done
    assert producer.keys() == [[b"a"], [b"b", b"c", b"d"], [b"e"]]


async def test_a_key_has_one_partition_and_a_caller_waits_for_all_of_its_own() -> None:
    producer = Producer(2)
    over = batches(producer)
    receipt = over.put(records("a", "b", "c", "d", "a"))
    await settle()
    by_key = {key: partition for partition, keys, _ in producer.sent for key in keys}
    assert set(by_key.values()) == {0, 1}
    producer.sent[0][2].set_result(None)
    await settle()
    assert not receipt.done.done()
    producer.answer()
    await receipt.done


async def test_an_error_of_the_broker_reaches_every_caller_of_that_batch_and_the_lane_goes_on() -> None:
    producer = Producer(1)
    over = batches(producer)
    failed = over.put(records("a"))
    await settle()
    after = over.put(records("b"))
    producer.answer(KafkaTimeoutError())
    with pytest.raises(KafkaTimeoutError):
        await failed.done
    await settle()
    producer.answer()
    await after.done


async def test_a_producer_that_takes_no_batch_is_told_to_the_caller() -> None:
    producer = Producer(1)
    producer.refuses = KafkaTimeoutError()
    with pytest.raises(KafkaTimeoutError):
        await batches(producer).put(records("a")).done


async def test_a_producer_that_takes_none_of_very_many_batches_is_told_to_all_callers() -> None:
    producer = Producer(1)
    over = batches(producer)
    first = over.put(records("a"))
    await settle()
    waiting = [over.put(records("a")) for _ in range(3 * sys.getrecursionlimit())]
    producer.refuses = KafkaTimeoutError()
    producer.answer()
    await first.done
    answers = await asyncio.gather(*(receipt.done for receipt in waiting), return_exceptions=True)
    assert {type(answer) for answer in answers} == {KafkaTimeoutError}


async def test_what_waits_for_nobody_any_more_is_not_sent() -> None:
    producer = Producer(1)
    over = batches(producer)
    over.put(records("a"))
    await settle()
    given_up, wanted = over.put(records("b", "c", "d")), over.put(records("e"))
    given_up.expire()
    with pytest.raises(TooLate):
        await given_up.done
    producer.answer()
    await settle()
    producer.answer()
    await wanted.done
    assert producer.keys() == [[b"a"], [b"e"]]


async def test_while_the_broker_hangs_what_callers_have_given_up_is_let_go() -> None:
    producer = Producer(1)
    over = batches(producer)
    over.put(records("a"))
    await settle()
    most = 0
    for _ in range(200):
        receipt = over.put([Record(b"b", b"x" * 20_000, ())])
        most = max(most, over.waiting_bytes)
        receipt.expire()
        with pytest.raises(TooLate):
            await receipt.done
    assert most <= 3 * 20_100, "no more than what is wanted and what has just been given up"
    assert producer.keys() == [[b"a"]]


async def test_while_the_broker_hangs_what_waits_is_bounded_and_the_next_caller_is_refused_at_once() -> None:
    producer = Producer(1)
    over = batches(producer)
    over.put(records("a"))
    await settle()
    taken = crowd(over, b"b")
    held = over.waiting_bytes
    assert MOST_WAITING < held <= MOST_WAITING + 20_100
    with pytest.raises(Crowded):
        over.put(records("c"))
    assert over.waiting_bytes == held, "what is refused is not kept"
    for receipt in taken:
        receipt.let_go()
    over.put(records("d"))
    assert over.waiting_bytes < 1000


async def test_one_partition_that_hangs_refuses_nothing_for_the_others() -> None:
    producer = Producer(2)
    over = batches(producer)
    hanging, other = (next(key for key in "abcdefgh" if number(key) == wanted) for wanted in (0, 1))
    over.put(records(hanging))
    await settle()
    crowd(over, hanging.encode())
    receipt = over.put(records(other))
    await settle()
    producer.sent[-1][2].set_result(None)
    await receipt.done
    assert producer.sent[-1][:2] == (1, [other.encode()])


async def test_a_lane_that_was_emptied_counts_nothing() -> None:
    producer = Producer(1)
    over = batches(producer)
    last = [over.put(records("a", "b")) for _ in range(20)][-1]
    while not last.done.done():
        await settle()
        producer.answer()
    assert over.waiting_bytes == 0


def crowd(over: TopicBatches, key: bytes) -> list[Receipt]:
    """As many callers as are taken."""
    taken: list[Receipt] = []
    while over.waiting_bytes <= MOST_WAITING:
        taken.append(over.put([Record(key, b"x" * 20_000, ())]))
    with pytest.raises(Crowded):
        over.put([Record(key, b"x", ())])
    return taken


def number(key: str) -> int:
    """Which of two partitions a key has."""
    return (int(murmur2(key.encode())) & 0x7FFFFFFF) % 2


async def test_what_waits_is_handed_over_before_the_producer_looks_for_its_next_request() -> None:
    producer = Producer(1)
    over = batches(producer)
    over.put(records("a"))
    await settle()
    over.put(records("b"))
    producer.answer()
    seen: list[list[list[bytes]]] = []
    asyncio.get_running_loop().call_soon(lambda: seen.append(producer.keys()))
    await settle()
    assert seen == [[[b"a"], [b"b"]]]


async def test_a_producer_that_has_to_wait_for_what_it_knows_of_the_topic_loses_and_reorders_nothing() -> None:
    producer = Hesitating(1)
    over = batches(producer)
    first = over.put(records("a"))
    await settle()
    second = over.put(records("b"))
    await settle()
    assert producer.keys() == []
    producer.go.set()
    await settle()
    assert (producer.keys(), producer.asked) == ([[b"a"]], 1)
    producer.answer()
    await first.done
    producer.answer()
    await second.done
    assert producer.keys() == [[b"a"], [b"b"]]


async def test_a_producer_that_fails_after_a_wait_is_told_to_the_caller() -> None:
    producer = Hesitating(1)
    receipt = batches(producer).put(records("a"))
    await settle()
    producer.refuses = KafkaTimeoutError()
    producer.go.set()
    with pytest.raises(KafkaTimeoutError):
        await receipt.done


async def test_a_record_that_no_broker_takes_is_refused_before_anything_is_sent() -> None:
    producer = Producer(1)
    with pytest.raises(MessageSizeTooLargeError):
        batches(producer).put([*records("a"), Record(b"b", b"x" * (1 << 20), ())])
    await settle()
    assert producer.sent == []


async def test_nothing_to_publish_is_done_at_once() -> None:
    assert batches(Producer()).put([]).done.done()
