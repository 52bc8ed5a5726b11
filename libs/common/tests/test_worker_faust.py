"""The Faust adapter: what it relies on in this version of Faust, what it pins, and the patched recovery."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from dataclasses import dataclass, field
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, TopicPartitionState
from faust import streams
from faust.tables import recovery as stock
from mode.services import Service

from synckit.faust import KafkaWorkerSettings, build_app, keyed_agent
from synckit.faust.consumer import SafeConsumer, bounded, delivered, still_to_do
from synckit.faust.recovery import SafeRecovery, SafeTableManager
from synckit.faust.worker_process import KafkaWorker, WorkerFailed
from synckit.kafka.access import KafkaAccess
from synckit.testing.worker import BuriedLetters, ScriptedHandler
from synckit.worker import KeyedExecutor
from synckit.worker.watch import Patience

SETTINGS = KafkaWorkerSettings("beteiligte-sync", KafkaAccess("127.0.0.1:1,127.0.0.1:2"), session_seconds=10.0)


def test_faust_is_the_version_that_the_adapter_was_written_against() -> None:
    """Another version: read its changelog, run the integration tests, look at the replaced and used methods again."""
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka").startswith("0.14.")


@pytest.mark.parametrize(
    ("method", "digest"),
    [(stock.Recovery._wait, "ec7429b70176"), (stock.Recovery._resume_streams, "d986a6710c1a")],
)
def test_the_replaced_and_the_surrounding_method_are_as_they_were(method: Any, digest: str) -> None:
    assert hashlib.sha256(inspect.getsource(method).encode()).hexdigest()[:12] == digest


def test_aiokafka_has_the_inner_parts_that_lease_and_lag_are_read_from() -> None:
    assert inspect.iscoroutinefunction(GroupCoordinator._do_heartbeat)
    assert {"position", "has_valid_position"} <= set(dir(TopicPartitionState))
    assert "state_value" in dir(Assignment)


def test_the_c_extension_that_drops_stale_records_unacked_is_there() -> None:
    assert streams._CStreamIterator is not None  # type: ignore[attr-defined]


async def test_settings_are_pinned_to_what_was_proven() -> None:
    app = build_app(SETTINGS)
    conf = app.conf
    assert conf.stream_wait_empty is False
    assert conf.broker_max_poll_interval == 1_000_000
    assert conf.broker_session_timeout == 10.0
    assert conf.broker_request_timeout == 30.0
    assert conf.topic_allow_declare is False
    assert conf.topic_disable_leader is True
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.table_standby_replicas == 1
    assert conf.stream_buffer_maxsize * 0.2 >= (conf.broker_max_poll_records or 10**9)
    assert conf.web_enabled is False
    assert [str(url) for url in conf.broker] == ["kafka://127.0.0.1:1", "kafka://127.0.0.1:2"]
    assert isinstance(app.tables, SafeTableManager)
    assert app.transport.Consumer is SafeConsumer
    assert isinstance(app.tables.recovery, SafeRecovery)


async def test_a_group_waits_for_a_member_as_long_as_a_healthy_one_needs_and_less_than_a_join_may_take() -> None:
    worker = KafkaWorkerSettings("beteiligte-sync", KafkaAccess("127.0.0.1:1"))
    assert worker.rebalance_seconds > worker.heartbeat_seconds + worker.drain_seconds + worker.commit_seconds
    assert worker.rebalance_seconds > worker.session_seconds
    assert worker.rebalance_seconds < build_app(worker).conf.broker_request_timeout


def test_the_watchdog_leaves_a_rebalance_twice_the_time_that_the_group_waits() -> None:
    worker = KafkaWorkerSettings("beteiligte-sync", KafkaAccess("127.0.0.1:1"))
    assert Patience().rebalance == 2 * worker.rebalance_seconds


async def test_an_agent_takes_raw_bytes_one_at_a_time() -> None:
    app = build_app(SETTINGS)
    executor = KeyedExecutor(ScriptedHandler(), BuriedLetters())
    keyed_agent(app, "vmh.beteiligte", executor)
    [agent] = app.agents.values()
    assert agent.concurrency == 1
    assert agent.channel.key_type is bytes
    assert agent.channel.value_type is bytes
    assert app.executors == [executor]
    assert executor.may_start() is False
    app.lease.renew()
    assert executor.may_start() is True


def test_a_delivery_is_faust_s_message_with_its_way_back() -> None:
    acked: list[object] = []
    message = SimpleNamespace(
        topic="t",
        partition=1,
        offset=2,
        generation_id=3,
        timestamp=4.0,
        key=None,
        value=b"v",
        headers=None,
        ack=acked.append,
    )
    delivery = delivered(message, "consumer")
    assert (delivery.source, delivery.offset, delivery.generation, delivery.headers) == (("t", 1), 2, 3, ())
    delivery.ack()
    assert acked == ["consumer"]


@dataclass
class Outcome:
    stopped: bool = False
    done: list[Any] = field(default_factory=list)


class HalfRecovery:
    """What `SafeRecovery._wait` uses of a recovery."""

    _wait: Any = SafeRecovery._wait

    def __init__(self, outcome: Outcome, *, should_stop: bool = False) -> None:
        self.signal_recovery_start = asyncio.Event()
        self.should_stop = should_stop
        self._outcome = outcome

    async def wait_first(self, *_: Any, timeout: float | None = None) -> Outcome:
        if self._outcome.done:
            self._outcome.done = [self.signal_recovery_start]
        return self._outcome


async def test_a_recovery_step_that_timed_out_starts_the_recovery_again() -> None:
    recovery = HalfRecovery(Outcome(stopped=True))
    with pytest.raises(stock.RebalanceAgain):
        await recovery._wait(None, timeout=1)
    assert recovery.signal_recovery_start.is_set()


async def test_a_recovery_that_is_to_stop_stops() -> None:
    recovery = HalfRecovery(Outcome(stopped=True), should_stop=True)
    with pytest.raises(stock.ServiceStopped):
        await recovery._wait(None)
    assert not recovery.signal_recovery_start.is_set()


async def test_another_rebalance_still_interrupts_a_recovery() -> None:
    recovery = HalfRecovery(Outcome(done=["started again"]))
    with pytest.raises(stock.RebalanceAgain):
        await recovery._wait(None)


async def test_stock_faust_takes_a_time_out_for_a_stop() -> None:
    """The reason for the patch; when this fails, Faust has mended it."""

    class Slow(Service):
        _wait: Any = stock.Recovery._wait
        signal_recovery_start = asyncio.Event()

    with pytest.raises(stock.ServiceStopped):
        await Slow()._wait(asyncio.Event().wait(), timeout=0.01)


async def test_a_call_that_neither_returns_nor_ends_when_cancelled_is_left_behind() -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    assert await bounded(stubborn(), 0.01) is False
    release.set()


async def test_a_call_that_returns_or_raises_in_time_is_told_apart() -> None:
    async def fails() -> None:
        raise KeyError

    assert await bounded(asyncio.Event().wait(), 0.0) is False
    assert await bounded(fails(), 1.0) is False
    ready = asyncio.Event()
    ready.set()
    assert await bounded(ready.wait(), 1.0) is True


async def test_a_worker_that_waits_for_its_broker_is_not_ready_and_says_in_which_phase() -> None:
    app = build_app(SETTINGS)
    reached = asyncio.Event()

    async def prepare() -> None:
        reached.set()
        await asyncio.Event().wait()

    worker = KafkaWorker(app, prepare=prepare)
    running = asyncio.ensure_future(worker.run())
    await reached.wait()
    assert worker.state.phase == "waiting"
    assert worker.state.ready is False
    with pytest.raises(WorkerFailed, match="worker is waiting"):
        await worker.probe()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert worker.state.phase == "ended"


@pytest.mark.parametrize(
    ("handed", "committed", "position", "end", "lag"),
    [
        (None, None, None, 10, 0),
        (None, None, 0, 10, 10),
        (None, 4, 4, 10, 6),
        ((0, 9), 10, 10, 10, 0),
        ((0, 9), 4, 10, 10, 6),
        ((0, 9), None, 10, 10, 10),
        ((0, 8), 9, 10, 10, 0),  # a transaction's marker stands at the end
        (None, 9, 10, 10, 0),  # the same after a restart
        (None, 4, 10, 10, 0),  # purged up to the end
        ((0, 2), 3, 10, 10, 0),  # purged while the worker had nothing to do
        ((0, 2), 3, 7, 10, 3),  # purged up to 7
        ((0, 9), 10, 12, 10, 0),  # the end is older news than the position
    ],
)
def test_lag_counts_what_there_is_to_do(
    handed: tuple[int, int] | None, committed: int | None, position: int | None, end: int, lag: int
) -> None:
    assert still_to_do(handed, committed, position, end) == lag


def test_a_stub_of_the_reader_is_known_as_such() -> None:
    message = SimpleNamespace(
        topic="t",
        partition=1,
        offset=2,
        generation_id=3,
        timestamp=None,
        key=None,
        value=b"cut",
        headers=(("unreadable", b"900 abc name of a header is no UTF-8"),),
        ack=print,
    )
    delivery = delivered(message, None)
    assert delivery.unreadable is not None
    assert (delivery.value_size, delivery.value_sha256) == (900, "abc")
    assert delivery.unreadable.problem == "name of a header is no UTF-8"
    assert delivery.timestamp == 0.0
