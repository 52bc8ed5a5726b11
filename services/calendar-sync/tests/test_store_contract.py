"""What a memory of calendars promises: the same suite over the fake and over PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from fake_store import FakeStore

from calendar_sync.adapters.notices import PostgresOutbox
from calendar_sync.adapters.runs import PostgresRuns
from calendar_sync.adapters.store import NoSuchList, PostgresStore
from calendar_sync.domain.memory import (
    Born,
    CalendarState,
    Diary,
    HeldList,
    JournalEntry,
    Kind,
    Memory,
    Notice,
    Outcome,
    Report,
    Row,
    State,
)
from calendar_sync.domain.progress import progress
from calendar_sync.domain.rounds import Employee
from calendar_sync.domain.values import CalendarRef
from deploy.local.backends import LazyBackends
from synckit.errors import StaleVersion
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.testing.clock import FakeClock

SECRET = "Zwiebelfisch"


class Store(Protocol):
    async def load(self, kuerzel: str) -> Memory: ...
    async def peek(self, kuerzel: str) -> Memory: ...
    async def rows(self, kuerzel: str) -> Sequence[Row]: ...
    async def intend(self, memory: Memory, diary: Diary, rows: Sequence[Row]) -> None: ...
    async def commit(self, memory: Memory, outcome: Outcome) -> None: ...
    async def holders(self, frnrs: Collection[int], besides: str) -> Mapping[int, frozenset[str]]: ...
    async def journal(self, kuerzel: str, since: datetime) -> tuple[JournalEntry, ...]: ...
    async def decide_list(self, kuerzel: str, digest: str, *, released: bool) -> None: ...
    async def employees(self) -> Sequence[Employee]: ...
    async def diaries(self) -> Sequence[Diary]: ...
    async def rename(self, old: str, new: str) -> bool: ...


@pytest.fixture(scope="module")
def calendar_database(backends: LazyBackends) -> str:
    """A database of this module, brought to our schema by the command that operators use."""
    url = backends.create_database(f"calendars_{uuid.uuid4().hex[:8]}")
    command = [sys.executable, "-m", "synckit.postgres.migrate", "apply"]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return url


@pytest.fixture
async def pool(calendar_database: str) -> AsyncIterator[PostgresPool]:
    patient = PoolLimits(connect=60, acquire=60, statement=60, command=60)
    pool = PostgresPool(calendar_database, limits=patient)
    await pool.open()
    tables = ("employee", "journal", "deletion", "run", "notice", "channel")
    await pool.fetch(f"TRUNCATE {', '.join(f'calendar_sync.{name}' for name in tables)} CASCADE")
    yield pool
    await pool.close()


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.stack)])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "fake":
        return FakeStore(FakeClock())
    return PostgresStore(request.getfixturevalue("pool"))


def row(key: str = "k1", **values: Any) -> Row:
    return Row(key, **{"born": Born.ADVOWARE, "state": State.LINKED, **values})


async def kept(store: Store, kuerzel: str, **values: Any) -> Memory:
    """One run's outcome, saved."""
    memory = await store.load(kuerzel)
    await store.commit(memory, Outcome(**{"diary": memory.diary, **values}))
    return memory


async def test_what_is_committed_is_loaded(store: Store) -> None:
    """Exactly: texts with letters beside the seven bits, times, series under which occurrences stand."""
    first = await store.load("ÄB")
    assert (first.diary, first.rows) == (Diary("ÄB"), ())
    diary = Diary("ÄB", "ab@k.example", CalendarRef("c1", "ab@k.example", "role"), CalendarState.READY, "t1")
    start = datetime(2026, 10, 27, 9, 0)
    series = row(
        frnr=7, event_id="a1", kind=Kind.SERIES, base_left={"title": "Müller ./. Groß 😀", "start": start}, told=("x",)
    )
    moved = row("k2", kind=Kind.EXCEPTION, parent="k1", original=start, due=datetime(2026, 12, 1, tzinfo=UTC))
    report = Report("ÄB", "done", counts={"google_created": 2})
    await store.commit(first, Outcome(diary, (series, moved), report=report))
    again = await store.load("ÄB")
    assert (again.diary, again.rows) == (diary, (series, moved))
    assert again.fence > first.fence
    assert again.office_live == 2
    (employee,) = await store.employees()
    assert (employee.kuerzel, employee.state, employee.unsaved) == ("ÄB", "ready", False)
    assert employee.synced_at is not None


