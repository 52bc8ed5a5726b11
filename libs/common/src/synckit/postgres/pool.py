"""A bounded asyncpg pool whose every call has an end, and whose errors are those of the taxonomy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from synckit.errors import RemoteUnavailable, StaleVersion

UPSTREAM = "postgres"
_BROKEN_CLASSES = frozenset({"08", "57", "58"})
_AWAY_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
TAKES_WRITES = SessionAttribute.read_write
"""Of several hosts in the address, the one that is neither a standby nor read-only."""
_AWAY_STATES = frozenset({"25006", "40001", "40P01", "55P03"})
"""A standby after a failover, lost races, a lock that was not to be had in time."""
_CANCELLED = "57014"
_READ_ONLY = "25006"
_TAKEN_MEANWHILE = "23505"
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
    Acquired = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]


class DatabaseDefect(RuntimeError):
    """A bug of ours that the database found. Holds the SQLSTATE only: the server's DETAIL quotes rows."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Seconds, but for `size`. `statement` is the server's own limit; `command` is ours, for a server that is silent,
    and at least a second more.
    """

    size: int = 10
    connect: float = 3.0
    acquire: float = 5.0
    statement: float = 5.0
    command: float = 6.0
    idle: float = 300.0


class PostgresPool:
    """Opens no connection before the first call: a service can start while the database is away."""

    def __init__(self, dsn: str, *, limits: PoolLimits | None = None, application_name: str = "synckit") -> None:
        self._dsn = dsn
        self._limits = limits or PoolLimits()
        self._application_name = application_name
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._hash_key: bytes | None = None

    @property
    def size(self) -> int:
        """Connections that may be open at once."""
        return self._limits.size

    @property
    def in_use(self) -> int:
        """Connections that a statement has."""
        return 0 if self._pool is None else self._pool.get_size() - self._pool.get_idle_size()

    async def open(self) -> None:
        """Makes the pool; does not connect. Again is fine."""
        if self._pool is not None:
            return
        milliseconds = str(int(self._limits.statement * 1000))
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._limits.size,
            max_inactive_connection_lifetime=self._limits.idle,
            timeout=self._limits.connect,
            target_session_attrs=TAKES_WRITES,
            command_timeout=max(self._limits.command, self._limits.statement + 1.0),
            reset=_keep_as_it_is,
            server_settings={
                "application_name": self._application_name,
                "statement_timeout": milliseconds,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "timezone": "UTC",
            },
        )

    async def close(self) -> None:
        """Waits a moment for running statements, then cuts them."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(self._limits.acquire):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def fetch_value(self, sql: str, *args: object, writes: bool = False) -> Any:
        """First column of the first row. `writes` says that a lost answer may hide an effect."""
        rows = await self.fetch(sql, *args, writes=writes)
        return rows[0][0] if rows else None

    async def fetch(self, sql: str, *args: object, writes: bool = False) -> Sequence[asyncpg.Record]:
        """One statement, which is one transaction. RemoteUnavailable where the database is away or silent."""
        connection = await self._acquire()
        try:
            return await connection.fetch(sql, *args)
        except _LIBRARY_ERRORS as error:
            await self._judge(connection, error)
            raise translated(error, sent=writes) from None
        finally:
            await self._release(connection)

    async def hash_key(self) -> bytes:
        """The database's own key for the journal's hashes; read once."""
        if self._hash_key is None:
            self._hash_key = bytes(await self.fetch_value("SELECT key FROM hash_key"))
        return self._hash_key

    async def ping(self) -> None:
        """RemoteUnavailable where the database does not answer, or takes no writes."""
        if await self.fetch_value("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"):
            await self._open_anew()
            raise RemoteUnavailable(UPSTREAM, "it takes no writes")

    async def _judge(self, connection: Acquired, error: Exception) -> None:
        """A connection that is silent, broken or refuses what we are there for is not used again.

        Where the server itself says so, nor are the others: each of them would only find out for itself.
        """
        state = str(error.sqlstate or "") if isinstance(error, asyncpg.PostgresError) else ""
        if state == _READ_ONLY or (state[:2] in _BROKEN_CLASSES and state != _CANCELLED):
            await self._open_anew()
        elif state:
            return
        with suppress(asyncpg.InterfaceError):  # Where it was found closed, the pool has taken it back already.
            connection.terminate()

    async def _open_anew(self) -> None:
        """All connections, each before it is next used."""
        if self._pool is not None:
            await self._pool.expire_connections()

    async def _acquire(self) -> Acquired:
        await self.open()
        if self._pool is None:
            raise RemoteUnavailable(UPSTREAM, "the pool is closed")
        try:
            async with asyncio.timeout(self._limits.acquire):  # acquire's own limit would cost a task
                return await self._pool.acquire()
        except _LIBRARY_ERRORS as error:
            raise translated(error, sent=False) from None

    async def _release(self, connection: Acquired) -> None:
        if self._pool is None:
            return
        # Where it can't be made usable again in time, release has cut it and taken the slot back.
        with suppress(*_LIBRARY_ERRORS):
            await self._pool.release(connection, timeout=1.0)


_LIBRARY_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def translated(error: Exception, *, sent: bool) -> Exception:
    """An asyncpg error in our words, without the server's text. `sent`: a write was on its way when it came."""
    if not isinstance(error, asyncpg.PostgresError):
        return RemoteUnavailable(UPSTREAM, type(error).__name__, maybe_applied=sent)
    state = str(error.sqlstate or "")
    if state[:2] in _AWAY_CLASSES or state in _AWAY_STATES:
        lost = sent and state[:2] in _BROKEN_CLASSES and state != _CANCELLED
        return RemoteUnavailable(UPSTREAM, f"{type(error).__name__} ({state})", maybe_applied=lost)
    if state == _TAKEN_MEANWHILE:
        return StaleVersion(f"{UPSTREAM}: somebody inserted the same meanwhile")
    return DatabaseDefect(f"{UPSTREAM}: {type(error).__name__} ({state})")


def json_text(value: object) -> str:
    """For a parameter that the statement casts to jsonb."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


async def _keep_as_it_is(_connection: Connection) -> None:
    """No session state is ever set, so the pool's reset would only cost a round trip a call."""
