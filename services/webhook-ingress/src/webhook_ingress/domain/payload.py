"""A signed body → which records changed, and the names of what changed in them. Pure; no value is kept.

EspoCRM sends an array of flat objects; one object alone is taken as well. Values are never decoded: `msgspec.Raw` for
an update (names matter), a struct with the id alone for the rest. What that refuses is read again item by item.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from synckit.events import ENTITY_ID, Action, attribute_names

NOT_JSON = "not_json"
NOT_AN_OBJECT = "not_an_object"
NO_ID = "no_id"
WRONG_ID = "wrong_id"
UNREADABLE = (NOT_JSON, NOT_AN_OBJECT, NO_ID, WRONG_ID)
"""What a body, or an item of it, is none of ours for."""


class _Identity(msgspec.Struct):
    id: str


_identities = msgspec.json.Decoder(list[_Identity] | _Identity)
_attributes = msgspec.json.Decoder(list[dict[str, msgspec.Raw]] | dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str | None)
_REMEMBERED = 2000  # characters: what is kept stays small, whatever is sent
_REFUSED = (msgspec.DecodeError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Parsed:
    """`changes`: record id → names of changed attributes, sorted. `bad`: reason → items, 1 for a whole body."""

    accepted: int
    changes: Mapping[str, tuple[str, ...]]
    bad: Mapping[str, int]


def parse(action: Action, body: bytes) -> Parsed:
    """Never raises, whatever the body is."""
    try:
        if not body.isascii():
            body.decode()
        return _changed(body) if action is Action.UPDATE else _identified(body)
    except RecursionError:
        return _refused()
    except _REFUSED:
        return _item_by_item(action, body)


def _identified(body: bytes) -> Parsed:
    """Create and delete: every attribute is new, or gone; no names."""
    found = _identities.decode(body)
    ids = [one.id for one in found] if isinstance(found, list) else [found.id]
    good = [one for one in ids if ENTITY_ID.match(one)]
    bad = {WRONG_ID: len(ids) - len(good)} if len(good) < len(ids) else {}
    return Parsed(len(good), dict.fromkeys(good, ()), bad)


def _changed(body: bytes) -> Parsed:
    found = _attributes.decode(body)
    items = found if isinstance(found, list) else [found]
    return _merged((_decoded_id(item.get("id")), item) for item in items)


def _decoded_id(raw: msgspec.Raw | None) -> object:
    try:
        return None if raw is None else _text.decode(raw)
    except _REFUSED:
        return 0


def _merged(items: Iterable[tuple[object, Iterable[str]]]) -> Parsed:
    changes: dict[str, tuple[str, ...]] = {}
    bad: Counter[str] = Counter()
    accepted = 0
    for record_id, keys in items:
        if isinstance(record_id, str) and ENTITY_ID.match(record_id):
            accepted += 1
            names = _names(tuple(keys))
            before = changes.get(record_id)
            changes[record_id] = names if before is None else _names(before + names)
        else:
            bad[NO_ID if record_id is None else WRONG_ID] += 1
    return Parsed(accepted, changes, bad)


def _names(keys: tuple[str, ...]) -> tuple[str, ...]:
    """What of an object's keys is carried. The same forms change the same attributes, so most are known already."""
    return _known_names(keys) if sum(map(len, keys)) <= _REMEMBERED else _sorted(keys)


def _sorted(keys: tuple[str, ...]) -> tuple[str, ...]:
    return attribute_names(sorted(set(keys) - {"id"}))


_known_names = lru_cache(maxsize=1024)(_sorted)


def _item_by_item(action: Action, body: bytes) -> Parsed:
    """The forgiving way, for what the quick one refused: the good items of a batch must not go with the bad."""
    try:
        found = json.loads(body.decode(), parse_int=_opaque, parse_float=_opaque, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return _refused()
    items: list[Any] = found if isinstance(found, list) else [found]
    objects = [item for item in items if isinstance(item, dict)]
    named = action is Action.UPDATE
    parsed = _merged((item.get("id"), item if named else ()) for item in objects)
    strays = {NOT_AN_OBJECT: len(items) - len(objects)} if len(objects) < len(items) else {}
    return Parsed(parsed.accepted, parsed.changes, {**parsed.bad, **strays})


def _opaque(_: str) -> int:
    """A number's value is none of our business, and a huge one is slow to make."""
    return 0


def _no_constant(_: str) -> NoReturn:
    raise ValueError("no JSON")


def _refused() -> Parsed:
    return Parsed(0, {}, {NOT_JSON: 1})
