"""The keyed executor: one run a key, many keys at once, acks in order, retries that hold only their own key.

I1 acks go out in offset order per partition and generation, never for a generation that is over.
I2 one running item a key; items of a key start in the order of delivery.
I3 at most `max_buffered` runs are taken and not done, and `max_taken` records not acked; beyond that `submit` waits.
I4 a record is done only after its handler, its parking, or the broker's acknowledgement of its dead letter.
I5 a drain starts nothing, forgets what is queued (unacked: it will be delivered again) and gives the rest a deadline.
I6 a bug is neither acked nor buried until another record has succeeded after it. Where nothing does, one record is
   tried at a time, and then the worker stops.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from synckit.error_text import message_of
from synckit.errors import CircuitOpen
from synckit.events import ChangeEvent
from synckit.handling import EventHandler
from synckit.worker.canonical import tell
from synckit.worker.delivery import Delivery, TopicPartition, bounded
from synckit.worker.lanes import Item, Lane, Lanes
from synckit.worker.limits import Limits
from synckit.worker.observer import NullObserver, WorkerObserver
from synckit.worker.ports import DeadLetterSink, LoopTimers, Timers
from synckit.worker.runner import Again, Held, Later, Runner, Settled, Step
from synckit.worker.tracker import Completed, Entry, Trackers, advance

log = structlog.get_logger("synckit.worker")
LEASE_POLL_SECONDS = 0.25
CANCEL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did. `left` counts runs that did not even end when cancelled."""

    seconds: float
    forgotten: int
    cancelled: int
    left: int


