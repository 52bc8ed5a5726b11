"""A worker's life: wait for the broker, run, say how it is, end in time; and the watchdog that ends it otherwise."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from synckit.errors import SyncError
from synckit.faust.app import SafeApp
from synckit.service import worker_metrics
from synckit.service.hard_exit import hard_exit
from synckit.worker.executor import KeyedExecutor
from synckit.worker.ports import boot_seconds
from synckit.worker.watch import Patience, Seen, Watch

log = structlog.get_logger("synckit.worker")
BEAT_SECONDS = 1.0
WATCHDOG_EXIT = 70


class WorkerFailed(SyncError):
    """The worker can't go on; the process should end with an error. The text says why."""

    code = "worker_failed"


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How a worker is. `phase`: `waiting` (for its broker), `starting`, `running`, `stopping`, `ended`."""

    phase: str = "waiting"
    in_contact: bool = False
    partitions: int = 0
    buffered: int = 0
    running: int = 0
    waiting: int = 0
    lag: int = 0
    last_progress: float = 0.0

    @property
    def ready(self) -> bool:
        """Joined its group once, and its broker has heard of it lately. A backlog is no reason not to be ready."""
        return self.phase == "running" and self.in_contact


class KafkaWorker:
    """Runs a `SafeApp` with its agents. `prepare` comes first: it waits for the broker and checks the topics."""

    def __init__(
        self, app: SafeApp, *, prepare: Callable[[], Awaitable[None]], patience: Patience | None = None
    ) -> None:
        self._app = app
        self._prepare = prepare
        self._patience = patience or Patience(rebalance=2 * app.worker.rebalance_seconds)
        self._why = ""
        self._failing = asyncio.Event()
        self._phase = "waiting"
        self._seen = Seen(boot_seconds(), assigned_once=False)

    @property
    def state(self) -> WorkerState:
        executors = self._app.executors
        return WorkerState(
            phase=self._phase,
            in_contact=self._app.lease.held(),
            partitions=len(self._app.assigned),
            buffered=sum(one.buffered for one in executors),
            running=sum(one.running for one in executors),
            waiting=sum(one.waiting for one in executors),
            lag=self._seen.lag,
            last_progress=max((one.last_progress for one in executors), default=0.0),
        )

    async def probe(self) -> None:
        """For readiness: raises where the worker is not ready."""
        if not self.state.ready:
            raise WorkerFailed(f"worker is {self._phase}")

    async def run(self) -> None:
        """Until it is cancelled, then it ends gracefully; raises (WorkerFailed, MissingTopics) where it can't go on."""
        for executor in self._app.executors:
            executor.on_blown = partial(self._blown, executor)
        try:
            await self._prepare()
            await self._run_app()
        except SyncError as error:
            log.error("worker.failed", error=str(error))
            raise
        finally:
            self._phase = "ended"

    async def _run_app(self) -> None:
        self._phase = "starting"
        ended = threading.Event()
        threading.Thread(target=self._watch, args=(ended,), name="watchdog", daemon=True).start()
        tasks = [asyncio.ensure_future(one) for one in (self._start(), self._until_stopped(), self._beat())]
        try:
            await self._failing.wait()
        finally:
            self._phase = "stopping"
            ended.set()
            await self._app.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise WorkerFailed(self._why)

    async def _start(self) -> None:
        try:
            await self._app.start()
        except Exception as error:
            log.error("worker.start_failed", exc_info=error)
            self._fail(f"start: {told(error)}")

    async def _until_stopped(self) -> None:
        await self._app.wait_until_stopped()
        reason = self._app.crash_reason
        self._fail(f"crashed: {told(reason)}" if reason is not None else "stopped by itself")

    def _blown(self, executor: KeyedExecutor, reason: str) -> None:
        at = f" at {executor.blown_at}" if executor.blown_at else ""
        self._fail(f"fuse blown: {reason}{at}")

    def _fail(self, reason: str) -> None:
        self._why = self._why or reason
        self._failing.set()

    async def _beat(self) -> None:
        """Snapshots for the watchdog, from the loop: when they stop, the loop hangs."""
        while True:
            self._seen = self._look_around()
            if self._seen.assigned_once and self._phase == "starting":
                self._phase = "running"
                log.info("worker.ready", partitions=len(self._app.assigned))
            await asyncio.sleep(BEAT_SECONDS)

    def _look_around(self) -> Seen:
        app = self._app
        state = self.state
        assigned_once = self._seen.assigned_once or (not app.rebalancing and app.recovered)
        return Seen(
            at=boot_seconds(),
            rebalancing=app.rebalancing,
            assigned_once=assigned_once,
            commits_refused=app.commits_refused,
            lag=self._lag() if assigned_once and not app.rebalancing else 0,
            resting=state.running == 0 and state.waiting == 0,
            in_contact=state.in_contact,
            progress_at=state.last_progress,
        )

    def _lag(self) -> int:
        try:
            lags = self._app.lags()
            worker_metrics.standing(lags, self._app.oldest(), time.time())
            return sum(lags.values())
        except Exception as error:  # the consumer's thread changes its assignment under our hands
            log.debug("worker.lag_unknown", error=type(error).__name__)
            return self._seen.lag

    def _watch(self, ended: threading.Event) -> None:
        watch = Watch(self._patience)
        while not ended.wait(BEAT_SECONDS):
            reason = watch.look(boot_seconds(), self._seen)
            if reason is not None:
                hard_exit(WATCHDOG_EXIT, partial(log.critical, "worker.watchdog", error=reason))


def told(error: BaseException) -> str:
    """The type; of our own errors also the text, which names topic, partition and offset where it has them."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, SyncError) else name
