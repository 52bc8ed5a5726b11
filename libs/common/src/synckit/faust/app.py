"""The Faust app of a worker: settings pinned to what was proven, and an end that comes within its limit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, cast

import faust
import structlog
from faust import streams
from faust.sensors.base import Sensor
from faust.types import TP, ConsumerMessage

from synckit.faust.consumer import SafeConsumer, SafeTransport, bounded, delivered
from synckit.faust.credentials import faust_options
from synckit.faust.recovery import SafeTableManager
from synckit.kafka.access import KafkaAccess
from synckit.service.hard_exit import hard_exit
from synckit.worker.executor import KeyedExecutor
from synckit.worker.lease import Lease

log = structlog.get_logger("synckit.worker")


@dataclass(frozen=True, slots=True)
class KafkaWorkerSettings:
    """`group` is the consumer group and the service's name. All times in seconds.

    `instance_id`: static membership, fewer rebalances on a restart; only where ids are unique by construction (two
    workers with one id both process everything), and then with a session time-out of 30 to 45.
    `rebalance_seconds`: how long a group waits for one of its members. A healthy one needs heartbeat + drain + commit,
    14; a dead one is waited for until its session is over. Below the 30 of a request, after which aiokafka
    takes a join that still waits for a broker that does not answer.
    The end of a worker takes at most drain + commit + slack.
    """

    group: str
    access: KafkaAccess
    session_seconds: float = 10.0
    heartbeat_seconds: float = 3.0
    rebalance_seconds: float = 25.0
    commit_interval: float = 1.0
    metadata_seconds: float = 30.0
    drain_seconds: float = 8.0
    commit_seconds: float = 3.0
    slack_seconds: float = 6.0
    instance_id: str | None = None


class _LastSeen(Sensor):
    """What Faust's own check for stuck streams reads of its monitor. The rest of that counts every event for nobody."""

    def __init__(self, seen: MutableMapping[TP, float]) -> None:
        super().__init__()
        self._seen = seen

    def on_stream_event_in(self, tp: TP, *_: Any) -> None:
        self._seen[tp] = time.monotonic()


class SafeApp(faust.App):
    """Feeds its executors, and drains them before partitions or the process go."""

    def __init__(self, worker: KafkaWorkerSettings, **options: Any) -> None:
        self.worker = worker
        self.executors: list[KeyedExecutor] = []
        self.lease = Lease(worker.session_seconds)
        self.commits_refused = 0
        super().__init__(worker.group, **options)

    def on_init_dependencies(self) -> Iterable[Any]:
        found: Iterable[Any] = super().on_init_dependencies()
        self.sensors.remove(self.monitor)
        self.sensors.add(_LastSeen(self.monitor.stream_inbound_time))
        return found

    def add(self, executor: KeyedExecutor) -> None:
        """The executor starts work only while the lease is held."""
        if executor not in self.executors:
            executor.may_start = self.lease.held
            self.executors.append(executor)

    def open(self, generation: int) -> None:
        for executor in self.executors:
            executor.open(generation)

    def took(self, message: ConsumerMessage) -> bool:
        """One of the executors has taken this very record before."""
        delivery = delivered(message, None)
        return any(executor.took(delivery) for executor in self.executors)

    def start_anew(self, tp: TP) -> None:
        for executor in self.executors:
            executor.start_anew((tp.topic, tp.partition))

    async def drain(self, why: str) -> None:
        """Stops the flow, lets the running end, commits what is done; each within its limit."""
        consumer = self.consumer
        consumer.stop_flow()
        self.flow_control.suspend()
        self.flow_control.clear()
        drained = await asyncio.gather(*(executor.drain(self.worker.drain_seconds) for executor in self.executors))
        for one in drained:
            log.info(
                "worker.drained",
                reason=why,
                seconds=round(one.seconds, 3),
                forgotten=one.forgotten,
                cancelled=one.cancelled,
                left=one.left,
            )
        if not await bounded(consumer.commit(), self.worker.commit_seconds):
            log.warning("worker.commit_failed", reason=why)

    @property
    def assigned(self) -> set[TP]:
        return set(self._assignment or ())

    @property
    def recovered(self) -> bool:
        """Has its partitions, and has sought their committed offsets, at least once."""
        tables = cast("SafeTableManager", self.tables)
        return tables.recovery.completed.is_set()

    def lags(self) -> dict[str, int]:
        """Topic → records of our partitions that are not acknowledged yet."""
        return cast("SafeConsumer", self.consumer).lags()

    def oldest(self) -> dict[str, float]:
        """Topic → time stamp, in seconds, of the oldest record that is taken and not done; only where there is one."""
        found: dict[str, float] = {}
        for executor in self.executors:
            found |= executor.oldest()
        return found

    def on_rebalance_end(self) -> None:
        """Each time: without this line a log shows partitions that were given up, and never that others came."""
        super().on_rebalance_end()
        log.info("worker.assigned", partitions=len(self.assigned))

    async def on_stop(self) -> None:
        limit = self.worker.drain_seconds + self.worker.commit_seconds + self.worker.slack_seconds
        # A timer of its own thread: mode, faust and aiokafka all have waits without a limit while the broker is away.
        cut = threading.Timer(limit, _hard_exit)
        cut.daemon = True
        cut.start()
        self._cut = cut
        if self._consumer is not None:
            await self.drain("stopping")
        await super().on_stop()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        self._cut.cancel()

    def _new_transport(self) -> SafeTransport:
        return SafeTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """No tables, so no folders: a container may be read-only."""


def build_app(worker: KafkaWorkerSettings) -> SafeApp:
    """Call it inside the running event loop. Each setting here has a reason in the ADR on the executor."""
    if getattr(streams, "_CStreamIterator", None) is None:
        raise RuntimeError("faust without its C extension acks records of generations that are over")
    return SafeApp(
        worker,
        **faust_options(worker.access),
        broker_session_timeout=worker.session_seconds,
        broker_heartbeat_interval=worker.heartbeat_seconds,
        broker_rebalance_timeout=worker.rebalance_seconds,
        broker_request_timeout=max(30.0, worker.session_seconds),
        # Reached once, it is a deadlock for ever; not sent to the broker.
        broker_max_poll_interval=1_000_000,
        broker_max_poll_records=500,
        broker_commit_interval=worker.commit_interval,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=int(worker.metadata_seconds * 1000),
        consumer_group_instance_id=worker.instance_id,
        producer_request_timeout=30,
        processing_guarantee="at_least_once",
        stream_buffer_maxsize=4096,
        stream_wait_empty=False,
        # 1, so that Faust's own assignor is used: topics of one app are co-partitioned.
        table_standby_replicas=1,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        web_enabled=False,
        web_tables_enabled=False,
        web_router_enabled=False,
        TableManager=SafeTableManager,
    )


def _hard_exit() -> None:
    hard_exit(1, lambda: log.error("worker.hard_exit"))