class KeyedExecutor:
    """Fed by `submit`, from one event loop. Opened with each generation, drained before it ends.

    `may_start` is the lease: asked before each start, False while this worker may have lost its partitions.
    `on_blown` is called once, when the fuse blows: whoever runs the worker must stop it. `blown_at` is the record.
    """

    def __init__(
        self,
        handler: EventHandler,
        dead_letters: DeadLetterSink,
        limits: Limits | None = None,
        *,
        timers: Timers | None = None,
        observer: WorkerObserver | None = None,
        accepts: Callable[[ChangeEvent], None] | None = None,
    ) -> None:
        """`accepts` raises InvalidEvent for what its topic does not promise, event by event and before any merging.

        Without it: `events.as_records_are`.
        """
        self._limits = limits or Limits()
        self._timers = timers or LoopTimers()
        self._observer = observer or NullObserver()
        self._runner = Runner(
            handler, dead_letters, self._limits, self._timers, self._observer, complete=self._complete
        )
        if accepts is not None:
            self._runner.accepts = accepts
        self._lanes = Lanes(coalesce=self._limits.coalesce)
        self._trackers = Trackers()
        self._completed = Completed()
        self._running: dict[Item, asyncio.Task[None]] = {}
        self._generation: int | None = None
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        # Taken once, here: `submit` runs in Faust's task, whose context carries the log fields of what it handled last.
        self._context = contextvars.copy_context()
        self._poll_set = False
        self._hurries = 0
        self._suspect = ("", "")
        self._barred = False
        self._shut = False
        self.blown_at = ""
        self.last_progress = self._timers.monotonic()
        self.may_start: Callable[[], bool] = lambda: True
        self.on_blown: Callable[[str], None] = lambda reason: None

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def buffered(self) -> int:
        """Runs taken and not done; records of one key that are merged are one run."""
        return self._lanes.items

    @property
    def waiting(self) -> int:
        """Keys that wait for their next try, those that a bug holds or that are not due included."""
        return self._lanes.waiting

    @property
    def held(self) -> int:
        """Keys that a bug holds: not acked, not buried."""
        return self._lanes.held

    def oldest(self) -> dict[str, float]:
        """Topic → time stamp, in seconds, of the oldest record that is taken and not done."""
        return self._trackers.oldest()

    def takes_only(self, entity: str) -> None:
        """An event of another entity is a dead letter from now on, as it came on a topic that is not its own."""
        self._runner.entity = entity

    def open(self, generation: int) -> None:
        """Takes deliveries of this generation from now on. After a blown fuse it stays shut."""
        if not self._shut:
            self._runner.fuse.reset()
            self._generation = generation
            self.last_progress = self._timers.monotonic()
            self._pump()

    def hurry(self) -> None:
        """A remote that was away is back: whoever waits for a next try waits no longer, the oldest goes first."""
        self._hurries += 1
        self._lanes.recall()
        self._pump()

    async def submit(self, delivery: Delivery) -> None:
        """Takes one delivery; waits while the buffer is full. One of another generation is dropped, unacked."""
        # Back pressure: Faust's stream stands still while this waits. A drain sets `_room`, so nobody waits for a
        # generation that is over.
        while self._is_full() and delivery.generation == self._generation:
            self._room.clear()
            await self._room.wait()
        if delivery.generation != self._generation:
            return
        delivery = bounded(delivery)
        entry = self._trackers.add(delivery)
        # Redelivered after a rebalance. It is acked without a run: the commit of its first ack may not have reached the
        # broker.
        if self._completed.knows(delivery):
            entry.done = True
            entry.tracker.advance()
            self._observer.skipped(delivery.topic)
            return
        self._lanes.put((delivery.topic, delivery.key), entry)
        self._pump()

    def took(self, delivery: Delivery) -> bool:
        """This very record was taken before, in this process: done already, or on its way."""
        return self._trackers.holds(delivery) or self._completed.knows(delivery)

    def start_anew(self, source: TopicPartition) -> None:
        """The partition's log was made anew: what is known of the old one is worth nothing, and is never acked."""
        self._trackers.close_partition(source)
        self._completed.drop(source)

    async def drain(self, deadline: float) -> Drained:
        """Ends the generation: nothing starts, the queued is forgotten, the running get `deadline` seconds."""
        self._generation = None
        self._room.set()
        began = self._timers.monotonic()
        forgotten = self._forget(self._lanes.forget_all_but_running())
        await self._until_idle(deadline)
        cancelled = len(self._running)
        if cancelled:
            for task in self._running.values():
                task.cancel()
            await self._until_idle(CANCEL_SECONDS)
        # What went back to waiting, or to ready, while we waited: it must not start after the next opening.
        forgotten += self._forget(self._lanes.forget_all_but_running())
        # A run that outlives its cancellation keeps its key's lane, so that nothing overlaps it.
        for item in self._running:
            self._forget(item.entries)
        self._trackers.close()
        self._tell_load()
        return Drained(self._timers.monotonic() - began, forgotten, cancelled, len(self._running))

    def _pump(self) -> None:
        """Starts what may start."""
        while self._slot_free() and (lane := self._next()) is not None:
            # Each run in a context of its own: the log fields bound by another run must not leak in.
            run = asyncio.get_running_loop().create_task(self._run(lane), context=self._context.copy())
            self._running[lane.head] = run
            self._idle.clear()
        self._tell_load()

    def _next(self) -> Lane | None:
        # In doubt one record runs at a time, and one that met no bug yet: its success shows that the program works.
        if not self._runner.fuse.doubted:
            return self._lanes.start_next()
        self._runner.fuse.probe()
        return self._lanes.start_probe()

    def _tell_load(self) -> None:
        self._observer.load(self.buffered, len(self._running), self._trackers.taken)
        self._observer.holding(self.held)

    def _slot_free(self) -> bool:
        if self._generation is None or len(self._running) >= self._limits.max_in_flight or not self._lanes.has_ready:
            return False
        if self._runner.fuse.blown or (self._runner.fuse.doubted and self._running):
            return False  # Those that run may still show that it is the records and not the program.
        if self.may_start():
            if self._barred:  # A probe may go: that of the oldest event, and not of whose pause ended first.
                self._barred = False
                self._lanes.recall(CircuitOpen.code)
            return True
        # Nobody tells us when the lease or a remote is back, so one timer asks for all lanes.
        self._barred = True
        self._poll_lease()
        return False

    def _poll_lease(self) -> None:
        if not self._poll_set:
            self._poll_set = True
            self._timers.call_later(LEASE_POLL_SECONDS, self._lease_polled)

    def _lease_polled(self) -> None:
        self._poll_set = False
        self._pump()

    async def _run(self, lane: Lane) -> None:
        item = lane.head
        # Remembered before the run: `item.entries` may lose records that turn out to be no events.
        newest, hurries = item.entries[-1].delivery, self._hurries
        try:
            step = await self._runner.run(lane.key, item)
            if isinstance(step, Again) and hurries != self._hurries:
                step = replace(step, delay=0.0)  # it met the trouble that is over by now
            self._apply(lane, item, newest, step)
        except asyncio.CancelledError:
            self._forget(item.entries)
            self._lanes.finish(lane)
        except Exception as error:  # a bug of the worker itself: never ack, never go on as if nothing was
            log.error("worker.broken", origin=newest.origin, error=message_of(error), exc_info=error)
            self._forget(item.entries)
            if lane.items and lane.head is item:
                self._lanes.finish(lane)
            self._blow(newest.origin, message_of(error))
        finally:
            self._ended(item)

    def _apply(self, lane: Lane, item: Item, newest: Delivery, step: Step) -> None:
        if isinstance(step, Again | Held | Later) and item.entries[-1].dead:
            self._lanes.finish(lane)  # outlived its drain: delivered again elsewhere, not tried again here
        elif isinstance(step, Again):
            self._observer.retried(newest.topic, step.reason)
            if step.delay:
                timer = self._timers.call_later(step.delay, lambda: self._wake(lane))
                self._lanes.hold(lane, timer, step.reason)
            else:
                self._lanes.put_first(lane)
        elif isinstance(step, Later):
            self._put_off(lane, step)
        elif isinstance(step, Held):
            self._suspect = (newest.origin, step.reason)
            self._observer.retried(newest.topic, "bug")
            self._lanes.suspend(lane, self._timers.call_later(step.delay, lambda: self._wake(lane)))
        else:
            self._settle(lane, item, newest, step)

    def _put_off(self, lane: Lane, step: Later) -> None:
        if self._lanes.merge_next(lane):  # came while this one was looked at, and may be due
            self._lanes.put_first(lane)
        else:
            self._lanes.put_off(lane, self._timers.call_later(step.delay, lambda: self._wake(lane)))

    def _settle(self, lane: Lane, item: Item, newest: Delivery, step: Settled) -> None:
        tell(step, newest, item, self._timers, self._observer)
        self._complete(item.entries)
        if step.outcome == "dead_letter" and item.bugs and len(lane.items) > 1:
            lane.items[1].share_verdict(item)  # of the same record: it is known by now whose bug it is
        self._lanes.finish(lane)
        if step.succeeded:
            self._lanes.release()

    def _wake(self, lane: Lane) -> None:
        self._lanes.wake(lane)
        self._pump()

    def _blow(self, origin: str, reason: str) -> None:
        self._generation = None
        self._shut = True
        self.blown_at = origin
        self._room.set()
        self.on_blown(reason)

    def _ended(self, item: Item) -> None:
        self._running.pop(item, None)
        self._make_room()
        if not self._running:
            self._idle.set()
            if self._runner.fuse.blown and self._generation is not None:
                log.error("worker.fuse_blown", origin=self._suspect[0], error=self._suspect[1])
                self._blow(*self._suspect)
        self._pump()

    def _complete(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            entry.done = True
            self._completed.remember(entry.delivery)
        advance(entries)
        for entry in entries:
            if not entry.acked:
                entry.lighten()
        self.last_progress = self._timers.monotonic()
        self._make_room()

    def _forget(self, entries: Iterable[Entry]) -> int:
        forgotten = 0
        for entry in entries:
            if not (entry.dead or entry.done):
                entry.dead = True
                forgotten += 1
        self._make_room()
        return forgotten

    def _is_full(self) -> bool:
        return (
            self.buffered - self._lanes.early >= self._limits.max_buffered
            or self._trackers.taken >= self._limits.max_taken
        )

    def _make_room(self) -> None:
        if not self._is_full():
            self._room.set()

    async def _until_idle(self, seconds: float) -> None:
        if not self._running:
            return
        self._idle.clear()
        timer = self._timers.call_later(seconds, self._idle.set)
        try:
            await self._idle.wait()
        finally:
            timer.cancel()
