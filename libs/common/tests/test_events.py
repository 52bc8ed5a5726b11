"""The envelope: true to CloudEvents' own library, back and forth without loss, and nothing hostile gets through."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.nouns import ESPOCRM
from synckit.errors import InvalidEvent
from synckit.events import MAX_CHANGED, Action, ChangeEvent, Origin, Record, attribute_names, decode, encode


def to_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000).astimezone(UTC)


ids = st.from_regex(r"\A[A-Za-z0-9-]{1,36}\Z")
names = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,30}\Z")
zones = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-11, minutes=-30))])
times = st.datetimes(
    min_value=datetime(1970, 1, 2, tzinfo=UTC).replace(tzinfo=None),
    max_value=datetime(2999, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    timezones=zones,
)
traceparents = st.none() | st.from_regex(r"\A00-[0-9a-f]{32}-[0-9a-f]{16}-01\Z")
events = st.builds(
    ChangeEvent,
    entity=ids,
    entity_id=ids,
    action=st.sampled_from(Action),
    origin=st.sampled_from(Origin),
    received_at=times,
    changed=st.lists(names, max_size=10, unique=True).map(tuple),
    id=st.from_regex(r"\A[!-~]{1,100}\Z"),
    traceparent=traceparents,
)


def again(record: Record) -> ChangeEvent:
    return decode(record.key, record.value, record.headers)


@given(events)
def test_what_is_encoded_reads_back_to_the_millisecond(event: ChangeEvent) -> None:
    read = again(encode(event))
    assert read.received_at == to_milliseconds(event.received_at)
    assert read == ChangeEvent(**{**fields_of(event), "received_at": read.received_at})


@given(events)
def test_a_header_of_older_versions_is_not_looked_at(event: ChangeEvent) -> None:
    """`ce_repeats` stands in topics for up to 14 days, and an ingress of before may still write it."""
    record = encode(event)
    older = Record(record.key, record.value, (*record.headers, ("ce_repeats", b"no time")))
    assert again(older) == again(record)


def fields_of(event: ChangeEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ChangeEvent.__slots__}


@given(events)
def test_the_official_library_reads_our_records(event: ChangeEvent) -> None:
    record = encode(event)
    official = from_binary(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat(), CloudEvent)
    assert official.get_specversion() == "1.0"
    assert official.get_id() == event.id
    noun = "entity" if event.action in (Action.LINK, Action.UNLINK) else event.entity
    assert official.get_type() == f"vmh.{noun}.{event.action}"
    assert official.get_source() == f"/{event.origin}/{event.entity}"
    assert official.get_subject() == event.entity_id
    assert official.get_time() == to_milliseconds(event.received_at)
    assert official.get_datacontenttype() == "application/json"
    assert official.get_extension("partitionkey") == event.entity_id
    assert official.get_extension("traceparent") == event.traceparent
    data = official.get_data()
    assert isinstance(data, dict)
    assert data["id"] == event.entity_id


@given(events)
def test_we_read_the_records_of_the_official_library(event: ChangeEvent) -> None:
    record = encode(event)
    official = from_binary(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat(), CloudEvent)
    message = to_binary(official, JSONFormat())
    assert isinstance(message.key, str)
    assert decode(message.key.encode(), message.value, message.headers.items()) == again(record)


def test_an_event_without_an_id_gets_a_fresh_one() -> None:
    event = ChangeEvent("beteiligte", "a1", Action.CREATE, Origin.TICKER, datetime(2026, 1, 1, tzinfo=UTC))
    first, second = again(encode(event)), again(encode(event))
    assert first.id
    assert first.id != second.id


good = encode(
    ChangeEvent("beteiligte", "a1", Action.UPDATE, ESPOCRM, datetime(2026, 1, 1, tzinfo=UTC), ("name",), "e1")
)


def with_header(name: str, value: bytes | None) -> Record:
    kept = [(one, content) for one, content in good.headers if one != name]
    return Record(good.key, good.value, (*kept, *([(name, value)] if value is not None else [])))


def with_body(**more: object) -> Record:
    body = {**json.loads(good.value), **more}
    return Record(
        good.key, json.dumps({key: value for key, value in body.items() if value is not None}).encode(), good.headers
    )


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (with_header("ce_specversion", None), "no CloudEvents"),
        (with_header("ce_specversion", b"0.3"), "no CloudEvents"),
        (with_header("ce_type", b"vmh.beteiligte.delete"), "ce_type differs"),
        (with_header("ce_type", None), "ce_type differs"),
        (with_header("ce_id", None), "ce_id"),
        (with_header("ce_id", b"Erika Mustermann"), "ce_id"),
        (with_header("ce_id", b"x" * 101), "ce_id"),
        (with_header("ce_time", None), "ce_time"),
        (with_header("ce_time", b"yesterday"), "ce_time"),
        (with_header("ce_time", b"2026-01-01T00:00:00"), "ce_time has no zone"),
        (with_header("ce_time", b"0001-01-01T00:00:00+14:00"), "ce_time"),
        (with_body(action="explode"), "action"),
        (with_body(origin=["espocrm"]), "origin"),
        (with_body(entity={}), "entity is no name"),
        (with_body(id="a2"), "key differs"),
        (with_body(id="../secret"), "id is not"),
        (with_body(id=None), "lacks"),
        (with_body(changed="name"), "changed is not a list"),
        (Record(b"other", good.value, good.headers), "key differs"),
        (Record(good.key, b"", good.headers), "not JSON"),
        (Record(good.key, b"[" * 100_000, good.headers), "not JSON"),
        (Record(good.key, b"\xff\xfe", good.headers), "not JSON"),
        (Record(good.key, b"[1]", good.headers), "not a JSON object"),
        (Record(good.key, b"9" * 10_000, good.headers), "JSON"),
    ],
)
def test_a_record_that_breaks_the_promise_is_named_for_what_it_breaks(record: Record, problem: str) -> None:
    with pytest.raises(InvalidEvent, match=problem):
        again(record)


def test_tombstones_and_records_without_a_key_are_no_events() -> None:
    with pytest.raises(InvalidEvent):
        decode(good.key, None, good.headers)
    with pytest.raises(InvalidEvent):
        decode(None, good.value, good.headers)
    with pytest.raises(InvalidEvent):
        decode(None, None, ())


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "entity": json_values | st.just("beteiligte"),
        "id": json_values | st.just("a1"),
        "action": json_values | st.just("update"),
        "origin": json_values | st.just("espocrm"),
        "changed": json_values,
    },
)
header_names = st.sampled_from([name for name, _ in good.headers]) | st.text(max_size=10)
hostile = st.builds(
    Record,
    key=st.sampled_from([b"a1", b""]) | st.binary(max_size=40),
    value=bodies.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=60),
    headers=st.lists(st.tuples(header_names, st.binary(max_size=60)), max_size=6).map(
        lambda extra: (*good.headers, *extra)
    ),
)


@given(hostile)
def test_whatever_arrives_is_an_event_of_bounded_words_or_an_invalid_one(record: Record) -> None:
    try:
        event = again(record)
    except InvalidEvent as error:
        problem = str(error)
    else:
        problem = ""
        assert again(encode(event)) == event
        assert len(event.changed) <= MAX_CHANGED
        assert event.entity_id.encode() == record.key
    assert len(problem) < 100


@given(st.text(min_size=8, max_size=60).filter(lambda text: not text.isascii()))
def test_an_invalid_event_never_quotes_what_it_found(secret: str) -> None:
    record = with_body(entity=secret, action=secret, changed=[secret])
    with pytest.raises(InvalidEvent) as caught:
        again(record)
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(st.lists(st.text(max_size=120) | st.integers() | names, max_size=300))
def test_only_attribute_names_get_into_an_event_and_only_so_many(given_names: list[object]) -> None:
    kept = attribute_names(given_names)
    assert len(kept) <= MAX_CHANGED
    assert all(name.isascii() and name.replace("_", "").isalnum() and len(name) <= 100 for name in kept)


def test_a_malformed_traceparent_is_left_behind() -> None:
    assert again(with_header("ce_traceparent", b"00-Mustermann")).traceparent is None
