"""A PostgreSQL of one test's own: to be killed, copied, made read-only or a standby."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from deploy.local.backends import Backends
from recordsync.postgres.links import PostgresLinkStore
from synckit.postgres.migrate import apply
from synckit.postgres.pool import PoolLimits, PostgresPool

PATIENT = PoolLimits(size=2, connect=60.0, acquire=60.0, statement=60.0, command=60.0)


class Server:
    """In a folder of its own."""

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

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.partition("@")[2].partition("/")[0]

    async def migrate(self) -> None:
        await asyncio.to_thread(apply, self.url)

    async def run(self, *statements: str) -> object:
        """By the superuser, each in a transaction of its own. Answers the last one's first value."""
        connection = await asyncpg.connect(self.url)
        try:
            return [await connection.fetchval(one) for one in statements][-1]
        finally:
            await connection.close()

    async def copy(self, folder: Path, *, standby: bool = False) -> Server:
        """The folder of a stopped server as one that knows what this one knew. As a standby nobody sends it more."""
        signal = ["touch", str(folder / "postgres" / "standby.signal")]
        command = ["cp", "-a", str(self.folder / "postgres"), str(folder)]
        for words in (["mkdir", str(folder)], command, *([signal] if standby else [])):
            await asyncio.to_thread(subprocess.run, words, check=True)
        return Server(folder)

    @asynccontextmanager
    async def links(self) -> AsyncIterator[PostgresLinkStore]:
        pool = PostgresPool(self.url, limits=PATIENT)
        try:
            yield PostgresLinkStore(pool, "beteiligte")
        finally:
            await pool.close()
