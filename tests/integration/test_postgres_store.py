"""PostgreSQL, the real one: migrations by the command, fences under contention, the journal, and outages."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.backends import LazyBackends
from deploy.local.waiting import LONG, in_time
from recordsync.postgres.links import PostgresLinkStore
from synckit.errors import Ambiguous, RemoteUnavailable, StaleVersion
from synckit.ports import Commit, Intent, JournalEntry, Link
from synckit.postgres.migrate import ONE_AT_A_TIME
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import SCHEMA_REVISION, SchemaMismatch, ensure_schema
from synckit.reconcile.plan import Base

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MIGRATE = [sys.executable, "-m", "synckit.postgres.migrate"]
PATIENT = PoolLimits(size=2, connect=60.0, acquire=60.0, statement=60.0, command=60.0)
SHORT = PoolLimits(size=2, connect=3.0, acquire=3.0, statement=3.0, command=3.0)
"""For a database that is silent, statements that hang, and connections that are taken."""
REVISIONS = ["0001", "0002", "0003", "0004", "0005"]


def migrate(url: str, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*MIGRATE, *words], env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def empty_database(backends: LazyBackends) -> Iterator[str]:
    name = f"empty_{uuid.uuid4().hex[:8]}"
    yield backends.create_database(name)
    backends.drop_database(name)


def test_the_command_checks_plans_and_applies_and_a_second_time_does_nothing(empty_database: str) -> None:
    code, said, _ = migrate(empty_database, "check")
    assert code == 1
    assert f"should be {SCHEMA_REVISION}" in said
    code, sql, _ = migrate(empty_database, "apply", "--dry-run")
    assert code == 0
    assert "CREATE TABLE link" in sql
    assert migrate(empty_database, "check")[0] == 1
    code, said, _ = migrate(empty_database, "apply", "--json")
    assert code == 0
    assert json.loads(said) == {"current": SCHEMA_REVISION, "head": SCHEMA_REVISION, "pending": REVISIONS, "ok": True}
    assert migrate(empty_database, "check")[0] == 0
    assert json.loads(migrate(empty_database, "apply", "--json")[1])["pending"] == []


def test_two_jobs_that_start_together_apply_once(empty_database: str) -> None:
    environment = {**os.environ, "DATABASE_URL": empty_database}
    command = [*MIGRATE, "apply", "--json"]
    jobs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(job.communicate(timeout=LONG)[0]) for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    assert sorted(len(answer["pending"]) for answer in answers) == [0, len(REVISIONS)]


async def test_a_job_that_hangs_keeps_the_next_one_waiting_no_longer_than_it_was_told(empty_database: str) -> None:
    holder = await asyncpg.connect(empty_database)
    await holder.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)
    code, _, said = await asyncio.to_thread(migrate, empty_database, "apply", "--wait", "1")
    await holder.close()
    assert (code, "55P03" in said) == (3, True)
    assert (await asyncio.to_thread(migrate, empty_database, "check"))[0] == 1


def test_the_command_says_what_is_missing_or_away() -> None:
    assert migrate("", "check")[0] == 2
    code, _, said = migrate("postgresql://nobody@127.0.0.1:1/nothing", "check")
    assert code == 3
    assert "away" in said


async def test_a_service_refuses_a_schema_that_is_not_its_own(empty_database: str, postgres_pool: PostgresPool) -> None:
    pool = PostgresPool(empty_database)
    with pytest.raises(SchemaMismatch, match=r"python -m synckit\.postgres\.migrate apply"):
        await ensure_schema(pool)
    await pool.fetch("CREATE TABLE alembic_version (version_num text)", writes=True)
    await pool.fetch("INSERT INTO alembic_version VALUES ('9999')", writes=True)
    with pytest.raises(SchemaMismatch, match="is 9999"):
        await ensure_schema(pool)
    await pool.close()
    await ensure_schema(postgres_pool)
    assert len(await postgres_pool.hash_key()) == 32


class CountingPool(PostgresPool):
    """Counts statements."""

    statements = 0

    async def fetch(self, sql: str, *args: object, writes: bool = False) -> Any:
        self.statements += 1
        return await super().fetch(sql, *args, writes=writes)


def store(pool: PostgresPool) -> PostgresLinkStore:
    return PostgresLinkStore(pool, f"entity-{uuid.uuid4().hex}")


async def test_a_load_is_one_statement_and_a_commit_another(migrated_database: str) -> None:
    pool = CountingPool(migrated_database)
    links = store(pool)
    await ensure_schema(pool)
    pool.statements = 0
    fence = (await links.load("a")).fence
    assert pool.statements == 1
    entry = JournalEntry(NOON, "right.create", "name", before="", after="Müller")
    link = Link("a", "101", "row")
    await links.commit(
        Commit("a", fence, NOON, link=link, base=Base({"n": "x"}, {}), drop_intent=True, journal=[entry], unpark=True)
    )
    assert pool.statements == 2
    await pool.close()


async def test_the_journal_keeps_hashes_and_no_value(postgres_pool: PostgresPool) -> None:
    links = store(postgres_pool)
    entries = [
        JournalEntry(NOON, "right.update", "born", "right", "left_changed", "1970-02-28", "1971-03-01", "e-1", "00-aa"),
        JournalEntry(NOON, "right.update", "born", "right", "left_changed", "1971-03-01", "1970-02-28"),
    ]
    await links.commit(Commit("a", (await links.load("a")).fence, NOON, journal=entries))
    rows = await postgres_pool.fetch(
        "SELECT j::text AS whole, j.* FROM journal j WHERE entity = $1 ORDER BY id", links._entity
    )
    assert [row["step"] for row in rows] == ["right.update"] * 2
    assert (rows[0]["before_hash"], rows[0]["after_hash"]) == (rows[1]["after_hash"], rows[1]["before_hash"])
    assert rows[0]["before_hash"] != rows[0]["after_hash"]
    assert not any(day in row["whole"] for row in rows for day in ("1970-02-28", "1971-03-01"))
    assert (rows[0]["event_id"], rows[0]["traceparent"], rows[0]["at"]) == ("e-1", "00-aa", NOON)


async def test_of_many_that_claim_one_right_record_at_once_one_gets_it(postgres_pool: PostgresPool) -> None:
    links = store(postgres_pool)
    ids = [f"r{n}" for n in range(8)]
    fences = {left_id: (await links.load(left_id)).fence for left_id in ids}

    async def claim(left_id: str) -> str:
        try:
            await links.commit(Commit(left_id, fences[left_id], NOON, link=Link(left_id, "101")))
        except (Ambiguous, StaleVersion):
            return "refused"
        return "linked"

    outcomes = await asyncio.gather(*(claim(left_id) for left_id in ids))
    assert outcomes.count("linked") == 1
    assert len(await links.linked(["101"])) == 1


async def test_however_writers_of_one_record_interleave_only_the_newest_commits(postgres_pool: PostgresPool) -> None:
    links = store(postgres_pool)

    async def look(number: int) -> int:
        state = await links.load("a")
        try:
            await links.commit(Commit("a", state.fence, NOON, link=Link("a", "101", f"row-{number}")))
        except StaleVersion:
            return 0
        return state.fence

    committed = [fence for fence in await asyncio.gather(*(look(n) for n in range(20))) if fence]
    rows = await postgres_pool.fetch("SELECT fence FROM link WHERE entity = $1", links._entity)
    assert committed
    assert rows[0]["fence"] == max(committed)


async def test_a_record_that_is_linked_takes_no_intent(postgres_pool: PostgresPool) -> None:
    links = store(postgres_pool)
    fence = (await links.load("a")).fence
    await links.commit(Commit("a", fence, NOON, link=Link("a", "101")))
    with pytest.raises(StaleVersion):
        await links.declare(Intent("a", {}, NOON), fence)


@pytest.fixture(scope="module")
def own_backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LazyBackends]:
    """A PostgreSQL that may be hurt: the session's is shared."""
    servers = LazyBackends(Path(tmp_path_factory.mktemp("hurt")))
    yield servers
    servers.stop()


