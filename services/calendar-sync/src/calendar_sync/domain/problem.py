"""Refusals of the way in by hand, as RFC 9457 problem details. Nothing of a client is in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:problem:calendar-sync:"

KINDS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "bad_request": (400, 'The body has to be JSON: {"kuerzel": "AB"} or {"kuerzel": "ALL"}.'),
        "unauthenticated": (401, "No key, or none that is known."),
        "not_allowed": (403, "This key may not do that."),
        "unknown_kuerzel": (404, "Nobody of this Kürzel works here."),
        "unknown_run": (404, "No run of this id, or it is forgotten by now."),
        "not_found": (404, "There is nothing at this address."),
        "method": (405, "This method is not taken here."),
        "too_large": (413, "The body is too large."),
        "rate": (429, "Too many calls with this key."),
        "unavailable": (503, "Something that is needed is away: broker, database, Redis or Advoware."),
    }
)
"""Word → status and title."""


@dataclass(eq=False)
class Refused(Exception):
    """An answer that is a refusal."""

    code: str
    reason: str = ""
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.code} {self.reason}".strip()

    @property
    def status(self) -> int:
        return KINDS[self.code][0]

    def document(self, instance: str) -> dict[str, Any]:
        """The body. `instance` finds the line in the log."""
        told = {"type": TYPE + self.code, "title": KINDS[self.code][1], "status": self.status, "code": self.code}
        return told | {"instance": f"urn:trace:{instance}"} | ({"reason": self.reason} if self.reason else {})

    def headers(self) -> dict[str, str]:
        told = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        if self.retry_after is not None:
            told["Retry-After"] = str(max(1, int(self.retry_after + 0.999)))
        if self.status == 401:
            told["WWW-Authenticate"] = 'Bearer realm="calendar-sync"'
        return told
