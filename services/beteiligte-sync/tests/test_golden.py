"""A pair of payloads an entity, written by hand: what one side shows for what the other shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from beteiligte_sync.entities.registry import REGISTRY
from recordsync.mapping.field import EntityMapping
from synckit.reconcile.plan import Base, Side
from synckit.reconcile.three_way import Seen, reconcile

GOLDEN = Path(__file__).parent / "golden"
ENTITIES = [pytest.param(m, id=m.entity) for m in REGISTRY]


def pair(mapping: EntityMapping) -> tuple[dict[str, Any], dict[str, Any]]:
    told = json.loads((GOLDEN / f"{mapping.entity}.json").read_text())
    return told["left"], told["right"]


@pytest.mark.parametrize("mapping", ENTITIES)
def test_the_two_agree_without_having_met(mapping: EntityMapping) -> None:
    left, right = pair(mapping)
    seen = Seen(mapping.read(Side.LEFT, left)), Seen(mapping.read(Side.RIGHT, right))
    assert reconcile(Base(), *seen, mapping.policies).is_empty
    assert all(seen[0].values[f.name] is not None or seen[1].values[f.name] is None for f in mapping.fields)


@pytest.mark.parametrize("mapping", ENTITIES)
def test_a_post_of_the_left_is_the_right(mapping: EntityMapping) -> None:
    left, right = pair(mapping)
    body = mapping.for_create(mapping.read(Side.LEFT, left))
    assert {name: value or None for name, value in body.items() if name in right} == {
        name: value or None for name, value in right.items() if name in body
    }


@pytest.mark.parametrize("mapping", ENTITIES)
def test_what_comes_from_a_desk_is_the_left(mapping: EntityMapping) -> None:
    left, right = pair(mapping)
    body = mapping.for_left(mapping.read(Side.RIGHT, right))
    assert {n: v or None for n, v in body.items() if n in left} == {n: v or None for n, v in left.items() if n in body}
