"""Timers: once a slot in the whole cluster, and never the end of the service."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from recordsync.testing.memory import FakePublisher
from synckit.errors import RemoteUnavailable
from synckit.events import Origin
from synckit.service import metrics
from synckit.testing.clock import FakeClock
from ticker import app
from ticker.domain import schedule
from ticker.handlers import Emitter, Found
from ticker.timers import Timer, TimerLoop

EVERY = 900.0


class FakeOnce:
    """One cluster."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.claimed: set[tuple[str, int]] = set()
        self.away = False

    async def claim(self, name: str, every: timedelta) -> bool:
        if self.away:
            raise RemoteUnavailable("redis", "away")
        key = (name, schedule.slot(self.clock.now(), every.total_seconds()))
        is_first = key not in self.claimed
        self.claimed.add(key)
        return is_first

    async def give_back(self, name: str, every: timedelta) -> None:
        self.claimed.discard((name, schedule.slot(self.clock.now(), every.total_seconds())))


class CountingLook:
    """Counts how often it was asked; `trouble` is raised instead of an answer."""

    entity = "beteiligte"
    origin = Origin.TICKER

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked = 0
        self.trouble: Exception | None = None

    async def find(self) -> Found:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        return Found([], 0)


class Cluster:
    """Replicas of one timer that share a clock and a Redis."""

    def __init__(self, replicas: int = 1, looks: int = 1) -> None:
        self.clock = FakeClock()
        self.once = FakeOnce(self.clock)
        self.looks = [CountingLook(f"look{number}") for number in range(looks)]
        timer = Timer("sweep", EVERY, self.looks)
        emitter = Emitter(FakePublisher(), self.clock)
        self.loops = [TimerLoop(timer, emitter, self.once, self.clock) for _ in range(replicas)]

    async def step(self) -> float:
        return min([await loop.step() for loop in self.loops])

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(min(await self.step(), end - self.clock.monotonic()))


def runs(outcome: str) -> float:
    return metrics.REGISTRY.get_sample_value("sync_ticker_runs_total", {"timer": "sweep", "outcome": outcome}) or 0.0


async def test_several_replicas_tick_once_a_slot() -> None:
    cluster = Cluster(replicas=3)
    await cluster.pass_time(4 * EVERY)
    assert cluster.looks[0].asked == 4


async def test_where_one_replica_dies_another_ticks_in_the_next_slot() -> None:
    cluster = Cluster(replicas=2)
    await cluster.pass_time(EVERY)
    del cluster.loops[0]
    await cluster.pass_time(EVERY)
    assert cluster.looks[0].asked == 2


async def test_a_failed_run_is_tried_again_after_a_minute_within_the_slot() -> None:
    cluster = Cluster()
    before = runs("failed")
    cluster.looks[0].trouble = RemoteUnavailable("espocrm", "503")
    assert await cluster.step() == 60
    cluster.clock.advance(60)
    cluster.looks[0].trouble = None
    assert await cluster.step() > 60
    assert (cluster.looks[0].asked, runs("failed") - before) == (2, 1)


async def test_a_bug_in_one_look_ends_nothing_and_the_others_are_done() -> None:
    cluster = Cluster(looks=3)
    cluster.looks[0].trouble = KeyError("a bug")
    assert await cluster.step() == 60
    assert [look.asked for look in cluster.looks] == [1, 1, 1]


async def test_without_redis_nothing_is_looked_at_until_it_is_back() -> None:
    cluster = Cluster()
    cluster.once.away = True
    await cluster.pass_time(180)
    assert cluster.looks[0].asked == 0
    cluster.once.away = False
    await cluster.pass_time(60)
    assert cluster.looks[0].asked == 1


def test_the_runbook_has_a_row_for_every_timer() -> None:
    timers = re.findall(r'Timer\("(\w+)"', Path(app.__file__).read_text())
    runbook = Path(__file__).parents[3] / "docs" / "runbooks" / "ticker-not-succeeding.md"
    rows = re.findall(r"^\| `(\w+)` \| .*`TICKER_", runbook.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(timers)
