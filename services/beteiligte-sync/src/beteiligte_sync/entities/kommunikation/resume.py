"""What a look is about to write, and after a crash: what of it came true. Pure.

Without this our own half-done write would look like a person's edit, and win against a real one. A POST has no row
id yet: its marker, or its value, tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beteiligte_sync.entities.kommunikation.entry import PREFIX, Entry, Known, Row, known_of, to_base
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.plan import ListPlan
from synckit.ports import Attempted
from synckit.reconcile.plan import Side


def attempts(before: Mapping[str, Known], plan: ListPlan) -> tuple[Attempted, ...]:
    """Of each row that a write is about: the side that is written, and what is agreed once that is done."""
    put = {write.row for write in plan.writes}
    changed = {
        row: k
        for row, k in plan.known.items()
        if before.get(row) != k and (row in put or (k.kind in plan.lists and k.key != _key(before.get(row))))
    }
    base = to_base(changed)
    return tuple(
        Attempted(
            PREFIX + row,
            (Side.RIGHT if row in put else Side.LEFT).value,
            base.left[PREFIX + row],
            base.right[PREFIX + row],
        )
        for row in changed
    )


def came_true(
    known: Mapping[str, Known],
    attempted: Sequence[Attempted],
    left: Mapping[Kind, Sequence[Entry]],
    rows: Sequence[Row] | None,
) -> tuple[Attempted, ...]:
    """Those that a side shows now."""
    values = {row.id: row.tlf for row in rows or ()}
    keys = {kind: {e.key for e in entries} for kind, entries in left.items()}
    found: list[Attempted] = []
    for each in attempted:
        if not each.field.startswith(PREFIX):
            continue
        row, agreed = each.field.removeprefix(PREFIX), known_of(each.left, each.right)
        # On either side a row that holds something else by now tells of no write: who says that the entry is ours, and
        # no person's who typed the same? In doubt it stays.
        done = values.get(row) == agreed.tlf
        if each.side == Side.LEFT.value:
            done = done and agreed.kind in keys and _is_on_the_left(keys[agreed.kind], agreed, known.get(row))
        if done:
            found.append(each)
    return tuple(found)


def resumed(known: Mapping[str, Known], done: Sequence[Attempted]) -> dict[str, Known]:
    """What is agreed by now."""
    return {**known, **{each.field.removeprefix(PREFIX): known_of(each.left, each.right) for each in done}}


def _is_on_the_left(keys: set[str], agreed: Known, before: Known | None) -> bool:
    was = _key(before)
    return (agreed.key is None or agreed.key in keys) and (was in (None, agreed.key) or was not in keys)


def _key(known: Known | None) -> str | None:
    return known.key if known else None
