"""Fences and intents over a PostgreSQL that is killed, that loses its last commits, or that another takes over from."""

from __future__ import annotations

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from deploy.local.backends import Backends
from synckit.adapters.postgres.links import PostgresLinkStore
from synckit.adapters.postgres.migrate import apply
from synckit.adapters.postgres.pool import PoolLimits, PostgresPool
from synckit.errors import StaleVersion
from synckit.ports import Attempted, Commit, Intent, Link

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PATIENT = PoolLimits(size=2, connect=60.0, acquire=60.0, statement=60.0, command=60.0)
MILLISECOND = 1 << 20


class Server:
    """A PostgreSQL of its own, with our schema in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._backends = Backends(folder)

    def start(self) -> None:
        self._backends.start("postgres")

    def kill(self) -> None:
        self._backends.kill("postgres")

    def stop(self) -> None:
        self._backends.stop("postgres")

    @property
    def url(self) -> str:
        return self._backends.database_url

    @asynccontextmanager
    async def links(self) -> AsyncIterator[PostgresLinkStore]:
        pool = PostgresPool(self.url, limits=PATIENT)
        try:
            yield PostgresLinkStore(pool, "beteiligte")
        finally:
            await pool.close()


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
    await asyncio.to_thread(apply, server.url)
    connection = await asyncpg.connect(server.url)
    await connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    await connection.execute("ALTER ROLE synckit SET synchronous_commit = off")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def guarded(server: Server, left_id: str) -> int:
    """The fence that is stored."""
    connection = await asyncpg.connect(server.url)
    stored = await connection.fetchval("SELECT fence FROM guard WHERE left_id = $1", left_id)
    await connection.close()
    return int(stored or 0)


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
    assert await guarded(server, "a") == fence
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
    (tmp_path / "standby").mkdir()
    copy = ["cp", "-a", str(server.folder / "postgres"), str(tmp_path / "standby")]
    await asyncio.to_thread(subprocess.run, copy, check=True)
    server.start()
    async with server.links() as links:
        overtaken = [(await links.load("a")).fence for _ in range(50)][-1]
        server.kill()
    standby = Server(tmp_path / "standby")
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