@pytest.fixture
async def hurt_pool(own_backends: LazyBackends) -> AsyncIterator[PostgresPool]:
    pool = PostgresPool(own_backends.database_url, limits=PATIENT)
    yield pool
    await pool.close()


@pytest.fixture
async def short_pool(own_backends: LazyBackends) -> AsyncIterator[PostgresPool]:
    pool = PostgresPool(own_backends.database_url, limits=SHORT)
    yield pool
    await pool.close()


async def is_unavailable(pool: PostgresPool) -> RemoteUnavailable:
    async with in_time():
        with pytest.raises(RemoteUnavailable) as caught:
            await pool.fetch_value("SELECT 1", writes=True)
    assert caught.value.upstream == "postgres"
    return caught.value


async def patiently(pool: PostgresPool, sql: str) -> Any:
    """The answer, also on a machine that takes longer for it than this pool waits."""
    async with in_time():
        while True:
            with suppress(RemoteUnavailable):
                return await pool.fetch_value(sql)


async def test_a_killed_database_is_unavailable_and_the_same_pool_goes_on_afterwards(
    own_backends: LazyBackends, hurt_pool: PostgresPool
) -> None:
    assert await hurt_pool.fetch_value("SELECT 1") == 1
    own_backends.kill("postgres")
    await is_unavailable(hurt_pool)
    refused = await is_unavailable(hurt_pool)
    assert not refused.maybe_applied
    await asyncio.to_thread(own_backends.restart, "postgres")
    assert await hurt_pool.fetch_value("SELECT 1") == 1


