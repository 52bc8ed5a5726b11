"""Connections to Redis that are opened anew once one of them was refused what we are there for.

A server that was made a replica keeps its connections and answers each write READONLY, for ever. Where the address has
moved on to another server, only a new connection finds it.
"""

from __future__ import annotations

import re
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

_WORDS = re.compile(
    r"(?:^|\s)-?(?:READONLY|LOADING|MASTERDOWN|NOREPLICAS|MISCONF|UNKILLABLE|BUSY|CLUSTERDOWN|MOVED|ASK)\b"
)
"""As the first word of an answer; before Redis 7 also within the answer to a script."""


def refuses(error: BaseException) -> bool:
    """Whether the server says that it is not, or not now, one that takes our writes."""
    code = getattr(error, "status_code", None) or ""
    return isinstance(error, RedisError) and _WORDS.search(f"{code} {error}") is not None


class Generation:
    """Which connections are still good: those that were opened in it."""

    def __init__(self) -> None:
        self.number = 0

    def end(self) -> None:
        """All connections that are open now are opened anew when they are next taken out."""
        self.number += 1


class _Watched(AbstractConnection):
    """Ends its generation when the server refuses. Goes on reading: a pipeline's other answers are still to come."""

    def __init__(self, *, generation: Generation, **options: Any) -> None:
        super().__init__(**options)
        self._generation = generation
        self._opened_in = generation.number

    async def connect(self) -> None:
        """Called by the pool for each use; does nothing where the connection is good."""
        if self.is_connected and self._opened_in != self._generation.number:
            await self.disconnect()
        opened_in = self._generation.number
        await super().connect()  # type: ignore[no-untyped-call]
        self._opened_in = opened_in

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*arguments, **options)
        except RedisError as error:
            if refuses(error):
                self._generation.end()
            raise


def watched(pool: BlockingConnectionPool) -> BlockingConnectionPool:
    """The same pool, before its first connection."""
    pool.connection_class = type("WatchedConnection", (_Watched, pool.connection_class), {})
    pool.connection_kwargs["generation"] = Generation()
    return pool
