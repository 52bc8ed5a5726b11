"""The wire format, byte by byte: topics hold it for 14 days, and workers of two versions read it side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.nouns import ADVOWARE, ESPOCRM
from synckit.errors import InvalidEvent
from synckit.events import Action, ChangeEvent, Origin, Record, decode, encode, key_of, name_of

AT = datetime(2026, 6, 1, 8, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
WIRE = [
    (
        ChangeEvent("beteiligte", "65f0a1b2", Action.UPDATE, ESPOCRM, AT, ("firstName", "plz"), "e1-0", TRACE),
        b'{"entity":"beteiligte","id":"65f0a1b2","action":"update","origin":"espocrm","changed":["firstName","plz"]}',
        (b"/espocrm/beteiligte", b"vmh.beteiligte.update"),
    ),
    (
        ChangeEvent("dokumente", "a-1", Action.CREATE, Origin.OPERATOR, AT, id="e1-0"),
        b'{"entity":"dokumente","id":"a-1","action":"create","origin":"operator"}',
        (b"/operator/dokumente", b"vmh.dokumente.create"),
    ),
    (
        ChangeEvent("adressen", "a1", Action.DELETE, ADVOWARE, AT, id="e1-0"),
        b'{"entity":"adressen","id":"a1","action":"delete","origin":"advoware"}',
        (b"/advoware/adressen", b"vmh.adressen.delete"),
    ),
    (
        ChangeEvent("bankverbindungen", "a1", Action.SYNC_CHECK, Origin.TICKER, AT, id="e1-0"),
        b'{"entity":"bankverbindungen","id":"a1","action":"sync_check","origin":"ticker"}',
        (b"/ticker/bankverbindungen", b"vmh.bankverbindungen.sync_check"),
    ),
    (
        ChangeEvent("beteiligte", "a1", Action.LINK, ESPOCRM, AT, ("akten",), "e1-0"),
        b'{"entity":"beteiligte","id":"a1","action":"link","origin":"espocrm","changed":["akten"]}',
        (b"/espocrm/beteiligte", b"vmh.entity.link"),
    ),
    (
        ChangeEvent("beteiligte", "a1", Action.UNLINK, Origin.REPLAY, AT, ("akten",), "e1-0"),
        b'{"entity":"beteiligte","id":"a1","action":"unlink","origin":"replay","changed":["akten"]}',
        (b"/replay/beteiligte", b"vmh.entity.unlink"),
    ),
    (
        ChangeEvent("sync", "M%C3%9C", "employee", "timer", AT, id="e1-0", domain="calendar", not_before=AT),
        b'{"entity":"sync","id":"M%C3%9C","action":"employee","origin":"timer","not_before":"2026-06-01T06:30:15.123Z"}',
        (b"/timer/sync", b"calendar.sync.employee"),
    ),
    (
        ChangeEvent("sync", "all", "all", "operator", AT, id="e1-0", domain="calendar"),
        b'{"entity":"sync","id":"all","action":"all","origin":"operator"}',
        (b"/operator/sync", b"calendar.sync.all"),
    ),
]


@pytest.mark.parametrize(("event", "value", "said"), WIRE, ids=[event.type for event, _, _ in WIRE])
def test_an_event_is_these_bytes(event: ChangeEvent, value: bytes, said: tuple[bytes, bytes]) -> None:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e1-0"),
        ("ce_source", said[0]),
        ("ce_type", said[1]),
        ("ce_subject", event.entity_id.encode()),
        ("ce_time", b"2026-06-01T06:30:15.123Z"),
        ("content-type", b"application/json"),
    ]
    if event.traceparent:
        headers.append(("ce_traceparent", TRACE.encode()))
    assert encode(event) == Record(event.entity_id.encode(), value, tuple(headers))


@pytest.mark.parametrize(("event", "value", "said"), WIRE, ids=[event.type for event, _, _ in WIRE])
def test_an_event_is_read_with_its_words(event: ChangeEvent, value: bytes, said: tuple[bytes, bytes]) -> None:
    record = encode(event)
    read = decode(record.key, record.value, record.headers)
    assert (read.type.encode(), read.action, read.origin) == (said[1], event.action, event.origin)
    assert (read.domain, read.entity_id, read.changed) == (event.domain, event.entity_id, event.changed)


def with_value(**more: str) -> Record:
    made = encode(ChangeEvent("sync", "AB", "employee", "timer", AT, id="e1", domain="calendar"))
    fields = {"entity": "sync", "id": "AB", "action": "employee", "origin": "timer", **more}
    value = (
        "{"
        + ",".join(
            f'"{name}":{content if name == "not_before" else chr(34) + content + chr(34)}'
            for name, content in fields.items()
        )
        + "}"
    )
    return Record(made.key, value.encode(), made.headers)


@pytest.mark.parametrize("word", ["", "Employee", "an employee", "1st", "ü", "x" * 41, "a.b", "a-b"])
def test_a_word_is_small_letters_and_underscores(word: str) -> None:
    for record in (with_value(action=word), with_value(origin=word)):
        with pytest.raises(InvalidEvent, match="action or origin"):
            decode(record.key, record.value, record.headers)


@pytest.mark.parametrize(
    "told", ['"soon"', "17", "null", '"9999-12-31T23:59:59Z"', "[]", '{"a":1}', '"' + "9" * 500 + '"']
)
def test_a_due_time_that_is_none_is_left_out(told: str) -> None:
    """Looked at at once: too early costs a look, never would cost the event."""
    record = with_value(not_before=told)
    assert decode(record.key, record.value, record.headers).not_before is None


names = st.text(min_size=1, max_size=10).filter(lambda name: not any("\ud800" <= each <= "\udfff" for each in name))


@given(names)
def test_a_name_comes_back_from_its_key(name: str) -> None:
    key = key_of(name)
    assert key.isascii()
    assert name_of(key) == name
    event = ChangeEvent("sync", key, "employee", "timer", AT, id="e1", domain="calendar")
    record = encode(event)
    assert record.key == key.encode()
    assert decode(record.key, record.value, record.headers).entity_id == key


def test_an_umlaut_is_percent_encoded() -> None:
    assert (key_of("MÜ"), name_of("M%C3%9C"), key_of("AB"), key_of("all")) == ("M%C3%9C", "MÜ", "AB", "all")


@pytest.mark.parametrize("key", ["%c3%9c", "%41", "%", "%FF", "MÜ", "", "a/b", "a b", "x" * 101])
def test_a_key_that_nothing_has_is_refused(key: str) -> None:
    with pytest.raises(InvalidEvent):
        name_of(key)


@pytest.mark.parametrize("name", ["", "x" * 101, "ü" * 51])
def test_a_name_without_a_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        key_of(name)


def test_a_type_of_another_noun_is_refused() -> None:
    event = encode(ChangeEvent("sync", "AB", "employee", "timer", datetime(2026, 1, 1, tzinfo=UTC), domain="calendar"))
    for told in (
        b"calendar.sync.all",
        b"calendar.entity.employee",
        b"sync.employee",
        b"..",
        b"calendar.sync.employee.x",
    ):
        headers = [(name, told if name == "ce_type" else value) for name, value in event.headers]
        with pytest.raises(InvalidEvent, match="ce_type differs"):
            decode(event.key, event.value, headers)
