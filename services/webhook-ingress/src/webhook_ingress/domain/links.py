"""A signed body of `entity/link` or `entity/unlink` → the records that it concerns. Pure; no value is kept.

EspoCRM has no webhook for links: these bodies come from a hook of ours in it (deploy/espocrm). We wrote both ends, so
a body is taken whole or refused whole, and the answer says which item and which of its names is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from kanzlei.nouns import BY_TYPE
from synckit.events import ENTITY_ID, attribute_names
from webhook_ingress.domain.payload import NOT_AN_OBJECT, NOT_JSON, WRONG_ID

NOUNS: Mapping[str, str] = MappingProxyType({name: noun.name for name, noun in BY_TYPE.items()})
"""Entity type in EspoCRM → noun of the event. The hook there has the same list; links with other types are nobody's."""
MAX_PAIRS = 1000
TOO_MANY = "too_many"
MISSING = "missing"
UNKNOWN_TYPE = "unknown_type"
WRONG_LINK = "wrong_link"
UNPAIRED = (TOO_MANY, WRONG_LINK, UNKNOWN_TYPE, MISSING)
"""The same of a pair; it can be unreadable, too."""
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_any = msgspec.json.Decoder()
Changes = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Noun → record id → names of the links that changed; each record once."""


@dataclass(frozen=True, slots=True)
class Linked:
    """`accepted` pairs, and what to tell of them."""

    accepted: int
    changes: Changes

    @property
    def records(self) -> int:
        return sum(map(len, self.changes.values()))


class WrongPair(Exception):
    """The body is refused. `item` counts from 0, `name` is one of the five; neither where the body as a whole is wrong.

    Quotes nothing of what was sent.
    """

    def __init__(self, reason: str, item: int | None = None, name: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.item = item
        self.name = name


def parse_links(body: bytes) -> Linked:
    """One object or an array of them; raises WrongPair and nothing else. An empty array is no link at all."""
    try:
        found = _any.decode(body.decode())
    except _REFUSED:
        raise WrongPair(NOT_JSON) from None
    items = found if isinstance(found, list) else [found]
    if len(items) > MAX_PAIRS:
        raise WrongPair(TOO_MANY)
    changes: dict[str, dict[str, tuple[str, ...]]] = {}
    for place, item in enumerate(items):
        for noun, record_id, names in _both(place, item):
            known = changes.setdefault(noun, {})
            known[record_id] = attribute_names(sorted({*known.get(record_id, ()), *names}))
    return Linked(len(items), changes)


def _both(place: int, item: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Left, with the name of its link, and right, whose own name for it nobody told."""
    if not isinstance(item, dict):
        raise WrongPair(NOT_AN_OBJECT, place)
    sides = [(_noun(place, item, f"{side}Type"), _id(place, item, f"{side}Id")) for side in ("left", "right")]
    link = _text(place, item, "link")
    if not _LINK.match(link):
        raise WrongPair(WRONG_LINK, place, "link")
    (left, left_id), (right, right_id) = sides
    yield left, left_id, (link,)
    yield right, right_id, ()


def _noun(place: int, item: dict[str, Any], name: str) -> str:
    noun = NOUNS.get(_text(place, item, name))
    if noun is None:
        raise WrongPair(UNKNOWN_TYPE, place, name)
    return noun


def _id(place: int, item: dict[str, Any], name: str) -> str:
    record_id = _text(place, item, name)
    if not ENTITY_ID.match(record_id):
        raise WrongPair(WRONG_ID, place, name)
    return record_id


def _text(place: int, item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise WrongPair(MISSING, place, name)
    return value