async def test_an_older_run_writes_nothing(store: Store) -> None:
    """Its lock ran out, and a newer one has begun: neither an intent nor an outcome is taken, not even in part."""
    old = await store.load("AB")
    new = await store.load("AB")
    with pytest.raises(StaleVersion):
        await store.intend(old, replace(old.diary, token="old"), [row()])
    with pytest.raises(StaleVersion):
        await store.commit(old, Outcome(old.diary, (row(),)))
    assert (await store.peek("AB")).rows == ()
    await store.commit(new, Outcome(new.diary, (row(),)))
    assert len(await store.rows("AB")) == 1


async def test_an_intent_is_there_before_the_write(store: Store) -> None:
    memory = await store.load("AB")
    making = replace(memory.diary, state=CalendarState.CREATING)
    await store.intend(memory, making, [row(state=State.CREATING, event_id="a1")])
    after = await store.load("AB")
    assert [each.state for each in after.rows] == [State.CREATING]
    assert after.diary.state is CalendarState.CREATING


async def test_who_only_looks_stops_no_run(store: Store) -> None:
    memory = await store.load("AB")
    assert (await store.peek("AB")).diary == memory.diary
    assert (await store.peek("XY")).diary == Diary("XY")
    await store.commit(memory, Outcome(memory.diary, (row(),)))
    assert [each.kuerzel for each in await store.employees()] == ["AB"]


async def test_a_termin_is_found_with_its_other_holders(store: Store) -> None:
    await kept(store, "AB", rows=(row(frnr=7),))
    await kept(store, "CD", rows=(row(frnr=7), row("k2", frnr=8, state=State.GONE)))
    assert await store.holders([7, 8, 9], besides="AB") == {7: frozenset({"CD"})}


async def test_rows_go_and_others_stay(store: Store) -> None:
    memory = await kept(store, "AB", rows=(row("k1"), row("k2")))
    await store.commit(memory, Outcome(memory.diary, removed=("k1", "k9")))
    assert [each.key for each in await store.rows("AB")] == ["k2"]


async def test_deletions_of_a_day_count_for_the_whole_office(store: Store) -> None:
    await kept(store, "AB", deletions=3)
    await kept(store, "CD", deletions=2)
    assert (await store.load("EF")).office_deleted == 5


async def test_what_no_database_holds_stops_no_run(store: Store) -> None:
    """A desk may paste a NUL; the mapping takes it out before, and a value that slips through is stored changed."""
    await kept(store, "AB", rows=(row(base_left={"title": "a b"}, reason="a\x00b"),))
    (found,) = await store.rows("AB")
    assert found.base_left == {"title": "a b"}


async def test_the_journal_tells_what_was_there_before(store: Store) -> None:
    memory = await kept(
        store, "AB", journal=(JournalEntry("k1", "google", "update", "title", "alt", "neu", "x", "source"),)
    )
    (told,) = await store.journal("AB", memory.now - timedelta(minutes=1))
    assert (told.key, told.field, told.before, told.after, told.loser) == ("k1", "title", "alt", "neu", "x")
    assert told.at is not None
    assert await store.journal("AB", told.at + timedelta(minutes=1)) == ()


async def test_a_list_waits_until_a_person_decides_this_one(store: Store) -> None:
    """By its hash: another list that has come meanwhile is another decision."""
    memory = await store.load("AB")
    held = HeldList("h1", ("k1", "k2"), memory.now)
    await store.commit(memory, Outcome(replace(memory.diary, held=held)))
    with pytest.raises(NoSuchList):
        await store.decide_list("AB", "h2", released=True)
    assert (await store.peek("AB")).diary.held == held
    await store.decide_list("AB", "h1", released=True)
    diary = (await store.peek("AB")).diary
    assert (diary.held, diary.released, diary.rejected) == (None, ("k1", "k2"), ())
    with pytest.raises(NoSuchList):
        await store.decide_list("AB", "h1", released=False)
    with pytest.raises(StaleVersion):
        await store.commit(memory, Outcome(memory.diary))


