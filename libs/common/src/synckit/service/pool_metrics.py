"""How full a process's pool of connections to PostgreSQL is."""

from __future__ import annotations

from typing import Protocol
from weakref import ref

from synckit.service.metrics import gauge

POOL_IN_USE = gauge("sync_pool_connections_in_use", "Connections to PostgreSQL that a statement has just now.")
POOL_SIZE = gauge("sync_pool_connections_max", "Connections to PostgreSQL that this process may open.")


class Pool(Protocol):
    """`synckit.postgres.pool.PostgresPool`."""

    @property
    def in_use(self) -> int: ...
    @property
    def size(self) -> int: ...


def watch_pool(pool: Pool) -> None:
    """Shows this one from now on, read at each scrape."""
    known = ref(pool)

    def in_use() -> float:
        held = known()
        return 0 if held is None else held.in_use

    POOL_IN_USE.set_function(in_use)
    POOL_SIZE.set(pool.size)
