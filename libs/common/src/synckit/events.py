"""The envelope: CloudEvents 1.0 in Kafka's binary mode, carrying identity and never client data.

Headers hold the context attributes (`ce_*`), the value is a small JSON object, the key is the record's id.
A type is `<domain>.<noun>.<action>`; actions and origins are open words of whoever owns the noun.
Source: CloudEvents 1.0.2 Kafka protocol binding §3.2; distributed tracing extension (`ce_traceparent`).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import msgspec

from synckit import clamps
from synckit.errors import InvalidEvent

ENTITY_ID = re.compile(r"[A-Za-z0-9-]{1,36}\Z")
"""Of a record. Keys of other nouns are made by `key_of`."""
_KEY = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2}){1,100}\Z")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_TYPE = re.compile(rb"[a-z0-9-]{1,40}\.[A-Za-z0-9-]{1,36}\.[a-z0-9_]{1,40}\Z")
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_EVENT_ID = re.compile(rb"[!-~]{1,100}\Z")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_LONGEST_NAME = 100
MAX_CHANGED = 200
CONTENT_TYPE = b"application/json"
RECORDS = "vmh"
"""The domain of records, as of old."""
_SHARED = "entity"
"""The noun in the type of what happens to two records at once."""


class Action(StrEnum):
    """What is said to have happened to a record. Only a hint: the handler reads the current state.

    No list of what an event may say: another noun's owner has words of its own.
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SYNC_CHECK = "sync_check"
    LINK = "link"
    UNLINK = "unlink"


LINKS = frozenset({Action.LINK, Action.UNLINK})
"""What happens to two records at once: an event for each, on a topic that all nouns share."""


class Origin(StrEnum):
    """Who of ours says so; open as `Action` is: each remote has a word as well, which its owner knows."""

    TICKER = "ticker"
    OPERATOR = "operator"
    REPLAY = "replay"


def key_of(name: str) -> str:
    """The key of what has this name: ASCII; all but letters, digits and `.-_~` is percent-encoded UTF-8.

    ValueError where it would be empty or stand for more than 100 bytes.
    """
    key = quote(name, safe="")
    if not _KEY.match(key):
        raise ValueError("a key has 1 to 100 bytes")
    return key


def name_of(key: str) -> str:
    """The way back. InvalidEvent where `key_of` makes no such key: one thing has one key."""
    try:
        name = unquote_to_bytes(key).decode()
        if key_of(name) == key:
            return name
    except ValueError:
        pass
    raise InvalidEvent("key is not percent-encoded as keys are")


def event_type(entity: str, action: str, domain: str = RECORDS) -> str:
    """CloudEvents type: `vmh.beteiligte.update`; for links `vmh.entity.link`, whatever the noun is."""
    return f"{domain}.{_SHARED if action in LINKS else entity}.{action}"


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """ "Look at this record." `entity` is the noun of the topic (`beteiligte`), `changed` are attribute names only.

    `entity_id` is the key, as `key_of` makes it. `not_before`: it is of no use earlier; the worker lets it wait.
    """

    entity: str
    entity_id: str
    action: str
    origin: str
    received_at: datetime
    changed: tuple[str, ...] = ()
    id: str = ""
    traceparent: str | None = None
    domain: str = RECORDS
    not_before: datetime | None = None

    @property
    def type(self) -> str:
        """As `event_type` says it."""
        return event_type(self.entity, self.action, self.domain)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record, either way: key and value as bytes, headers as (name, bytes) in order."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def encode(event: ChangeEvent) -> Record:
    """Event → record. A missing id gets a fresh UUID4."""
    not_before = None if event.not_before is None else rfc3339(event.not_before).decode()
    body = EventBody(event.entity, event.entity_id, event.action, event.origin, list(event.changed), not_before)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", (event.id or str(uuid.uuid4())).encode()),
        ("ce_source", f"/{event.origin}/{event.entity}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", event.entity_id.encode()),
        ("ce_time", rfc3339(event.received_at)),
        ("content-type", CONTENT_TYPE),
    ]
    if event.traceparent:
        headers.append(("ce_traceparent", event.traceparent.encode()))
    return Record(event.entity_id.encode(), written(body), tuple(headers))


