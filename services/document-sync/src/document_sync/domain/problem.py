"""Refusals of the explanations, as RFC 9457 problem details. Nothing of a client is in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:problem:document-sync:"
KINDS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "unauthenticated": (401, "No key, or none that is known."),
        "not_allowed": (403, "This key may not do that."),
        "unknown": (404, "No document or record of this id is known, here or in EspoCRM."),
        "not_found": (404, "There is nothing at this address."),
        "method": (405, "This method is not taken here."),
        "rate": (429, "Too many calls with this key."),
        "unavailable": (503, "Something that is needed is away: database, Redis or EspoCRM."),
    }
)
"""Word → status and title."""


@dataclass(eq=False)
class Refused(Exception):
    """An answer that is a refusal."""

    code: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.code

    @property
    def status(self) -> int:
        return KINDS[self.code][0]

    def document(self, instance: str) -> dict[str, Any]:
        """The body. `instance` finds the line in the log."""
        told = {"type": TYPE + self.code, "title": KINDS[self.code][1], "status": self.status, "code": self.code}
        return told | {"instance": f"urn:trace:{instance}"}

    def headers(self) -> dict[str, str]:
        told = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        if self.retry_after is not None:
            told["Retry-After"] = str(max(1, int(self.retry_after + 0.999)))
        if self.status == 401:
            told["WWW-Authenticate"] = 'Bearer realm="document-sync"'
        return told
