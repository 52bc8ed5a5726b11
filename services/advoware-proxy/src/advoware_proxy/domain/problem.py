"""Refusals, as RFC 9457 problem details: who refused (we or Advoware), why, and nothing of a client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PROXY, ADVOWARE = "proxy", "advoware"
CONTENT_TYPE = "application/problem+json"
TYPE = "urn:problem:advoware-proxy:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One reason to refuse."""

    status: int
    refused_by: str
    title: str


KINDS: dict[str, Kind] = {
    "bad_path": Kind(400, PROXY, "The path or a parameter is not of the form that is taken."),
    "bad_request": Kind(400, PROXY, "The request is not of the form that is taken."),
    "unauthenticated": Kind(401, PROXY, "No key, or none that is known."),
    "not_allowed": Kind(403, PROXY, "This key may not do that."),
    "not_found": Kind(404, PROXY, "There is nothing at this address; the path to Advoware is a parameter."),
    "method": Kind(405, PROXY, "This method is not taken here."),
    "key_in_use": Kind(409, PROXY, "The first call with this Idempotency-Key is not over, or nobody saw its end."),
    "answer_not_kept": Kind(409, PROXY, "The first call was carried out; its answer was too large to be kept."),
    "too_large": Kind(413, PROXY, "The body is too large."),
    "not_json": Kind(415, PROXY, "The body has to be JSON in UTF-8, not compressed, with its content type."),
    "key_reused": Kind(422, PROXY, "This Idempotency-Key was used for another request."),
    "rate": Kind(429, PROXY, "Too many calls with this key."),
    "at_once": Kind(429, PROXY, "Too many calls at once with this key."),
    "bug": Kind(500, PROXY, "Something here is broken."),
    "overloaded": Kind(503, PROXY, "Too many calls at once."),
    "unavailable": Kind(503, PROXY, "Something that the proxy needs is away."),
    "rejected": Kind(400, ADVOWARE, "Advoware refused the call."),
    "advoware_rate": Kind(429, ADVOWARE, "Advoware wants fewer calls."),
    "advoware_trouble": Kind(502, ADVOWARE, "Advoware is in trouble, or is not to be reached."),
    "advoware_login": Kind(502, ADVOWARE, "Advoware refuses the proxy's own credentials."),
    "advoware_answer": Kind(502, ADVOWARE, "Advoware's answer is none that is passed on."),
    "advoware_slow": Kind(504, ADVOWARE, "Advoware did not answer in time."),
}
"""Word → reason. A `rejected` has Advoware's own status."""


@dataclass(eq=False)
class Refused(Exception):
    """An answer that is a refusal. `applied` is no, maybe or yes: what may have happened in Advoware."""

    code: str
    reason: str = ""
    status: int = 0
    retry_after: float | None = None
    applied: str = "no"
    fields: Sequence[str] = field(default=())

    def __str__(self) -> str:
        return f"{self.code} {self.reason}".strip()

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]

    @property
    def answered_status(self) -> int:
        return self.status or self.kind.status

    def document(self, call_id: str) -> dict[str, Any]:
        """The body. `call_id` finds the line in log and audit."""
        told: dict[str, Any] = {
            "type": TYPE + self.code,
            "title": self.kind.title,
            "status": self.answered_status,
            "instance": f"urn:uuid:{call_id}",
            "code": self.code,
            "refused_by": self.kind.refused_by,
        }
        if self.reason:
            told["reason"] = self.reason
        if self.fields:
            told["fields"] = list(self.fields)
        if self.applied == "maybe":
            told["maybe_applied"] = True
        return told

    def headers(self) -> dict[str, str]:
        told = {"Content-Type": CONTENT_TYPE}
        if self.retry_after is not None:
            told["Retry-After"] = str(max(1, int(self.retry_after + 0.999)))
        if self.answered_status == HTTPStatus.UNAUTHORIZED:
            told["WWW-Authenticate"] = 'Bearer realm="advoware-proxy"'
        return told
