"""(lists of EspoCRM, rows of Advoware, base) → ListPlan, matched by identity and not by position. Pure.

The base by row id is what decides; a marker speaks where the base knows nothing of its row. So nothing is written only
to mark it: a marker comes with the writes that are made anyway. All rows of one value stand for one entry.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from beteiligte_sync.entities.kommunikation.decide import Gone, Sides, decided
from beteiligte_sync.entities.kommunikation.entry import Entry, Known, Row
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.plan import ListPlan
from beteiligte_sync.entities.kommunikation.row_match import match_of


def diff(
    left: Mapping[Kind, Sequence[Entry]],
    rows: Sequence[Row] | None,
    known: Mapping[str, Known],
    *,
    confirmed: bool = False,
    kept_out: Collection[str] = (),
) -> ListPlan:
    """A kind that EspoCRM did not show, and rows that Advoware did not show, are unknown: nobody touches them.

    `kept_out`: rows whose news EspoCRM does not take. They stay as they were agreed on, or unknown.
    """
    if rows is None:
        return ListPlan(known=dict(known))
    aside = {row: k for row, k in known.items() if row in kept_out}
    seen = [row for row in rows if row.id not in kept_out]
    sides = _sorted_out(left, seen, {row: k for row, k in known.items() if row not in aside})
    for k in aside.values():
        if k.key is not None and k.kind in sides:
            sides[k.kind].aside.append(k.key)
    parts = [decided(each) for each in sides.values()]
    for why in (part.held_because() for part in parts):
        if why and not confirmed:
            return ListPlan(known=dict(known), held=why)
    kept = {row: k for row, k in known.items() if k.kind not in left}
    for part in parts:
        kept |= part.known
    kept |= aside
    return ListPlan(
        writes=tuple(write for part in parts for write in part.writes),
        lists={part.kind: tuple(part.entries) for part in parts if part.must_write_left},
        known=kept,
        told=tuple(told for part in parts for told in part.told),
    )


def _sorted_out(
    left: Mapping[Kind, Sequence[Entry]], rows: Sequence[Row], known: Mapping[str, Known]
) -> dict[Kind, Sides]:
    """Which list each row belongs to. A row whose value turned into the other kind is gone from the first."""
    sides = {kind: Sides(kind, tuple(entries)) for kind, entries in left.items()}
    there = {row.id for row in rows}
    missing = [row for row, k in known.items() if k.key is not None and row not in there]
    lost = [row for row in missing if known[row].tlf]
    # Never that all are gone, nor most of them: an outage answers with too little, too.
    believed = len(lost) <= sum(1 for row in rows if row.tlf)
    shown = {kind: {e.key for e in entries} for kind, entries in left.items()}
    taken = {k.key for k in known.values() if k.key is not None}
    for row in rows:
        agreed = known.get(row.id)
        kind = row.kind(agreed)
        if kind in sides:
            same_kind = agreed if agreed is not None and agreed.kind is kind else None
            sides[kind].matches.append(match_of(kind, row, same_kind, taken, shown[kind]))
        if agreed is not None and agreed.kind is not kind and agreed.kind in sides and agreed.key is not None:
            sides[agreed.kind].gone.append(Gone(row.id, agreed, believed=True))
    for row_id in missing:
        agreed = known[row_id]
        if agreed.kind in sides:
            sides[agreed.kind].gone.append(Gone(row_id, agreed, believed=believed and row_id in lost))
    return sides
