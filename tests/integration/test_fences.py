"""Fences and intents over a PostgreSQL that is killed, that loses its last commits, or that another takes over from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recordsync.postgres.links import PostgresLinkStore
from recordsync.postgres.sweep import PostgresSweepStore
from synckit.errors import StaleVersion
from synckit.ports import Attempted, Commit, Intent, Link
from synckit.postgres.clock import DatabaseClock
from synckit.postgres.pool import PostgresPool
from synckit.testing.clock import FakeClock
from tests.integration.own_postgres import Server

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MILLISECOND = 1 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    own = Server(tmp_path / "primary")
    own.start()
    try:
        yield own
    finally:
        own.stop()


async def prepared(server: Server) -> None:
    """Our schema, and a server that keeps for ten seconds to itself what nobody asks it to write down."""
    await server.migrate()
    await server.run(
        "ALTER SYSTEM SET wal_writer_delay = '10s'",
        "ALTER ROLE synckit SET synchronous_commit = off",
        "SELECT pg_reload_conf()",
    )


@pytest.mark.parametrize("step", ["load", "declare", "announce", "commit"])
async def test_what_a_remote_write_follows_outlives_a_kill(server: Server, step: str) -> None:
    """Each as the last thing before kill -9, for a role whose commits are asynchronous."""
    await prepared(server)
    async with server.links() as links:
        fence = (await links.load("a")).fence
        if step == "declare":
            await links.declare(Intent("a", {"name": "x"}, NOON), fence)
        elif step == "announce":
            await links.announce("a", [], [Attempted("name", "right", "x", "x")], fence)
        elif step == "commit":
            await links.commit(Commit("a", fence, NOON, link=Link("a", "101")))
        server.kill()
    server.start()
    assert await server.run("SELECT fence FROM guard WHERE left_id = 'a'") == fence
    async with server.links() as links:
        state = await links.load("a")
    kept = {"load": state.fence > fence, "declare": state.intent, "announce": state.attempted, "commit": state.link}
    assert kept[step]


async def test_fences_only_grow_when_an_older_server_takes_over(server: Server, tmp_path: Path) -> None:
    """A standby that stood still since before the primary's last start: its sequences and guards are old.

    What was loaded at the primary may not commit over what is loaded now, and what is loaded now is not refused.
    """
    await prepared(server)
    async with server.links() as links:
        await links.load("a")
    server.stop()
    standby = await server.copy(tmp_path / "standby")
    server.start()
    async with server.links() as links:
        overtaken = [(await links.load("a")).fence for _ in range(50)][-1]
        server.kill()
    standby.start()
    try:
        async with standby.links() as links:
            newest = (await links.load("a")).fence
            with pytest.raises(StaleVersion):
                await links.commit(Commit("a", overtaken, NOON, link=Link("a", "old")))
            await links.commit(Commit("a", newest, NOON, link=Link("a", "new")))
            link = (await links.load("a")).link
    finally:
        standby.stop()
    assert overtaken < newest < 2**63
    assert link == Link("a", "new")


async def test_a_clock_that_is_set_back_takes_no_fence_back(postgres_pool: PostgresPool) -> None:
    """A record whose newest fence is an hour ahead is looked at as ever: nobody waits for the clock."""
    links = PostgresLinkStore(postgres_pool, f"entity-{uuid.uuid4().hex}")
    ahead = (await links.load("a")).fence + 3_600_000 * MILLISECOND
    moved = "UPDATE guard SET fence = $1 WHERE fence = $2"
    await postgres_pool.fetch(moved, ahead, (await links.load("a")).fence, writes=True)
    fences = [(await links.load("a")).fence for _ in range(3)]
    assert fences == [ahead + 1, ahead + 2, ahead + 3]
    await links.commit(Commit("a", fences[-1], NOON, link=Link("a", "101")))


async def test_a_row_of_a_wrong_clock_heals(postgres_pool: PostgresPool) -> None:
    """Looked at a year from now, as before the schema forbade it: read as now, and among the first to be looked at."""
    entity = f"entity-{uuid.uuid4().hex}"
    links, sweep = PostgresLinkStore(postgres_pool, entity), PostgresSweepStore(postgres_pool, entity)
    for left_id, right_id in (("ahead", "101"), ("old", "102")):
        state = await links.load(left_id)
        await links.commit(Commit(left_id, state.fence, NOON, link=Link(left_id, right_id), looked_at=NOON))
    wrong = (
        "WITH off AS (SELECT set_config('session_replication_role', 'replica', true) AS x) UPDATE link "
        "SET looked_at = now() + interval '1 year' FROM off WHERE off.x <> '' AND entity = $1 AND left_id = 'ahead'"
    )
    await postgres_pool.fetch(wrong, entity, writes=True)
    stored = "SELECT looked_at > now() + interval '364 days' FROM link WHERE entity = $1 AND left_id = 'ahead'"
    assert await postgres_pool.fetch_value(stored, entity)
    assert list(await sweep.not_looked_at_since(NOON + timedelta(days=1), 10)) == ["ahead", "old"]
    state = await links.load("ahead")
    assert state.looked_at == state.at
    assert state.at is not None
    await links.commit(Commit("ahead", state.fence, NOON, looked_at=state.at))
    assert list(await sweep.not_looked_at_since(NOON + timedelta(days=1), 10)) == ["old"]


async def test_a_process_tells_the_databases_time(postgres_pool: PostgresPool) -> None:
    """Whatever its own clock says, and never ahead of it."""
    own = FakeClock(NOON - timedelta(days=401))
    clock = DatabaseClock(postgres_pool, own)
    before = await postgres_pool.fetch_value("SELECT clock_timestamp()")
    await clock.hear()
    after = await postgres_pool.fetch_value("SELECT clock_timestamp()")
    assert before <= clock.now() <= after
    heard = clock.now()
    own.step(86_400)
    assert clock.now() == heard
    own.advance(60)
    assert clock.now() == heard + timedelta(seconds=60)
