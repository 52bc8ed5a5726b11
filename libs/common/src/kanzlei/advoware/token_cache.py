"""The Advoware token in Redis: shared by all services and replicas, fetched by one of them at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from redis.asyncio import Redis

from kanzlei.advoware.auth import LONGEST_LIFETIME, REFUSED_SECONDS, Token
from synckit import clamps
from synckit.errors import Locked, RemoteUnavailable
from synckit.ports import Clock
from synckit.redis.locks import LockTimes, RedisLocks, command

KEY = "advoware:token"
TURN = LockTimes(ttl=15.0, renew_every=5.0, margin=1.0, wait=20.0)


class RedisTokenCache:
    """Implements `advoware_auth.TokenCache`. What is stored never shows in a repr."""

    def __init__(self, redis: Redis, clock: Clock, *, key: str = KEY, turn: LockTimes = TURN) -> None:
        self._redis = redis
        self._clock = clock
        self._key = key
        self._locks = RedisLocks(redis, clock, times=turn)

    async def read(self) -> Token | None:
        """None where there is none, or where what is stored is none of ours."""
        stored = await command(self._redis.get(self._key))
        try:
            told = clamps.parsed_json(stored or b"{}")
        except ValueError:
            return None
        if not isinstance(told, dict):
            return None
        value, expires_at = clamps.header_text(told.get("access_token")), clamps.epoch(told.get("expires_at"))
        return Token(value, expires_at, str(told.get("login"))) if value and expires_at else None

    async def write(self, token: Token) -> None:
        """Kept until it expires."""
        left = (token.expires_at - self._clock.now()).total_seconds()
        told = {"access_token": token.value, "expires_at": token.expires_at.timestamp(), "login": token.login}
        kept = clamps.seconds(left, default=0.001, least=0.001, most=LONGEST_LIFETIME)
        await command(self._redis.set(self._key, json.dumps(told), px=int(kept * 1000)))

    async def refused(self, login: str) -> float:
        """Seconds that this login is still to be left alone, 0 where it may be tried."""
        left = await command(self._redis.pttl(self._refusal_key(login)))
        return clamps.seconds(left, default=0.0, most=1000 * REFUSED_SECONDS) / 1000

    async def refuse(self, login: str, seconds: float) -> None:
        """No replica tries this login for a while. Another login (a changed configuration) is free at once."""
        await command(self._redis.set(self._refusal_key(login), b"1", px=int(seconds * 1000)))

    def turn(self) -> AbstractAsyncContextManager[None]:
        """One caller in the cluster at a time; the others wait, bounded."""
        return self._turn()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with self._locks.hold(self._key):
                yield
        except Locked:
            raise RemoteUnavailable("advoware", "another replica fetches the token for too long") from None

    def _refusal_key(self, login: str) -> str:
        return f"{self._key}:refused:{login}"
