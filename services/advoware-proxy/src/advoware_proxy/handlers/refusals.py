"""Errors and Advoware's own refusals → what the caller is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from advoware_proxy.domain.header_rules import is_page
from advoware_proxy.domain.problem import ADVOWARE, Refused
from advoware_proxy.handlers.ports import Answer
from synckit import clamps
from synckit.errors import AuthenticationRefused, CircuitOpen, RateLimited, RemoteUnavailable, SyncError, TooSlow

LARGEST_REFUSAL = 65536
MOST_FIELDS = 20
NOT_MODIFIED = 304


def from_error(error: SyncError, *, is_write: bool) -> Refused:
    """What kept a call from its answer."""
    upstream = getattr(error, "upstream", "")
    retry_after = getattr(error, "retry_after", None)
    if not upstream.startswith(ADVOWARE):
        return Refused("unavailable", upstream, retry_after=retry_after or 5)
    if isinstance(error, AuthenticationRefused):
        return Refused("advoware_login", retry_after=retry_after)
    if isinstance(error, RateLimited):
        return Refused("advoware_rate", retry_after=retry_after)
    applied = "maybe" if is_write and isinstance(error, RemoteUnavailable) and error.maybe_applied else "no"
    code = "advoware_slow" if isinstance(error, TooSlow) else "advoware_trouble"
    reason = "circuit" if isinstance(error, CircuitOpen) else ""
    return Refused(code, reason, retry_after=retry_after, applied=applied)


async def of_answer(answer: Answer, *, is_write: bool, now: datetime) -> Refused | None:
    """Advoware's refusal, or an answer that is none; None where it is good."""
    status, applied = answer.status, "maybe" if is_write else "no"
    if status >= 500:
        return Refused("advoware_trouble", f"status_{status}", retry_after=_retry_after(answer, now), applied=applied)
    if status == 429:
        return Refused("advoware_rate", retry_after=_retry_after(answer, now))
    if status == 407:
        return Refused("advoware_login", f"status_{status}")
    if status >= 400:
        return Refused("rejected", status=status, fields=await _fields(answer))
    if status >= 300 and status != NOT_MODIFIED:
        return Refused("advoware_answer", "redirect", applied=applied)
    if is_page(header(answer, "content-type")):
        return Refused("advoware_answer", "page", applied=applied)
    return None


def header(answer: Answer, name: str) -> str:
    """The first of that name, or nothing."""
    return answer.headers.get(name, "")


async def all_of(chunks: AsyncIterator[bytes], most: int) -> bytes | None:
    """The whole body, None where it is larger."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


async def _fields(answer: Answer) -> Sequence[str]:
    """Names of the fields that Advoware complains of; its words may quote a value, so they do not pass."""
    body = await all_of(answer.chunks(), LARGEST_REFUSAL)
    try:
        told = clamps.parsed_json(body or b"null")
    except ValueError:
        return ()
    errors = told.get("errors") if isinstance(told, dict) else None
    names = errors if isinstance(errors, dict) else {}
    return [name for name in names if name.isidentifier() and name.isascii() and len(name) <= 64][:MOST_FIELDS]


def _retry_after(answer: Answer, now: datetime) -> float | None:
    return clamps.retry_after(header(answer, "retry-after"), now)
