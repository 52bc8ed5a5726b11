"""Who may ask a service its own questions: a process on the same host, or a key of the office with a grant for it."""

from __future__ import annotations

import ipaddress

from aiohttp import web
from redis.asyncio import Redis

from kanzlei.callers.credential import credential
from kanzlei.callers.gate import Gate, NotAdmitted
from kanzlei.callers.table import PostgresCallers
from synckit.ports import Clock
from synckit.postgres.pool import PostgresPool
from synckit.redis.buckets import RedisBuckets
from synckit.service.explain import Refused

KEYS_SECONDS = 5.0
"""A new or a revoked key is known after so long at most."""
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""A proxy on this host names who really asks: then loopback proves nothing."""
ANY = "any"


class Inside:
    """`synckit.service.explain.Admit`. The grant is `GET /explain/:word/:word`, or names one noun."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @classmethod
    def of(cls, service: str, pool: PostgresPool, redis: Redis, clock: Clock) -> Inside:
        """With the office's keys."""
        callers = PostgresCallers(pool, clock, seconds=KEYS_SECONDS)
        return cls(Gate(service, callers, RedisBuckets(redis), clock))

    async def admit(self, request: web.Request) -> None:
        """Refused; RemoteUnavailable where nobody can tell whose key it is."""
        if is_loopback(request):
            return
        noun = request.match_info.get("noun", ANY)
        try:
            await self._gate.admit(credential(request), "GET", f"/explain/{noun}/{ANY}")
        except NotAdmitted as error:
            raise Refused(error.code, error.retry_after) from None


def is_loopback(request: web.Request) -> bool:
    """By the connection itself, and nobody says that it was passed on."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
