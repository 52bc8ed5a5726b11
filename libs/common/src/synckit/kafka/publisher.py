"""`ports.Publisher` on an idempotent aiokafka producer, and what services ask of a broker before they start.

linger 0: with requests that wait for their answer, lingering only adds latency.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from synckit.deadlines import Deadlines
from synckit.errors import PermanentError, RemoteRejected, RemoteUnavailable
from synckit.events import Record
from synckit.kafka.access import KafkaAccess
from synckit.kafka.admin import topic_admin
from synckit.kafka.batches import Crowded, TooLate, TopicBatches
from synckit.kafka.declaration import APPLY_COMMAND
from synckit.kafka.probe import KafkaRefused, unusable

log = structlog.get_logger("synckit.kafka")
ACK_SECONDS = 15.0
STOP_SECONDS = 5.0
PING_SECONDS = 2.0
WAIT_FIRST, WAIT_MOST = 0.2, 5.0
JUST_MADE_PAUSES = (0.2, 0.5, 1.0)
"""Seconds between the questions after topics that a broker does not know yet."""
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class MissingTopics(PermanentError):
    """The cluster lacks topics. The text names the command that creates them."""

    code = "missing_topics"

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(f"missing topics: {', '.join(sorted(names))}; run `{APPLY_COMMAND}`")
        self.names = tuple(sorted(names))


async def require_topics(access: KafkaAccess, names: Collection[str], *, sleep: Sleep = asyncio.sleep) -> None:
    """Waits for the broker as long as it takes, and says so. MissingTopics where it has not all of `names`.

    KafkaRefused, in one line, where a broker is there and refuses us, or does not show us all of them.
    Asked a few times: a broker that has just made a topic may not know of it for a moment.
    """

    async def ask() -> list[str]:
        async with topic_admin(access) as admin:
            return await admin.missing(names)

    for pause in JUST_MADE_PAUSES:
        missing = await _until_reachable(ask, sleep)
        if not missing:
            return
        await sleep(pause)
    missing = await _until_reachable(ask, sleep)
    if missing:
        raise MissingTopics(missing)


class KafkaPublisher:
    """One a process. Until `start` has connected, and while the broker is away, `publish` says RemoteUnavailable.

    A record whose `publish` failed may still arrive later: consumers take duplicates as nothing.
    """

    def __init__(
        self,
        access: KafkaAccess,
        *,
        client_id: str,
        ack_seconds: float = ACK_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._access = access
        self._client_id = client_id
        self._ack_seconds = ack_seconds
        self._deadlines = Deadlines(ack_seconds)
        self._sleep = sleep
        self._producer: AIOKafkaProducer | None = None
        self._batches: tuple[AIOKafkaProducer | None, dict[str, TopicBatches]] = (None, {})
        self._replacing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when connected; waits for the broker as long as it takes, and says so. KafkaRefused."""
        self._producer = await _until_reachable(self._connect, self._sleep)

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        """Returns when the broker has acknowledged all. RemoteUnavailable where it did not in time."""
        producer = self._producer
        if producer is None:
            raise RemoteUnavailable("kafka", "not connected")
        batches = self._of(producer, topic)
        try:
            if not batches.is_known:
                await self._learn(producer, topic)
            receipt = batches.put(records)
            waiting = self._deadlines.begin(receipt.expire)
            try:
                await receipt.done
            finally:
                self._deadlines.end(waiting)
                # In every case, cancellation included: an error that comes later is looked at by nobody.
                receipt.let_go()
        except Crowded:
            raise RemoteUnavailable("kafka", f"{topic}: too much waits already") from None
        except TooLate:
            raise RemoteUnavailable("kafka", f"{topic} not acknowledged in time", maybe_applied=True) from None
        except _TOO_LARGE as error:
            raise RemoteRejected("kafka", 413, f"{topic}: {type(error).__name__}") from None
        except KafkaError as error:
            # Out of sequence, fenced, unknown producer id: aiokafka goes on failing with this producer.
            # A right that is lacking is lacked by the next producer as well.
            if not error.retriable and not isinstance(error, TopicAuthorizationFailedError):
                self._replace(producer)
            raise RemoteUnavailable("kafka", f"{topic}: {type(error).__name__}", maybe_applied=True) from None

    async def ping(self) -> None:
        """For readiness. RemoteUnavailable where no broker answers."""
        producer = self._producer
        if producer is None:
            raise RemoteUnavailable("kafka", "not connected")
        asking = asyncio.ensure_future(producer.client.fetch_all_metadata())
        await asyncio.wait({asking}, timeout=PING_SECONDS)
        if not asking.done():
            asking.cancel()
            asking.add_done_callback(_retrieve)
            raise RemoteUnavailable("kafka", "no answer")
        if error := asking.exception():
            raise RemoteUnavailable("kafka", type(error).__name__) from None

    async def stop(self) -> None:
        """Flushes for a few seconds, then lets go."""
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.gather(self._replacing, return_exceptions=True)
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._access.options(),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            request_timeout_ms=int(self._ack_seconds * 1000),
            metadata_max_age_ms=30_000,
        )
        try:
            await producer.start()
        except KafkaError as error:
            await _close(producer)
            raise await unusable(self._access, error) from None
        except BaseException:
            await _close(producer)
            raise
        return producer

    async def _learn(self, producer: AIOKafkaProducer, topic: str) -> None:
        """Which partitions there are. RemoteUnavailable where the broker does not say so in time."""
        asking = asyncio.ensure_future(producer.partitions_for(topic))
        # Not wait_for: a question to a broker that is away need not end when it is cancelled.
        await asyncio.wait({asking}, timeout=self._ack_seconds)
        if not asking.done():
            asking.cancel()
            asking.add_done_callback(_retrieve)
            raise RemoteUnavailable("kafka", f"{topic} not found in time")
        asking.result()

    def _of(self, producer: AIOKafkaProducer, topic: str) -> TopicBatches:
        """A producer's own: what waits for one that is broken must not go out by the next."""
        if self._batches[0] is not producer:
            self._batches = (producer, {})
        found = self._batches[1].get(topic)
        if found is None:
            found = self._batches[1][topic] = TopicBatches(producer, topic)
        return found

    def _replace(self, broken: AIOKafkaProducer) -> None:
        """An idempotent producer whose sequence is broken (topic made anew, broker restored) fails for ever."""
        if self._producer is broken:
            log.warning("kafka.producer_replaced")
            self._producer = None
            self._replacing = asyncio.ensure_future(self._renew(broken))

    async def _renew(self, broken: AIOKafkaProducer) -> None:
        """Until there is a new one: whatever the trouble, nobody else would try again."""
        while self._producer is None:
            try:
                await self.start()
            except KafkaRefused:  # already told; the process goes on, so that a right granted late is used
                await self._sleep(WAIT_MOST)
            except Exception:
                log.exception("kafka.not_renewed", delay=WAIT_MOST)
                await self._sleep(WAIT_MOST)
        await _close(broken)


async def _close(producer: AIOKafkaProducer) -> None:
    closing = asyncio.ensure_future(producer.stop())
    await asyncio.wait({closing}, timeout=STOP_SECONDS)
    if not closing.done():
        log.warning("kafka.producer_not_flushed")
        closing.cancel()
    closing.add_done_callback(_retrieve)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Somebody has looked at the error: no complaint at the end of the loop."""
    if not future.cancelled():
        future.exception()


async def _until_reachable(ask: Callable[[], Awaitable[T]], sleep: Sleep) -> T:
    pause = WAIT_FIRST
    while True:
        try:
            return await ask()
        except KafkaRefused as error:
            log.error("kafka.refused", error=str(error))
            raise
        except RemoteUnavailable as error:
            log.warning("kafka.waiting", error=str(error), delay=pause)
            await sleep(pause)
            pause = min(WAIT_MOST, pause * 2)
