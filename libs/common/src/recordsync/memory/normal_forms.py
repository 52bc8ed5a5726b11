"""What we remember, in today's normal forms: an upgrade that reads values in another way is nobody's edit. Pure.

Called wherever a record's memory is read to be compared: the base, what was about to be written, and by which values
a note that waits is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from recordsync.mapping.rows import ForeseenLists
from synckit.ports import Attempted, PendingNote, RecordState
from synckit.reconcile.plan import Base, Side, Value


class Table(Protocol):
    """The part of a mapping that is needed here."""

    @property
    def lists(self) -> ForeseenLists | None: ...
    def normal(self, side: Side, name: str, value: Value) -> Value: ...


def as_read_today(table: Table, state: RecordState) -> RecordState:
    """The state as if today's code had written it down."""
    return replace(
        state,
        base=_base(table, state.base),
        attempted=tuple(_attempted(table, each) for each in state.attempted),
        pending=tuple(_pending(table, each) for each in state.pending),
    )


def _base(table: Table, base: Base) -> Base:
    left, right = _part(table, Side.LEFT, base.left), _part(table, Side.RIGHT, base.right)
    for name in _of_lists(table, base.left):
        _, left[name], right[name] = _row(table, name, left[name], right.get(name))
    return Base(left, right)


def _part(table: Table, side: Side, values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: table.normal(side, name, value) for name, value in values.items()}


def _of_lists(table: Table, values: Mapping[str, Value]) -> list[str]:
    return [name for name in values if table.lists is not None and name.startswith(table.lists.prefix)]


def _row(table: Table, name: str, left: Value, right: Value) -> tuple[str, Value, Value]:
    if table.lists is None:
        raise AssertionError("asked of an entity with lists alone")
    return table.lists.normal(name, left, right)


def _attempted(table: Table, each: Attempted) -> Attempted:
    if _of_lists(table, {each.field: each.left}):
        name, left, right = _row(table, each.field, each.left, each.right)
        return replace(each, field=name, left=left, right=right)
    left = table.normal(Side.LEFT, each.field, each.left)
    return replace(each, left=left, right=table.normal(Side.RIGHT, each.field, each.right))


def _pending(table: Table, note: PendingNote) -> PendingNote:
    if not note.field:
        return note
    if _of_lists(table, {note.field: None}):
        return replace(note, expected=_row(table, note.field, None, note.expected)[2])
    side = Side.LEFT if note.side == Side.LEFT.value else Side.RIGHT
    expected, lost = (table.normal(side, note.field, each) for each in (note.expected, note.lost))
    return replace(note, expected=expected, lost=lost)
