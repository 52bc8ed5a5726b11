"""Which headers pass. Two short lists and nothing else: what is not listed does not pass, in neither direction.

So nothing hop-by-hop, no credential, no cookie, no `Forwarded`, no method override, no address of Advoware's passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

TO_ADVOWARE = frozenset({"accept", "accept-language", "content-type", "if-match", "if-none-match", "if-modified-since"})
TO_CALLER = frozenset(
    {"content-type", "content-encoding", "content-language", "content-disposition", "etag", "last-modified"}
)
OURS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""On every answer: it is client data, and it is what it says it is."""
_GOOD_VALUE = re.compile(r"[\x20-\x7e]{0,512}\Z", re.ASCII)
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json\Z", re.ASCII)
_UTF8 = re.compile(r"""charset=["']?utf-?8["']?\Z""", re.ASCII)


def to_advoware(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of a request. One that comes twice passes not at all."""
    return _kept(headers, TO_ADVOWARE)


def to_caller(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of an answer, with ours."""
    return {**_kept(headers, TO_CALLER), **OURS}


def is_json(content_type: str) -> bool:
    """A JSON type in UTF-8. Forms are none: some servers read a method override from their fields."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    return bool(_JSON.match(kind)) and all(_UTF8.match(one) for one in parameters)


def is_page(content_type: str) -> bool:
    """A page for people, which a gateway shows in place of an answer, or which a browser would carry out."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml")


def credential(headers: Mapping[str, Sequence[str]]) -> str | None:
    """The caller's key from `Authorization: Bearer …` or `X-Api-Key: …`; None unless there is exactly one."""
    bearers, keys = headers.get("authorization", ()), headers.get("x-api-key", ())
    if len(bearers) + len(keys) != 1:
        return None
    if keys:
        return keys[0]
    scheme, _, value = bearers[0].partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def _kept(headers: Iterable[tuple[str, str]], allowed: frozenset[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() in allowed and _GOOD_VALUE.match(value):
            found.setdefault(name.title(), []).append(value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}
