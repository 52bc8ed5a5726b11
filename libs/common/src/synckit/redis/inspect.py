"""Whether a record is being worked on: looks at its lock without touching it."""

from __future__ import annotations

from redis.asyncio import Redis

from synckit.redis.locks import command


class RedisLockInspector:
    """Read only. `prefix` as in `RedisLocks`."""

    def __init__(self, redis: Redis, *, prefix: str = "lock:") -> None:
        self._redis = redis
        self._prefix = prefix

    async def seconds_left(self, name: str) -> float | None:
        """How long the lock lives if it is not renewed; None where nobody holds it."""
        milliseconds = int(await command(self._redis.pttl(self._prefix + name)))
        return milliseconds / 1000 if milliseconds >= 0 else None
