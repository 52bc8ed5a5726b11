"""What a call asks of the outside world. All of these raise only the taxonomy of `synckit.errors`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from advoware_proxy.domain.calls import Entry, KeptReply
from advoware_proxy.domain.path_rules import Target
from synckit.body import Body

Before = Callable[[], Awaitable[None]]


class Audit(Protocol):
    """Who called what. RemoteUnavailable where it can't be written: then nothing may pass."""

    async def announce(self, entry: Entry) -> None:
        """Returns when the line is on disk."""

    def record(self, entry: Entry) -> None:
        """Writes it soon; completes the announced line of the same call."""

    def nobody(self, method: str, status: int) -> None:
        """A call without a known key: counted, so that nobody can fill the table."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One POST under its Idempotency-Key, both as hashes, and who claims it."""

    key_id: str
    request_key: bytes
    fingerprint: bytes
    owner: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is known of it: `fresh` (ours now), `other` (another request), `busy` (no answer yet), or its reply."""

    state: str
    reply: KeptReply | None = None


class Replies(Protocol):
    """First answers. A request is claimed (for seconds), then sent, then answered (both for a day)."""

    async def hash_key(self) -> bytes:
        """What the fingerprints are keyed with."""

    async def claim(self, claim: Claim) -> Claimed:
        """Nothing may be sent yet: a claim that is left behind frees the key within seconds."""

    async def sending(self, claim: Claim) -> bool:
        """From now on it may have been sent. False where the claim has gone to another: then it must not be sent."""

    async def keep(self, claim: Claim, reply: KeptReply) -> None:
        """Nothing happens where the claim has gone to another."""

    async def release(self, claim: Claim) -> None:
        """It did not happen: it may be tried again."""


class Answer(Protocol):
    """Advoware's answer, its body still to come."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def length(self) -> int | None: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes. RemoteUnavailable where it is cut short or gets too large."""


class Upstream(Protocol):
    """Advoware."""

    def exchange(
        self, method: str, target: Target, headers: Mapping[str, str], body: Body, before: Before
    ) -> AbstractAsyncContextManager[Answer]:
        """One call with a good token, `before` awaited when all is ready to be sent; what it raises goes through.

        The connection is given back at the end of the block.
        """
