"""What a plan for the lists takes away, on either side and of each kind: counted by the brake for sweeps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from beteiligte_sync.entities.kommunikation.entry import Entry, Row
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.plan import ListPlan
from recordsync.lists import ListLoss, loss_between
from synckit.reconcile.plan import Side


def losses(plan: ListPlan, entries: Mapping[Kind, Sequence[Entry]], rows: Sequence[Row]) -> Iterator[ListLoss]:
    """Advoware takes from EspoCRM's lists, EspoCRM from Advoware's rows: one loss a side and kind at the most."""
    for kind in Kind:
        shown = [entry.key for entry in entries.get(kind, ())]
        after = [entry.key for entry in plan.lists[kind]] if kind in plan.lists else shown
        yield from _one(Side.RIGHT, shown, after)
        yield from _one(Side.LEFT, *_rows(plan, kind, rows))


def _rows(plan: ListPlan, kind: Kind, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The values of a kind's rows: as they are, and as they are once the plan's writes are done."""
    becomes = {write.row: write.agreed.tlf for write in plan.writes if write.row is not None}
    of_kind = [row for row in rows if row.id in plan.known and plan.known[row.id].kind is kind and row.tlf]
    new = [write.agreed.tlf for write in plan.writes if write.agreed.kind is kind and write.row not in _ids(of_kind)]
    after = [value for row in of_kind if (value := becomes.get(row.id, row.tlf))]
    return [row.tlf for row in of_kind], [*after, *new]


def _ids(rows: Sequence[Row]) -> set[str | None]:
    return {row.id for row in rows}


def _one(source: Side, before: Sequence[str], after: Sequence[str]) -> Iterator[ListLoss]:
    found = loss_between(source, before, after)
    if found is not None:
        yield found