async def test_a_silent_database_is_unavailable_within_our_own_limit(
    own_backends: LazyBackends, short_pool: PostgresPool, hurt_pool: PostgresPool
) -> None:
    backend = await patiently(short_pool, "SELECT pg_backend_pid()")
    own_backends.freeze("postgres")
    os.kill(backend, signal.SIGSTOP)
    try:
        lost = await is_unavailable(short_pool)
        unreached = await is_unavailable(short_pool)
    finally:
        os.kill(backend, signal.SIGCONT)
        own_backends.thaw("postgres")
    assert lost.maybe_applied
    assert not unreached.maybe_applied
    assert await hurt_pool.fetch_value("SELECT 1") == 1


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(short_pool: PostgresPool) -> None:
    with pytest.raises(RemoteUnavailable) as caught:
        await short_pool.fetch_value("SELECT pg_sleep(60)", writes=True)
    assert caught.value.upstream == "postgres"
    assert await patiently(short_pool, "SELECT 1") == 1


async def test_more_callers_than_connections_wait_their_turn_and_no_longer_than_that(
    own_backends: LazyBackends, hurt_pool: PostgresPool
) -> None:
    answers = await asyncio.gather(*(hurt_pool.fetch_value("SELECT 1") for _ in range(50)))
    assert answers == [1] * 50
    pool = PostgresPool(own_backends.database_url, limits=replace(PATIENT, acquire=3.0))
    door = await asyncpg.connect(own_backends.database_url)
    await door.execute("SELECT pg_advisory_lock(7)")
    inside = [asyncio.create_task(patiently(pool, "SELECT 1 FROM pg_advisory_xact_lock_shared(7)")) for _ in range(2)]
    async with in_time():
        while await door.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") < 2:
            pass
    outside = await asyncio.gather(*(pool.fetch_value("SELECT 1") for _ in range(4)), return_exceptions=True)
    assert [type(each) for each in outside] == [RemoteUnavailable] * 4
    await door.close()
    assert await asyncio.gather(*inside) == [1, 1]
    await pool.close()


async def test_cancelled_callers_leave_the_pool_usable(hurt_pool: PostgresPool) -> None:
    for _ in range(5):
        running = asyncio.create_task(hurt_pool.fetch_value("SELECT pg_sleep(30)"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running, timeout=0.05)
    assert await hurt_pool.fetch_value("SELECT 1") == 1
