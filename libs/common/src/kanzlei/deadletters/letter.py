"""One dead letter, read from its record: what it was, why it died, how often it was sent again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from synckit.clamps import moment
from synckit.errors import InvalidEvent
from synckit.events import ENTITY_ID, ChangeEvent, Record, decode
from synckit.kafka.scan import Found, Place
from synckit.worker.dead_letters import MARKS

REDRIVES = "redrives"
"""A header that stays with a record that is sent again, and so with the letter that it may become: how often it was."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`place` is in the topic of dead letters, `source` where the record came from; `event` is None where it is none.

    `original` is the record as it was, without the marks of its burial.
    """

    place: Place
    at: datetime
    source: Place
    key: str
    reason: str
    message: str
    service: str
    size: int
    redrives: int
    event: ChangeEvent | None
    original: Record

    @property
    def name(self) -> str:
        """As commands take it: `vmh.beteiligte.dlq/0/17`."""
        return f"{self.place.topic}/{self.place.partition}/{self.place.offset}"


def letter(found: Found) -> Letter:
    """Never raises: whatever stands in such a topic is listed."""
    record = found.record
    told = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    original = Record(record.key, record.value, tuple(one for one in record.headers if not one[0].startswith(MARKS)))
    key = record.key.decode("ascii", "replace")
    return Letter(
        place=found.place,
        at=moment(told.get("dlq_at")) or found.at,
        source=Place(
            told.get("dlq_topic") or found.place.topic.removesuffix(".dlq"),
            _number(told.get("dlq_partition")),
            _number(told.get("dlq_offset")),
        ),
        # A key that is no id may hold anything; it is shown to nobody.
        key=key if ENTITY_ID.match(key) or _is_percent_encoded(key) else "",
        reason=told.get("dlq_reason", "?"),
        message=told.get("dlq_message", ""),
        service=told.get("dlq_service", ""),
        size=_number(told.get("dlq_size")),
        redrives=_number(told.get(REDRIVES)),
        event=_event(original),
        original=original,
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant; what is empty or None asks for nothing. Ages count back from `now`."""

    topic: str = ""
    reason: str = ""
    key: str = ""
    older_than: timedelta | None = None
    younger_than: timedelta | None = None
    names: frozenset[str] = frozenset()

    def has(self, one: Letter, now: datetime) -> bool:
        age = now - one.at
        return (
            (not self.topic or self.topic in (one.place.topic, one.source.topic))
            and (not self.reason or self.reason == one.reason)
            and (not self.key or self.key == one.key)
            and (self.older_than is None or age > self.older_than)
            and (self.younger_than is None or age < self.younger_than)
            and (not self.names or one.name in self.names)
        )


def _event(record: Record) -> ChangeEvent | None:
    try:
        return decode(record.key, record.value, record.headers)
    except InvalidEvent:
        return None


def _is_percent_encoded(key: str) -> bool:
    return bool(key) and len(key) <= 100 and all(one.isascii() and (one.isalnum() or one in "-._~%") for one in key)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
