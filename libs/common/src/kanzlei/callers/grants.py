"""Who may call what: a caller's key, its grants, its rate. What no grant names is not allowed. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from synckit.buckets import Bucket

METHODS = ("GET", "POST", "PUT", "DELETE")
ID, WORD = ":id", ":word"
_ID = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_LITERAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,62}\Z", re.ASCII)
_CREDENTIAL = re.compile(r"(k[0-9a-f]{12})\.([A-Za-z0-9_-]{43})\Z", re.ASCII)
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Grant:
    """Methods and a pattern: literal segments, `:id` for a number, `:word` for any one segment."""

    methods: frozenset[str]
    pattern: str

    @classmethod
    def parse(cls, text: str) -> Grant:
        """From `GET,PUT /Beteiligte/:id`. ValueError with what is wrong."""
        methods, _, pattern = text.strip().partition(" ")
        return cls.of(methods.split(","), pattern.strip())

    @classmethod
    def of(cls, methods: Iterable[str], pattern: str) -> Grant:
        chosen = frozenset(methods)
        if not chosen or not chosen <= set(METHODS):
            raise ValueError(f"methods are {', '.join(METHODS)}, separated by commas")
        segments = pattern.removeprefix("/").split("/")
        if not pattern.startswith("/") or not all(one in (ID, WORD) or _LITERAL.match(one) for one in segments):
            raise ValueError("a pattern is /Word/:id/Word: literal segments, :id for a number, :word for any segment")
        return cls(chosen, pattern)

    def allows(self, method: str, segments: Sequence[str]) -> bool:
        wanted = self.pattern.removeprefix("/").split("/")
        return (
            method in self.methods
            and len(wanted) == len(segments)
            and all(_fits(one, segment) for one, segment in zip(wanted, segments, strict=True))
        )

    def __str__(self) -> str:
        return f"{','.join(method for method in METHODS if method in self.methods)} {self.pattern}"


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: so many calls a minute, and so many at once after a pause."""

    per_minute: int
    burst: int


@dataclass(frozen=True, slots=True)
class Caller:
    """One key. `digest` is the SHA-256 of its secret."""

    key_id: str
    digest: bytes = field(repr=False)
    grants: tuple[Grant, ...]
    rate: Rate
    expires_at: datetime | None = None

    def bucket(self, service: str) -> Bucket:
        """Its rate at a service, shared by all replicas; a call costs one token."""
        return Bucket(f"{service}:{self.key_id}", self.rate.per_minute / 60, self.rate.burst)

    def pattern_for(self, method: str, segments: Sequence[str]) -> str | None:
        """The pattern of the first grant that allows it; None where none does."""
        return next((grant.pattern for grant in self.grants if grant.allows(method, segments)), None)


def new_secret() -> tuple[str, str]:
    """A fresh key id, and 256 random bits as text."""
    return f"k{secrets.token_hex(6)}", secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def recognise(credential: str | None, callers: Mapping[str, Caller], now: datetime) -> Caller | None:
    """Whose credential (`id.secret`) it is. Digests are compared in constant time, also where nobody has that id."""
    found = _CREDENTIAL.match(credential or "")
    caller = callers.get(found[1]) if found else None
    given = digest_of(found[2]) if found else _NOBODY
    same = hmac.compare_digest(given, caller.digest if caller else _NOBODY)
    if caller is None or not same or (caller.expires_at is not None and caller.expires_at <= now):
        return None
    return caller


def grants_document(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """As the database keeps them."""
    return [{"methods": sorted(grant.methods), "pattern": grant.pattern} for grant in grants]


def grants_from(document: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """ValueError where somebody wrote something else into the table."""
    return tuple(Grant.of(each["methods"], each["pattern"]) for each in document)


def _fits(wanted: str, segment: str) -> bool:
    if wanted == ID:
        return _ID.match(segment) is not None
    return wanted in (WORD, segment)
