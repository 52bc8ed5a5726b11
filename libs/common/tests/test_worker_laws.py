"""Laws of the executor under random handlers, failures, rebalances and lost leases, on a fake broker and fake time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from synckit.errors import Locked, RemoteRejected
from synckit.events import ChangeEvent, Record, encode
from synckit.handling import Attempt, Done, Outcome
from synckit.testing.worker import EPOCH, BuriedLetters, FakeTimers, Gate, ScriptedHandler, change, settle
from synckit.worker import Delivery, KeyedExecutor, Limits, RetryPolicy

KEYS = ("a", "b", "c", "d")
PARTITIONS = 2
MAX_BUFFERED = 4
MAX_IN_FLIGHT = 2

Op = tuple[str, str]
ops = st.lists(
    st.one_of(
        st.tuples(st.just("produce"), st.sampled_from([*KEYS, "!"])),
        st.tuples(st.sampled_from(["finish", "lock", "reject", "bug"]), st.sampled_from(KEYS)),
        st.tuples(st.just("wait"), st.sampled_from(["0.5", "3", "50"])),
        st.tuples(st.just("rebalance"), st.sampled_from(["0", "5", "lock"])),
        st.tuples(st.just("lease"), st.sampled_from(["lost", "held"])),
        st.tuples(st.just("letters"), st.sampled_from(["away", "back"])),
    ),
    max_size=60,
)


@dataclass
class FakeBroker:
    """Logs, committed offsets, and what was said of each record; complains at once where a law is broken."""

    logs: list[list[Record]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    committed: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    delivered: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    generation: int = 0
    done: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)

    def produce(self, key: str) -> None:
        number = hash_partition(key)
        event_id = f"{number}:{len(self.logs[number])}"
        junk = Record(b"!", event_id.encode(), ())
        self.logs[number].append(junk if key == "!" else encode(change(key, event_id=event_id)))

    def rewind(self) -> None:
        self.generation += 1
        self.delivered = list(self.committed)

    def next_delivery(self) -> Delivery | None:
        for number, log in enumerate(self.logs):
            if self.delivered[number] < len(log):
                offset = self.delivered[number]
                self.delivered[number] += 1
                return self._delivery(number, offset, log[offset])
        return None

    def _delivery(self, number: int, offset: int, record: Record) -> Delivery:
        generation = self.generation

        def ack() -> None:
            if generation != self.generation:
                self.broken.append(f"{number}@{offset} acked in a generation that is over")
            if self.committed[number] != offset:
                self.broken.append(f"{number}@{offset} acked out of order")
            if f"{number}:{offset}" not in self.done:
                self.broken.append(f"{number}@{offset} acked and not done")
            self.committed[number] = offset + 1

        return Delivery(
            "vmh.beteiligte", number, offset, generation, EPOCH, record.key, record.value, record.headers, ack
        )


def hash_partition(key: str) -> int:
    return sum(key.encode()) % PARTITIONS


@dataclass
class Letters(BuriedLetters):
    broker: FakeBroker = field(default_factory=FakeBroker)

    async def bury(self, delivery: Delivery, reason: str, message: str, traceback: str) -> None:
        await super().bury(delivery, reason, message, traceback)
        self.broker.done.add(f"{delivery.partition}:{delivery.offset}")


class Simulation:
    """One worker, fed as an agent feeds it: one delivery at a time, waiting where the executor makes it wait."""

    def __init__(self, *, coalesce: bool) -> None:
        self.broker = FakeBroker()
        self.gate = Gate()
        self.timers = FakeTimers()
        self.letters = Letters(broker=self.broker)
        self.handler = ScriptedHandler(self._handle, on_give_up=self._settled, on_refused=self._settled)
        self.in_run: dict[str, tuple[ChangeEvent, ...]] = {}
        self.started: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        self.lease = True
        retry = RetryPolicy(base=1.0, cap=4.0, jitter=0.0, budget=20.0)
        limits = Limits(
            max_in_flight=MAX_IN_FLIGHT, max_buffered=MAX_BUFFERED, coalesce=coalesce, fuse_after=10_000, retry=retry
        )
        self.executor = KeyedExecutor(self.handler, self.letters, limits, timers=self.timers)
        self.executor.may_start = lambda: self.lease
        self.wake = asyncio.Event()
        self.quiet = False

    async def _handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        self.in_run[event.entity_id] = attempt.events
        self.started[self.broker.generation, event.entity_id].append(int(event.id.split(":")[1]))
        if not self.lease:
            self.broker.broken.append("started without the lease")
        outcome = Done("written") if self.quiet else await self.gate(event, attempt)
        await self._settled(event)
        return outcome

    async def _settled(self, event: ChangeEvent) -> None:
        self.broker.done.update(one.id for one in self.in_run[event.entity_id])

    async def feed(self) -> None:
        while True:
            delivery = self.broker.next_delivery()
            if delivery is None:
                self.wake.clear()
                await self.wake.wait()
            else:
                await self.executor.submit(delivery)

    async def act(self, op: Op) -> None:
        name, what = op
        if name == "produce":
            self.broker.produce(what)
            self.wake.set()
        elif name in ("finish", "lock", "reject", "bug") and what in self.gate.running:
            self._end_run(name, what)
        elif name == "wait":
            await self.timers.advance(float(what))
        elif name == "rebalance":
            await self.rebalance(what)
        elif name == "lease":
            self.lease = what == "held"
        elif name == "letters":
            self.letters.error = Locked("kafka away") if what == "away" else None
        await settle(12)

    def _end_run(self, name: str, key: str) -> None:
        if name == "finish":
            self.gate.finish(key)
        elif name == "lock":
            self.gate.fail(key, Locked("held"))
        elif name == "reject":
            self.gate.fail(key, RemoteRejected("espocrm", 400, "valid"))
        else:
            self._bury_all_of(key)
            self.gate.fail(key, KeyError(key))

    def _bury_all_of(self, key: str) -> None:
        """A bug buries the newest record of a run and thereby ends the merged ones."""
        if self.letters.error is None:
            self.broker.done.update(one.id for one in self.in_run[key])

    async def rebalance(self, what: str) -> None:
        """With a deadline of so many seconds; `lock`: the runs fail meanwhile and would be tried again."""
        deadline = 5.0 if what == "lock" else float(what)
        draining = asyncio.ensure_future(self.executor.drain(deadline))
        await settle()
        for key in list(self.gate.running)[:1] if what == "lock" else ():
            self.gate.fail(key, Locked("held"))
        await self.timers.advance(deadline + 3)
        assert draining.done()
        self.broker.rewind()
        self.wake.set()
        self.executor.open(self.broker.generation)

    async def run(self, script: list[Op]) -> None:
        self.executor.open(self.broker.generation)
        feeder = asyncio.ensure_future(self.feed())
        for op in script:
            await self.act(op)
            self.check()
        await self.calm_down()
        feeder.cancel()
        self.check()

    async def calm_down(self) -> None:
        self.quiet, self.lease, self.letters.error = True, True, None
        for _ in range(4 * len(KEYS) + 60):
            for key in list(self.gate.running):
                self.gate.finish(key)
            await self.timers.advance(30)

    def check(self) -> None:
        assert self.broker.broken == []
        assert self.gate.overlaps == []
        assert self.gate.most <= MAX_IN_FLIGHT
        assert 0 <= self.executor.buffered <= MAX_BUFFERED
        for runs in self.started.values():
            assert runs == sorted(runs)


@settings(max_examples=120, deadline=None)
@given(script=ops, coalesce=st.booleans())
def test_acks_are_in_order_and_true_keys_never_overlap_and_nothing_is_lost(script: list[Op], coalesce: bool) -> None:
    async def simulate() -> Simulation:
        simulation = Simulation(coalesce=coalesce)
        await simulation.run(script)
        return simulation

    simulation = asyncio.run(simulate())
    assert simulation.broker.committed == [len(log) for log in simulation.broker.logs]
    assert simulation.executor.buffered == 0
    assert simulation.executor.running == 0
