"""What is said of a call: its line in the audit, its answer, and the ways in which Advoware does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from synckit.body import Body


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the audit. `pattern` is that of the grant, empty where none fitted; without a status it is not over."""

    call_id: str
    key_id: str
    method: str
    pattern: str
    outcome: str
    status: int | None = None
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it goes to the caller. `length` is None where only the end tells it."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes] = field(repr=False)
    length: int | None = None


@dataclass(frozen=True, slots=True)
class KeptReply:
    """An answer that is given again: client data."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def again(self) -> Reply:
        return Reply(self.status, self.headers, _one(self.body), len(self.body))


@dataclass(frozen=True, slots=True)
class Call:
    """A request, its body not yet read; `body` answers when it is here whole, or its beginning where it is large.

    `deliver` sends an answer and returns when all of it is sent."""

    method: str
    query: str = field(repr=False)
    credential: str | None = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    idempotency_keys: tuple[str, ...] = field(repr=False)
    body: Callable[[], Awaitable[Body]] = field(repr=False)
    deliver: Callable[[Reply], Awaitable[None]] = field(repr=False)
    trace_id: str = ""


async def _one(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body
