"""Faust's consumer, made safe: drain and a real commit before partitions are given up, and a lease from heartbeats.

Stock Faust drops its ack state before its last commit, and waits without limit for what is in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.services import WaitResults

from synckit.eager import Begun
from synckit.kafka.records import UNREADABLE, install
from synckit.worker.delivery import Delivery, Unreadable

log = structlog.get_logger("synckit.worker")
_HANDED_OVER = WaitResults([], [], False)


class SafeConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka lives; its heartbeats renew the lease."""

    app: Any

    async def on_start(self) -> None:
        install()
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator
        beat: Callable[[], Awaitable[bool]] = coordinator._do_heartbeat
        lease = self.app.lease

        async def beat_and_renew() -> bool:
            asked_at = lease.now()
            alive = await beat()
            # The lease counts from before the heartbeat was sent: the group may have waited from that moment on.
            if alive:
                lease.renew(asked_at)
            return alive

        coordinator._do_heartbeat = beat_and_renew

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Also to the start of partitions of which nothing was committed yet.

        aiokafka leaves those where they are. What it has handed out before the assignment is complete, Faust drops:
        nobody would read it before the next start.
        """
        committed: Mapping[TP, int] = await super().seek_to_committed()
        unsought = [tp for tp, offset in committed.items() if not offset or offset < 0]
        if unsought:
            await self.seek_to_beginning(*unsought)
        return committed


class SafeConsumer(driver.Consumer):
    """The consumer of a `SafeApp`."""

    app: Any

    def on_init(self) -> None:
        super().on_init()
        self._handed: dict[TP, tuple[int, int]] = {}

    def _new_consumer_thread(self) -> SafeConsumerThread:
        return SafeConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:
        """Faust's wait around handing a record over, which nearly never has to wait: then no tasks are made."""
        # Faust makes two tasks a record here. Any other call of it goes its usual way.
        if timeout is None and len(coros) == 2 and asyncio.iscoroutine(coros[0]) and not self.should_stop:
            begun = Begun(coros[0])
            if begun.finished:
                coros[1].close()
                return _HANDED_OVER
            return await super().wait_first(begun, coros[1])
        return await super().wait_first(*coros, timeout=timeout)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        if revoked:
            # Before Faust's own handler: that forgets the acks, and its last commit would be of nothing.
            await self.app.drain("revoked")
        self._handed.clear()
        self.app.commits_refused = 0
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.app.lease.renew()
        self.app.open(generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        accepted: bool = await super()._commit(offsets)
        self.app.commits_refused = 0 if accepted else self.app.commits_refused + 1
        return accepted

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        message = super()._to_message(tp, record)
        read = self._read_offset[tp]
        # A lower offset is a redelivery, unless this process never saw the record: then the log is another one.
        if read is not None and message.offset < read and not self.app.took(message):
            self._start_anew(tp)
        self._handed[tp] = (self._handed.get(tp, (message.offset, 0))[0], message.offset)
        return message

    def _start_anew(self, tp: TP) -> None:
        """The log goes on at an earlier offset with other records: its topic was deleted and created again.

        Stock Faust drops them until they reach the old offset, and then commits past them.
        """
        log.warning("worker.partition_made_anew", topic=tp.topic, partition=tp.partition)
        self._handed.pop(tp, None)
        for known in (self._gap, self._acked, self._acked_index, self._read_offset, self._committed_offset):
            known.pop(tp, None)
        self.app.start_anew(tp)

    def lags(self) -> dict[str, int]:
        """Topic → records of our partitions that are not acknowledged yet, as far as is known."""
        total: dict[str, int] = {}
        for tp in self.assignment():
            end = self.highwater(tp)
            waiting = (
                0
                if end is None
                else still_to_do(self._handed.get(tp), self._committed_offset.get(tp), self._position(tp), end)
            )
            total[tp.topic] = total.get(tp.topic, 0) + waiting
        return total

    def _position(self, tp: TP) -> int | None:
        """How far aiokafka has handed records out; where nothing was committed yet, all we know."""
        assignment = self._thread._ensure_consumer()._subscription.subscription.assignment
        state = assignment.state_value(tp) if assignment is not None else None
        # A fresh assignment has no position yet, and asking for it then raises.
        return state.position if state is not None and state.has_valid_position else None


class SafeTransport(driver.Transport):
    """aiokafka with the consumer above."""

    Consumer = SafeConsumer


async def bounded(call: Awaitable[Any], seconds: float) -> bool:
    """Whether it ended in time. Not wait_for: a commit does not end when it is cancelled while the broker is away."""
    task = asyncio.ensure_future(call)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        return False
    return task.exception() is None


def still_to_do(handed: tuple[int, int] | None, committed: int | None, position: int | None, end: int) -> int:
    """Records of a partition that are not done. `handed`: first and last one handed out since it was assigned.

    Where all that was handed out is committed, only what is not fetched yet is left. What lies between is none of ours:
    markers of transactions, records that were purged or compacted away. They are never acked.
    """
    if handed is not None and (committed is None or committed <= handed[1]):
        return max(0, end - (handed[0] if committed is None else committed))
    begin = position if position is not None else committed
    return 0 if begin is None else max(0, end - begin)


def delivered(message: Any, consumer: Any) -> Delivery:
    """Faust's message as the executor knows it."""
    headers = tuple(message.headers or ())
    return Delivery(
        message.topic,
        message.partition,
        message.offset,
        message.generation_id,
        message.timestamp or 0.0,
        message.key,
        message.value,
        headers,
        partial(message.ack, consumer),
        _unreadable(headers),
    )


def _unreadable(headers: tuple[tuple[str, bytes], ...]) -> Unreadable | None:
    """What the reader of the batch wrote on a stub."""
    told = next((value for name, value in headers if name == UNREADABLE), None)
    if told is None:
        return None
    size, _, rest = told.decode("utf-8", "replace").partition(" ")
    sha256, _, problem = rest.partition(" ")
    return Unreadable(int(size) if size.isascii() and size.isdigit() else 0, sha256[:64], problem[:200] or UNREADABLE)
