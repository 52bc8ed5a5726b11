"""A complete answer of a remote, read with care: whatever is in front of a remote may have made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from synckit import clamps
from synckit.errors import CircuitOpen, RateLimited, RemoteUnavailable

UNAUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `is_write`: the request may have had an effect. `outage`: the remote's circuit is open now."""

    upstream: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_write: bool = False
    outage: bool = False

    @property
    def is_html(self) -> bool:
        """Judged by the body: proxies and EspoCRM both send content types that are not true."""
        return self.body[:512].lstrip().startswith(b"<")

    def json(self) -> Any:
        """The parsed body, None where it is empty. RemoteUnavailable where it is no JSON: then it is no answer.

        Numbers that are none (NaN, 1e400) are null: see `clamps.parsed_json`.
        """
        if not self.body.strip():
            return None
        try:
            return clamps.parsed_json(self.body)
        except ValueError:
            raise self.unavailable("an answer that is no JSON") from None

    def unavailable(self, what: str, *, retry_after: float | None = None) -> RemoteUnavailable:
        """The error for an answer that tells us nothing."""
        delay = retry_after if retry_after is not None else parse_retry_after(self.headers.get("Retry-After"))
        kind = CircuitOpen if self.outage else RemoteUnavailable
        return kind(self.upstream, f"{self.status}, {what}", retry_after=delay, maybe_applied=self.is_write)

    @property
    def is_trouble(self) -> bool:
        """No answer of the remote's own, or one that says that it can't.

        A 401 is one whatever its body is: IIS adds a page for people.
        """
        return self.status >= 500 or (self.is_html and self.status != UNAUTHENTICATED)

    def raise_for_trouble(self) -> None:
        """3xx, 429, 5xx and pages for people, which mean the same everywhere. Other 4xx are for the client to read."""
        if self.status == 429:
            raise RateLimited(self.upstream, retry_after=parse_retry_after(self.headers.get("Retry-After")))
        if self.status >= 500:
            raise self.unavailable("it is in trouble")
        if 300 <= self.status < 400:
            raise self.unavailable("a redirect")
        if self.is_trouble:
            raise self.unavailable("a page for people")


def parse_retry_after(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds or an HTTP date → seconds from now, at most an hour. None where absent or nonsense."""
    return clamps.retry_after(value, now()) if value else None
