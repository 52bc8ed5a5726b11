"""Laws of a link body: two records each pair, taken whole or refused whole, and nothing of it in an answer or event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit.events import ENTITY_ID
from webhook_ingress.domain.links import MAX_PAIRS, NOUNS, Linked, WrongPair, parse_links

ids = st.from_regex(r"\A[A-Za-z0-9-]{1,36}\Z")
links = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,99}\Z")
types = st.sampled_from(sorted(NOUNS))
pairs = st.fixed_dictionaries({"leftType": types, "leftId": ids, "rightType": types, "rightId": ids, "link": links})
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=12,
)
GOOD = {"leftType": "CBeteiligte", "leftId": "p1", "rightType": "CAdressen", "rightId": "a1", "link": "adressens"}


def told(body: Any) -> dict[tuple[str, str], tuple[str, ...]]:
    changes = parse_links(json.dumps(body).encode()).changes
    return {(noun, one): names for noun, records in changes.items() for one, names in records.items()}


@given(pairs)
def test_a_pair_is_its_two_records_and_the_link_belongs_to_the_left_one(pair: dict[str, str]) -> None:
    left, right = (NOUNS[pair["leftType"]], pair["leftId"]), (NOUNS[pair["rightType"]], pair["rightId"])
    assert told(pair) == {right: (), left: (pair["link"],)}
    assert told([pair]) == told(pair)


@given(st.lists(pairs, max_size=12))
def test_many_pairs_are_the_records_of_each_once_whatever_the_order(batch: list[dict[str, str]]) -> None:
    singly: dict[tuple[str, str], set[str]] = {}
    for pair in batch:
        for record, names in told(pair).items():
            singly.setdefault(record, set()).update(names)
    assert {record: set(names) for record, names in told(batch).items()} == singly
    assert told(batch[::-1]) == told(batch) == told(batch + batch)
    assert parse_links(json.dumps(batch).encode()).accepted == len(batch)


@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_bytes_are_they_are_links_or_a_refusal_that_quotes_nothing(body: bytes) -> None:
    linked, wrong = outcome(body)
    if wrong is None:
        assert all(ENTITY_ID.match(one) for records in linked.changes.values() for one in records)
    else:
        assert wrong.name in {None, *GOOD}
        assert str(wrong) == wrong.reason
        assert wrong.__context__ is None or wrong.__suppress_context__


def outcome(body: bytes) -> tuple[Linked, WrongPair | None]:
    try:
        return parse_links(body), None
    except WrongPair as wrong:
        return Linked(0, {}), wrong


@given(st.lists(pairs, min_size=1, max_size=5), st.data())
def test_one_wrong_item_refuses_all_and_is_named(batch: list[dict[str, str]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(batch) - 1))
    name = data.draw(st.sampled_from(sorted(GOOD)))
    batch[place] = {**batch[place], name: data.draw(st.sampled_from(["ä", "a b", "x" * 101, "../x", "a\n"]))}
    with pytest.raises(WrongPair) as refused:
        told(batch)
    assert (refused.value.item, refused.value.name) == (place, name)


@pytest.mark.parametrize(
    ("body", "reason", "item", "name"),
    [
        ("{", "not_json", None, None),
        ("[" * 100_000, "not_json", None, None),
        ("[5]", "not_an_object", 0, None),
        ("null", "not_an_object", 0, None),
        (json.dumps([GOOD, {**GOOD, "rightType": "CZwiebelfisch"}]), "unknown_type", 1, "rightType"),
        (json.dumps({**GOOD, "leftType": "User"}), "unknown_type", 0, "leftType"),
        (json.dumps({name: GOOD[name] for name in GOOD if name != "leftId"}), "missing", 0, "leftId"),
        (json.dumps({**GOOD, "leftId": ""}), "missing", 0, "leftId"),
        (json.dumps({**GOOD, "rightId": 7}), "missing", 0, "rightId"),
        (json.dumps({**GOOD, "rightId": "x" * 37}), "wrong_id", 0, "rightId"),
        (json.dumps({**GOOD, "leftId": "p1\u0000"}), "wrong_id", 0, "leftId"),
        (json.dumps({**GOOD, "link": "adress ens"}), "wrong_link", 0, "link"),
        (json.dumps({**GOOD, "link": "x" * 101}), "wrong_link", 0, "link"),
        (json.dumps({**GOOD, "link": None}), "missing", 0, "link"),
        (json.dumps([GOOD] * (MAX_PAIRS + 1)), "too_many", None, None),
    ],
)
def test_what_is_wrong_is_said(body: str, reason: str, item: int | None, name: str | None) -> None:
    with pytest.raises(WrongPair) as refused:
        parse_links(body.encode())
    assert (refused.value.reason, refused.value.item, refused.value.name) == (reason, item, name)


def test_an_empty_array_is_no_link_and_more_than_was_asked_is_not_carried() -> None:
    assert parse_links(b"[]").changes == {}
    assert told({**GOOD, "name": "Zwiebelfisch"}) == told(GOOD)
