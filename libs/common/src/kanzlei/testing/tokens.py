"""The shared place of the Advoware token, in memory; give one to several clients and they are replicas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from kanzlei.advoware.auth import Token
from synckit.errors import RemoteUnavailable
from synckit.ports import Clock


class FakeTokenCache:
    """`advoware_auth.TokenCache`; `away` is the cache down."""

    def __init__(self, clock: Clock) -> None:
        self.away = False
        self.token: Token | None = None
        self._clock = clock
        self._refused: dict[str, float] = {}
        self._turn = asyncio.Lock()

    async def read(self) -> Token | None:
        self._reach()
        return self.token

    async def write(self, token: Token) -> None:
        self._reach()
        self.token = token

    async def refused(self, login: str) -> float:
        self._reach()
        return max(self._refused.get(login, 0.0) - self._clock.monotonic(), 0.0)

    async def refuse(self, login: str, seconds: float) -> None:
        self._reach()
        self._refused[login] = self._clock.monotonic() + seconds

    def turn(self) -> AbstractAsyncContextManager[None]:
        return self._take_turn()

    @asynccontextmanager
    async def _take_turn(self) -> AsyncIterator[None]:
        self._reach()
        async with self._turn:
            yield

    def _reach(self) -> None:
        if self.away:
            raise RemoteUnavailable("redis", "away")
