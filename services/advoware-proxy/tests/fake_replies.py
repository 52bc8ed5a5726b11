"""First answers in memory; `test_replies_contract.py` holds it to the table in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from advoware_proxy.domain.calls import KeptReply
from advoware_proxy.handlers.ports import Claim, Claimed
from synckit.errors import RemoteUnavailable
from synckit.testing.clock import FakeClock

CLAIM_SECONDS = 10
T = TypeVar("T")


@dataclass
class FakeRow:
    """One request under a key; `until` on the clock."""

    claim: Claim
    until: float
    reply: KeptReply | None = None


class FakeReplies:
    """First answers in memory, for a day. `away` refuses all; what is in `lost` is done, and its answer is lost."""

    def __init__(self, clock: FakeClock) -> None:
        self.away = False
        self.lost: set[str] = set()
        self._clock = clock
        self.kept: dict[tuple[str, bytes], FakeRow] = {}

    async def hash_key(self) -> bytes:
        return b"h" * 32

    async def claim(self, claim: Claim) -> Claimed:
        self._there()
        row = self.kept.get((claim.key_id, claim.request_key))
        if row is None or row.until <= self._clock.monotonic():
            self.kept[claim.key_id, claim.request_key] = FakeRow(claim, self._clock.monotonic() + CLAIM_SECONDS)
            return self._told("claim", Claimed("fresh"))
        if row.claim.fingerprint != claim.fingerprint:
            return Claimed("other")
        return Claimed("busy") if row.reply is None else Claimed("kept", row.reply)

    async def sending(self, claim: Claim) -> bool:
        self._there()
        row = self._row_of(claim)
        if row is not None:
            row.until = self._clock.monotonic() + 86400
        return self._told("sending", row is not None)

    async def keep(self, claim: Claim, reply: KeptReply) -> None:
        self._there()
        row = self.kept.get((claim.key_id, claim.request_key))
        if row is not None and row.claim.owner == claim.owner:
            row.reply = reply
        self._told("keep", None)

    async def release(self, claim: Claim) -> None:
        self._there()
        if self._row_of(claim) is not None:
            del self.kept[claim.key_id, claim.request_key]

    def _row_of(self, claim: Claim) -> FakeRow | None:
        row = self.kept.get((claim.key_id, claim.request_key))
        return row if row is not None and row.claim.owner == claim.owner and row.reply is None else None

    def _there(self) -> None:
        if self.away:
            raise RemoteUnavailable("postgres", "away")

    def _told(self, step: str, answer: T) -> T:
        if step in self.lost:
            raise RemoteUnavailable("postgres", "TimeoutError", maybe_applied=True)
        return answer
