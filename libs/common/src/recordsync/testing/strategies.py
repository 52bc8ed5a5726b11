"""Hypothesis strategies made from an entity's own table: what its two sides can hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import strategies as st

from recordsync.mapping.codecs import DAY, FLAG
from recordsync.mapping.field import Attribute, EntityMapping, Field
from synckit.reconcile.plan import Side, Value

WORDS = ("a", "A", "ä", "a\u0308", "Groß", "Ö'Neill", "von  X", "0", "-", "Ђ", "n&m", "名", "\N{GRINNING FACE}")
"""Few words, so that equal values come up often: umlauts composed and combined, blanks, other scripts, four bytes."""


def records(mapping: EntityMapping, side: Side, *, filled: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Value]]:
    """Canonical records of one side as it can hold them. `filled` fields are never absent."""
    return st.fixed_dictionaries({f.name: values(f, side, filled=f.name in filled) for f in mapping.fields}).map(
        lambda record: _in_kind(mapping, side, record)
    )


def values(field: Field, side: Side, *, filled: bool = False) -> st.SearchStrategy[Value]:
    """Canonical values of one field."""
    something: st.SearchStrategy[Any]
    if field.codec is DAY:
        something = st.dates(date(1800, 1, 1), date(1800, 1, 4))
    elif field.codec is FLAG:
        something = st.just(True)
    elif field.codec.options:
        known = field.codec.right_options if side is Side.RIGHT else frozenset()
        options = st.sampled_from(sorted(known or field.codec.options)[:12])
        something = options if side is Side.LEFT else options | st.sampled_from(["PartG mbB", "Eheleute", "LLP"])
    else:
        # As the side itself would read it: some codecs know only capitals, or no blanks.
        something = st.sampled_from(WORDS).map(_canonical(field, side))
    return something if filled else st.none() | something


def _canonical(field: Field, side: Side) -> Callable[[str], Value]:
    read = field.codec.read_left if side is Side.LEFT else field.codec.read_right
    return lambda word: read(field.print(side, word))


def payload(mapping: EntityMapping, side: Side, record: dict[str, Value]) -> dict[str, Any]:
    """The payload that a side shows for a canonical record, with every attribute of every kind present."""
    shown: dict[str, Any] = dict.fromkeys(attributes(mapping, side))
    shown.update(mapping.patch(side, {}, record))
    return shown


def attributes(mapping: EntityMapping, side: Side) -> list[str]:
    """All attribute names of the mapped fields on one side."""
    names: dict[str, None] = {}
    for field in mapping.fields:
        place = field.left if side is Side.LEFT else field.right
        places = [place] if isinstance(place, Attribute) else list(place.kinds.values())
        names.update(dict.fromkeys(p.name for p in places))
    return list(names)


def _in_kind(mapping: EntityMapping, side: Side, record: dict[str, Value]) -> dict[str, Value]:
    """As the side itself would show it: no field of another kind, and on the left what an empty one stands for."""
    kind = mapping.kind_of(record)
    shown = {f.name: record[f.name] if f.attribute(side, kind) else None for f in mapping.fields}
    for f in mapping.fields:
        if side is Side.LEFT and f.fallback is not None and shown[f.name] is None:
            shown[f.name] = f.fallback(shown)
    return shown