async def test_a_new_kuerzel_takes_everything_along(store: Store) -> None:
    memory = await kept(store, "AB", rows=(row(),), journal=(JournalEntry("k1", "google", "create"),))
    await kept(store, "EF")
    assert not await store.rename("AB", "EF")
    assert not await store.rename("XY", "CD")
    assert await store.rename("AB", "CD")
    after = await store.peek("CD")
    assert (after.diary.kuerzel, [each.key for each in after.rows]) == ("CD", ["k1"])
    assert [one.kuerzel for one in await store.diaries()] == ["CD", "EF"]
    assert len(await store.journal("CD", memory.now - timedelta(minutes=1))) == 1
    with pytest.raises(StaleVersion):
        await store.commit(after, Outcome(after.diary))


async def test_nobody_shows_client_data_in_a_repr(store: Store) -> None:
    entry = JournalEntry("k1", "google", "update", "title", SECRET, SECRET, SECRET)
    notice = Notice("conflict", "AB", "k1", SECRET)
    await kept(store, "AB", rows=(row(base_left={"title": SECRET}),), journal=(entry,), notices=(notice,))
    told = [await store.load("AB"), await store.journal("AB", datetime(2020, 1, 1, tzinfo=UTC)), notice]
    assert SECRET not in repr(told)


@pytest.mark.stack
async def test_a_notice_waits_for_its_reader_once(pool: PostgresPool) -> None:
    """The same cause again is no second notice, and one that is posted keeps nothing of its text."""
    store, outbox = PostgresStore(pool), PostgresOutbox(pool)
    notice = Notice("conflict", "AB", "k1", SECRET)
    memory = await store.load("AB")
    await store.commit(memory, Outcome(replace(memory.diary, email="ab@k.example"), notices=(notice, notice)))
    (waiting,) = await outbox.waiting("AB")
    assert (waiting.kind, waiting.text, waiting.email) == ("conflict", SECRET, "ab@k.example")
    await outbox.posted("AB", waiting, "user")
    await store.commit(memory, Outcome(memory.diary, notices=(notice,)))
    assert await outbox.waiting("AB") == []
    assert await pool.fetch_value("SELECT text FROM calendar_sync.notice") == ""


@pytest.mark.stack
async def test_runs_that_were_asked_for_can_be_asked_about(pool: PostgresPool) -> None:
    runs = PostgresRuns(pool)
    await runs.queued({"r1": "AB", "r2": "AB", "r3": "CD"}, "operator")
    await runs.withdrawn(["r3"])
    await runs.started(["r1", "r2", "unknown"])
    first = await runs.run("r1")
    assert first is not None
    assert (first.state, first.kuerzel, first.ended_at) == ("running", "AB", None)
    await runs.going_on(["r1", "r2"], progress(30, 10, 60.0, datetime(2026, 10, 5, 8, tzinfo=UTC)))
    going = await runs.run("r1")
    assert going is not None
    assert going.counts == {"done": 30, "to_do": 10}
    assert going.reason == "30 von 40 Schreibvorgängen, fertig gegen 05.10. 10:00 Uhr"
    await runs.ended(["r1", "r2"], Report("AB", "done", "alles gut", {"google_created": 2}))
    second = await runs.run("r2")
    assert second is not None
    assert (second.state, second.reason, second.counts) == ("done", "alles gut", {"google_created": 2})
    assert second.ended_at is not None
    assert await runs.run("r3") is None
    assert await runs.forget(days=1) == 0
    await pool.fetch("UPDATE calendar_sync.run SET queued_at = now() - interval '2 days'")
    assert await runs.forget(days=1) == 2
