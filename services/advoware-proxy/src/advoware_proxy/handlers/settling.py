"""Ends of POSTs under a key that the table could not take: kept in memory and tried again until it can.

Without them a key would stay taken for a day, though nothing was sent, or though its caller waits for the answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import structlog

from advoware_proxy.domain.calls import KeptReply
from advoware_proxy.handlers.ports import Claim, Replies
from synckit.errors import SyncError
from synckit.ports import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SettlingLimits:
    """Ends and bytes of answers that may wait; seconds between two tries, and of the last one at the end."""

    most: int = 5000
    bytes: int = 32 << 20
    pause: float = 1.0
    closing: float = 3.0


@dataclass(frozen=True, slots=True)
class _End:
    claim: Claim
    reply: KeptReply | None


class Settling:
    """Keeps an answer or frees a key, now or later; `forever` has to run beside it."""

    def __init__(self, replies: Replies, clock: Clock, limits: SettlingLimits | None = None) -> None:
        self._replies = replies
        self._clock = clock
        self._limits = limits or SettlingLimits()
        self._waiting: deque[_End] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    async def end(self, claim: Claim, reply: KeptReply | None) -> None:
        """Tries at once; without a reply the key is free again. Raises nothing: the caller's answer must not wait."""
        if not await self._done(_End(claim, reply)):
            self.later(claim, reply)

    def later(self, claim: Claim, reply: KeptReply | None) -> None:
        """For an end that can't be tried just now. Past the limits it is left to the claim's own time."""
        size = len(reply.body) if reply else 0
        if len(self._waiting) >= self._limits.most or self._bytes + size > self._limits.bytes:
            log.error("answer_not_kept", reason="too_many_wait", call_id=claim.owner, caller=claim.key_id)
            return
        if not self._waiting:
            log.warning("answer_not_kept", reason="database_away", call_id=claim.owner, caller=claim.key_id)
        self._waiting.append(_End(claim, reply))
        self._bytes += size
        self._wake.set()

    async def forever(self) -> None:
        """Tries the oldest until it is done, then the next."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if not await self._oldest():
                    await self._clock.sleep(self._limits.pause)

    async def close(self) -> None:
        """One more try, within its seconds."""
        try:
            async with asyncio.timeout(self._limits.closing):
                while self._waiting and await self._oldest():
                    pass
        except TimeoutError:
            log.warning("answer_not_kept", reason="stopped", count=len(self._waiting))

    async def _oldest(self) -> bool:
        one = self._waiting[0]
        if not await self._done(one):
            return False
        self._waiting.popleft()
        self._bytes -= len(one.reply.body) if one.reply else 0
        return True

    async def _done(self, one: _End) -> bool:
        """False where it has to be tried again. Each is safe to repeat: it names its claim."""
        try:
            if one.reply is None:
                await self._replies.release(one.claim)
            else:
                await self._replies.keep(one.claim, one.reply)
        except SyncError:
            return False
        except Exception as error:
            log.error("bug", exc_info=error, call_id=one.claim.owner)
        return True
