"""Laws of the payload: every good item becomes part of an event, no value is carried, nothing is raised."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.nouns import ESPOCRM
from synckit.events import Action, ChangeEvent, decode, encode
from synckit.service import tracing
from webhook_ingress.domain import payload
from webhook_ingress.domain.dead_letter import dead_letter
from webhook_ingress.domain.envelope import Envelope
from webhook_ingress.domain.payload import parse

IDS = st.from_regex(r"[A-Za-z0-9-]{1,36}", fullmatch=True)
ACTIONS = st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,20}", fullmatch=True)
ITEMS = st.builds(lambda one, rest: {**rest, "id": one}, IDS, st.dictionaries(NAMES, VALUES, max_size=5))
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@given(ACTIONS, st.lists(ITEMS, min_size=1, max_size=8))
def test_a_batch_becomes_one_change_a_record_with_all_names_of_an_update(
    action: Action, items: list[dict[str, Any]]
) -> None:
    parsed = parse(action, json.dumps(items).encode())
    assert parsed.accepted == len(items)
    assert not parsed.bad
    assert list(parsed.changes) == list(dict.fromkeys(item["id"] for item in items))
    for record_id, names in parsed.changes.items():
        expected = {name for item in items if item["id"] == record_id for name in item} - {"id"}
        assert names == (tuple(sorted(expected)) if action is Action.UPDATE else ())


@given(ACTIONS, ITEMS, st.booleans())
def test_one_object_alone_is_a_batch_of_one(action: Action, item: dict[str, Any], escaped: bool) -> None:
    alone = json.dumps(item, ensure_ascii=escaped).encode("utf-8", "replace")
    assert parse(action, alone) == parse(action, b"[" + alone + b"]")


@given(ACTIONS, st.lists(ITEMS, max_size=4), st.lists(VALUES, min_size=1, max_size=4), st.randoms())
def test_good_items_are_kept_whatever_stands_beside_them(
    action: Action, good: list[dict[str, Any]], bad: list[Any], order: Any
) -> None:
    bad = [one for one in bad if not isinstance(one, dict)] or [7]
    mixed = [*good, *bad]
    order.shuffle(mixed)
    parsed = parse(action, json.dumps(mixed).encode())
    assert parsed.accepted == len(good)
    assert set(parsed.changes) == {item["id"] for item in good}
    assert parsed.bad == {payload.NOT_AN_OBJECT: len(bad)}


@given(ACTIONS, st.lists(ITEMS, min_size=1, max_size=4))
def test_the_quick_and_the_forgiving_way_say_the_same(action: Action, items: list[dict[str, Any]]) -> None:
    body = json.dumps(items).encode()
    assert parse(action, body) == payload._item_by_item(action, body)


@given(ACTIONS, st.binary(max_size=200))
def test_nothing_is_raised_for_any_bytes(action: Action, body: bytes) -> None:
    parsed = parse(action, body)
    assert parsed.accepted >= len(parsed.changes)


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.DELETE])
@pytest.mark.parametrize(
    ("body", "ids", "bad"),
    [
        (b"", [], {"not_json": 1}),
        (b"null", [], {"not_an_object": 1}),
        (b"[]", [], {}),
        (b"[{}]", [], {"no_id": 1}),
        (b'[{"id":null}]', [], {"no_id": 1}),
        (b'[{"id":5}]', [], {"wrong_id": 1}),
        (b'[{"id":""}]', [], {"wrong_id": 1}),
        (b'[{"id":"a b"}]', [], {"wrong_id": 1}),
        (b'[{"id":"a\\n"}]', [], {"wrong_id": 1}),
        (b'[{"id":"\xc3\xa4"}]', [], {"wrong_id": 1}),
        (b'[{"id":"' + b"a" * 37 + b'"}]', [], {"wrong_id": 1}),
        (b'[{"id":"a"},{"id":"../b"}]', ["a"], {"wrong_id": 1}),
        (b'[{"id":"a"},[],3,{"x":1}]', ["a"], {"no_id": 1, "not_an_object": 2}),
        (b'[{"id":"a"},', [], {"not_json": 1}),
        (b'[{"id":"a","x":NaN}]', [], {"not_json": 1}),
        (b'[{"id":"a","x":"\xff"}]', [], {"not_json": 1}),
        (b'\xef\xbb\xbf[{"id":"a"}]', [], {"not_json": 1}),
        ('[{"id":"a"}]'.encode("utf-16"), [], {"not_json": 1}),
        (b'[{"id":"a","x":"\\ud800"}]', ["a"], {}),
        (b'[{"id":"a","x":' + b"9" * 50_000 + b"}]", ["a"], {}),
        (b'[{"id":5,"x":' + b"9" * 50_000 + b"}]", [], {"wrong_id": 1}),
        (b'[{"id":"a","x":1e999999}]', ["a"], {}),
        (b'[{"id":"a","id":"b"}]', ["b"], {}),
        (b'[{"id":"a"},{"id":"b","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", [], {"not_json": 1}),
        (b"[" * 100_000, [], {"not_json": 1}),
        (b'{"x":' * 100_000, [], {"not_json": 1}),
    ],
)
def test_a_body_that_is_not_what_espocrm_sends(
    action: Action, body: bytes, ids: list[str], bad: dict[str, int]
) -> None:
    parsed = parse(action, body)
    assert list(parsed.changes) == ids
    assert parsed.bad == bad


def test_a_key_that_is_no_attribute_name_is_not_carried() -> None:
    body = json.dumps([{"id": "a", "lastName": 1, "Erika Muster": 2, 'x"y': 3, "": 4, "modifiedAt": None}]).encode()
    assert parse(Action.UPDATE, body).changes == {"a": ("lastName", "modifiedAt")}


def test_all_that_a_real_espocrm_sent_is_understood(vectors: list[dict[str, Any]]) -> None:
    for one in vectors:
        body = b64decode(one["body_base64"])
        for action in (Action.CREATE, Action.UPDATE, Action.DELETE):
            parsed = parse(action, body)
            assert set(parsed.changes) == {item["id"] for item in json.loads(body)}
            assert not parsed.bad


@given(
    st.sampled_from(["beteiligte", "dokumente"]),
    ACTIONS | st.sampled_from([Action.LINK, Action.UNLINK]),
    st.dictionaries(IDS, st.lists(NAMES, max_size=4, unique=True).map(tuple), min_size=1, max_size=4),
    st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_the_quick_envelope_is_the_one_of_the_library(
    entity: str, action: Action, changes: dict[str, tuple[str, ...]], received_at: datetime
) -> None:
    traceparent = str(tracing.new())
    made = Envelope(entity, action).records(changes, batch_id="b", traceparent=traceparent, received_at=received_at)
    for place, (entity_id, names) in enumerate(changes.items()):
        event = ChangeEvent(
            entity=entity,
            entity_id=entity_id,
            action=action,
            origin=ESPOCRM,
            received_at=received_at,
            changed=names,
            id=f"b-{place}",
            traceparent=traceparent,
        )
        assert made[place] == encode(event)
        decoded = decode(made[place].key, made[place].value, made[place].headers)
        assert (decoded.entity_id, decoded.changed, decoded.type) == (entity_id, names, event.type)


def test_a_dead_letter_says_why_and_how_large_but_not_what() -> None:
    body = b'[{"lastName":"Zwiebelfisch"}]'
    letter = dead_letter("beteiligte", Action.UPDATE, "wh1", body, {"no_id": 1}, NOON)
    told = json.loads(letter.value)
    assert told["reason"] == "no_id"
    assert told["size"] == len(body)
    assert len(told["sha256"]) == 64
    assert letter.key == b"wh1"
    assert b"Zwiebelfisch" not in letter.value + repr(letter.headers).encode()
