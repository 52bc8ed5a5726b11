"""Whether a call may come in: whose key it is, whether a grant names the call, and whether the key's rate has room.

A service asks before it does anything else. What it answers with is its own: `NotAdmitted` says only why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kanzlei.callers.grants import Caller, recognise
from synckit.buckets import Buckets
from synckit.ports import Clock

UNAUTHENTICATED, NOT_ALLOWED, RATE = "unauthenticated", "not_allowed", "rate"
STATUS = {UNAUTHENTICATED: 401, NOT_ALLOWED: 403, RATE: 429}
"""What HTTP says of it."""


class Callers(Protocol):
    """The keys that are good. `table.PostgresCallers` reads them, at most a few seconds old."""

    async def known(self) -> Mapping[str, Caller]: ...


@dataclass(eq=False)
class NotAdmitted(Exception):
    """`code` is one of `STATUS`, `caller` the key's id where it is known, `retry_after` in seconds, of a rate."""

    code: str
    caller: str = ""
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.code


class Gate:
    """Of one service: a caller's rate counts for each service by itself, and for all of its replicas together."""

    def __init__(self, service: str, callers: Callers, buckets: Buckets, clock: Clock) -> None:
        self._service = service
        self._callers = callers
        self._buckets = buckets
        self._clock = clock

    async def admit(self, credential: str | None, method: str, path: str) -> Caller:
        """Who it is. `path` as a grant names it: `/advoware/calendar/sync`.

        NotAdmitted; RemoteUnavailable where keys or rates can't be read. A refused call costs a token as well, once its
        key is known: who tries what it may not do is slowed down, too.
        """
        caller = recognise(credential, await self._callers.known(), self._clock.now())
        if caller is None:
            raise NotAdmitted(UNAUTHENTICATED)
        wait = await self._buckets.take([caller.bucket(self._service).charge()])
        if wait > 0:
            raise NotAdmitted(RATE, caller.key_id, wait)
        if caller.pattern_for(method, path.removeprefix("/").split("/")) is None:
            raise NotAdmitted(NOT_ALLOWED, caller.key_id)
        return caller
