"""Two workers, the database and both remotes, each with a clock of its own: no twin, nothing lost, nobody refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import STATE, STATE_TOO

from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from recordsync import Engine, Remotes
from recordsync.testing.memory import FakeLinks, FakeLocks, FakeNotifier
from recordsync.testing.remotes import FakeLeft, FakeRight
from recordsync.testing.strategies import attributes
from synckit.errors import RemoteUnavailable, StaleVersion, SyncError
from synckit.ports import Commit, Parked
from synckit.reconcile.plan import Side
from synckit.testing.clock import FakeClock
from synckit.testing.faults import Crash, Faults

HOUR = 3600.0
off = st.floats(-600, 600, allow_nan=False)


class Apart:
    """`a` and `b` are workers. Time passes for all of them at once, whatever their clocks say."""

    def __init__(self, *, a: float = 0, b: float = 0, database: float = 0, right: float = 0, left: float = 0) -> None:
        self.database, self.clock_a, self.clock_b = FakeClock(), FakeClock(), FakeClock()
        clock_left, clock_right = FakeClock(), FakeClock()
        self.clocks = (self.database, self.clock_a, self.clock_b, clock_left, clock_right)
        for clock, seconds in zip(self.clocks, (database, a, b, left, right), strict=True):
            clock.step(seconds)
        self.faults = Faults()
        names = (*attributes(BETEILIGTE, Side.LEFT), *STATE, *STATE_TOO)
        self.left = FakeLeft(clock_left, self.faults, attributes=names)
        read_only = set(attributes(BETEILIGTE, Side.RIGHT)) - set(BETEILIGTE.right_writable)
        self.right = FakeRight(clock_right, self.faults, writable=BETEILIGTE.right_writable, readable=sorted(read_only))
        self.links = FakeLinks(self.faults, clock=self.database)
        self.a, self.b = self._worker(self.clock_a), self._worker(self.clock_b)

    def _worker(self, clock: FakeClock) -> Engine:
        remotes = Remotes(self.left, self.right, self.links, FakeLocks(), FakeNotifier(self.faults), clock)
        return Engine(BETEILIGTE, remotes)

    def pass_(self, seconds: float) -> None:
        for clock in self.clocks:
            clock.advance(seconds)

    async def until_done(self, engine: Engine, pause: float = 1.0) -> float:
        """Looks again until a look succeeds, as long as half an hour. Answers the seconds that took."""
        waited = 0.0
        while waited < HOUR / 2:
            try:
                await engine.sync("p1")
            except SyncError:
                self.pass_(pause)
                waited += pause
            else:
                return waited
        raise AssertionError("nobody got through")


async def kill_in_post(office: Apart) -> None:
    """Worker `a` writes its intent down, sends its POST, and is gone before that arrives."""

    def kill(point: str) -> None:
        if point == "right.create.before":
            raise Crash

    office.left.seed("p1", lastName="Probe")
    office.faults.hook = kill
    with pytest.raises(Crash):
        await office.a.sync("p1")
    office.faults.clear()


async def lands(office: Apart) -> None:
    intent = office.links.rows["p1"].intent
    assert intent is not None
    await office.right.create(intent.fingerprint)


@given(a=off, b=off, database=off, right=off, lands_after=st.floats(0, 24), asks_after=st.floats(0, 24))
async def test_no_clock_makes_a_twin(
    a: float, b: float, database: float, right: float, lands_after: float, asks_after: float
) -> None:
    """The POST of a killed worker lands at any moment in which it still may; the other one looks at any moment."""
    office = Apart(a=a, b=b, database=database, right=right)
    await kill_in_post(office)
    first, then = sorted((lands_after, asks_after))
    office.pass_(first)
    if lands_after <= asks_after:
        await lands(office)
    office.pass_(then - first)
    with suppress(RemoteUnavailable):
        await office.b.sync("p1")
    if lands_after > asks_after:
        assert office.links.rows["p1"].link is None
        await lands(office)
    assert await office.until_done(office.b) <= 30
    assert len(office.right.records) == 1


@pytest.mark.parametrize("hours", [-48, -2, -0.1, 0.1, 48])
async def test_a_remote_whose_clock_is_far_off_shows_what_was_posted(hours: float) -> None:
    office = Apart(right=hours * HOUR)
    await kill_in_post(office)
    await lands(office)
    office.pass_(30)
    assert (await office.b.sync("p1")).result == "recovered"
    assert len(office.right.records) == 1


@pytest.mark.parametrize("step", [-HOUR, -30.0, 30.0, HOUR])
async def test_a_workers_clock_that_is_set_while_it_creates_changes_nothing(step: float) -> None:
    office = Apart()
    office.left.seed("p1", lastName="Probe")

    def set_clock(point: str) -> None:
        if point == "links.declare.after":
            office.clock_a.step(step)

    office.faults.hook = set_clock
    assert (await office.a.sync("p1")).result == "created"
    office.clock_a.step(-step)
    assert (await office.a.sync("p1")).result == "unchanged"
    assert len(office.right.records) == 1


@given(worker=st.sampled_from([-86400.0 * 401, -HOUR, HOUR, 86400.0 * 401]))
async def test_what_is_remembered_has_the_databases_time(worker: float) -> None:
    """When a record was looked at, and when it is tried again."""
    office = Apart(a=worker)
    office.left.seed("p1", lastName="Probe")
    await office.a.sync("p1")
    row = office.links.rows["p1"]
    assert row.looked_at == office.database.now()
    assert {entry.at for entry in row.journal} == {office.database.now()}
    await office.a.park("p1", RemoteUnavailable("advoware", "503"))
    assert row.parked is not None
    assert row.parked.due_at == office.database.now() + timedelta(minutes=1)


@given(back=st.sampled_from([0.0, 1.0, HOUR]))
async def test_a_database_that_forgets_lets_no_stale_look_through(back: float) -> None:
    """It loses what was committed since a backup, and its sequences; its clock may stand back where a record is newer.

    The look from before may not commit over the newer one, and the newer one is not refused.
    """
    office = Apart()
    office.left.seed("p1", lastName="Probe")
    await office.a.sync("p1")
    backup = office.links.backup()
    stale = [(await office.links.load("p1")).fence for _ in range(30)][-1]
    office.links.restore(backup)
    office.pass_(1)
    newest = (await office.links.load("p1")).fence
    now = office.database.now()
    with pytest.raises(StaleVersion):
        await office.links.commit(Commit("p1", stale, now, raise_notes=["stale"]))
    await office.links.commit(Commit("p1", newest, now, raise_notes=["newest"]))
    office.database.step(-back)
    assert (await office.b.sync("p1")).result == "unchanged"
    assert office.links.rows["p1"].fence > newest


async def test_a_next_try_a_year_away_is_over() -> None:
    """As a worker whose clock was wrong left it: looked at, the record is in step and parked no more."""
    office = Apart()
    office.left.seed("p1", lastName="Probe")
    await office.a.sync("p1")
    now = office.database.now()
    row = office.links.rows["p1"]
    row.parked = Parked("p1", 3, now + timedelta(days=365), "remote_unavailable")
    assert list(await office.links.due(now, 10)) == ["p1"]
    await office.a.park("p1", RemoteUnavailable("advoware", "503"))
    assert row.parked.attempts == 4
    row.parked = replace(row.parked, due_at=now + timedelta(days=365))
    await office.a.sync("p1")
    assert row.parked is None