def decode(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> ChangeEvent:
    """Record → event. Raises InvalidEvent, whose text never quotes the value."""
    named = dict(headers)
    _require(named.get("ce_specversion") == b"1.0", "no CloudEvents 1.0 record")
    body = _body(value)
    action, origin = body.action, body.origin
    _require(bool(_WORD.match(action) and _WORD.match(origin)), _LACKS)
    entity, entity_id = body.entity, body.id
    _require(ENTITY_ID.match(entity) is not None, "entity is no name")
    _require(_KEY.match(entity_id) is not None, "id is not a key of 1 to 100 bytes")
    _require(key == entity_id.encode(), "key differs from the id in the value")
    domain = _domain(named.get("ce_type") or b"", entity, action)
    event_id = named.get("ce_id") or b""
    _require(_EVENT_ID.match(event_id) is not None, "ce_id is not 1 to 100 printable characters")
    traceparent = named.get("ce_traceparent") or b""
    return ChangeEvent(
        entity=entity,
        entity_id=entity_id,
        action=action,
        origin=origin,
        received_at=_time(named.get("ce_time")),
        changed=_changed(tuple(body.changed), len(value or b"")),
        id=event_id.decode("ascii"),
        traceparent=traceparent.decode("ascii") if _TRACEPARENT.match(traceparent) else None,
        domain=domain,
        not_before=clamps.moment(body.not_before),
    )


def as_records_are(event: ChangeEvent) -> None:
    """InvalidEvent where an event of a record says what none does: what a topic promises unless its owner says more."""
    known = event.action in _ACTIONS and ENTITY_ID.match(event.entity_id)
    if event.domain == RECORDS and not known:
        raise InvalidEvent("no action or id of a record")


_ACTIONS = frozenset(map(str, Action))


def rfc3339(at: datetime) -> bytes:
    """As a header holds it: UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()


def attribute_names(names: Iterable[object]) -> tuple[str, ...]:
    """Keeps what is an attribute's name, bounded: a key of a hostile object must not smuggle text into a topic."""
    kept = [name for name in names if isinstance(name, str) and len(name) <= _LONGEST_NAME and _is_attribute(name)]
    return tuple(kept[:MAX_CHANGED])


@lru_cache(maxsize=4096)
def _is_attribute(name: str) -> bool:
    """The same names come again and again."""
    return _ATTRIBUTE.match(name) is not None


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise InvalidEvent(problem)


class EventBody(msgspec.Struct, omit_defaults=True):
    """The value of an event: identity and names. Nothing is written of what is not there."""

    entity: str
    id: str
    action: str
    origin: str
    changed: list[Any] = []
    not_before: Any = None


_read = msgspec.json.Decoder(EventBody).decode
written = msgspec.json.Encoder().encode
"""A body → JSON without blanks."""
_LACKS = "value lacks or misnames entity, id, action or origin"
_SMALL = 2000  # bytes: what is kept of names stays small, whatever a topic holds


def _body(value: bytes | None) -> EventBody:
    try:
        return _read(value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise InvalidEvent(_what_is_wrong_with(value or b""))


def _what_is_wrong_with(value: bytes) -> str:
    """In our own words: what a decoder says of it may quote it."""
    try:
        body = json.loads(value)
    except (ValueError, RecursionError):
        return f"value is not JSON ({len(value)} bytes)"
    if not isinstance(body, dict):
        return "value is not a JSON object"
    wrong = (
        ("entity is no name", isinstance(body.get("entity", ""), str)),
        ("id is not a key of 1 to 100 bytes", isinstance(body.get("id", ""), str)),
        ("changed is not a list", isinstance(body.get("changed", []), list)),
    )
    return next((problem for problem, is_good in wrong if not is_good), _LACKS)


def _domain(told: bytes, entity: str, action: str) -> str:
    """The first word of a type that agrees with the value."""
    domain = _known_domain(told, entity, action) if _TYPE.match(told) else None
    if domain is None:
        raise InvalidEvent("ce_type differs from entity and action in the value")
    return domain


@lru_cache(maxsize=256)
def _known_domain(told: bytes, entity: str, action: str) -> str | None:
    domain = told.decode("ascii").partition(".")[0]
    return domain if told == event_type(entity, action, domain).encode() else None


def _changed(names: tuple[Any, ...], size: int) -> tuple[str, ...]:
    """The same forms change the same attributes, so most are known already."""
    with suppress(TypeError):  # no names, and nothing that could be looked up
        return _known_names(names) if size <= _SMALL else attribute_names(names)
    return attribute_names(names)


_known_names = lru_cache(maxsize=1024)(attribute_names)


def _time(raw: bytes | None) -> datetime:
    """A year that can't be is no time either: what is reckoned with it would end in an error of Python's."""
    try:
        parsed = datetime.fromisoformat((raw or b"").decode("ascii"))
    except ValueError:
        raise InvalidEvent("ce_time is no RFC 3339 time") from None
    _require(parsed.tzinfo is not None, "ce_time has no zone")
    at = clamps.believable(parsed)
    if at is None:
        raise InvalidEvent("ce_time is no RFC 3339 time")
    return at


def dead_letter_topic(topic: str) -> str:
    """Where a record of `topic` goes that can't be handled."""
    return f"{topic}.dlq"
