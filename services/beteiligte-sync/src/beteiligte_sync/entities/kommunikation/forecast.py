"""What a look would do about a party's communication, entry by entry, in the words of the office. Pure.

Decided by the same `diff` as a look; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from beteiligte_sync.entities.kommunikation.diff import diff
from beteiligte_sync.entities.kommunikation.entry import PREFIX, Entry, Known, Row, identity
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.plan import ListPlan, RowWrite, Told, Why
from recordsync.mapping.rows import RowForecast
from synckit.reconcile.plan import Side

_TOLD = {
    Why.CONFLICT: ("conflict", "auf beiden Seiten geändert; EspoCRM gilt"),
    Why.KEPT: ("kept", "in EspoCRM entfernt, in Advoware geändert; die Änderung bleibt"),
    Why.UNUSABLE: ("unusable", "nichts, was EspoCRM halten kann; bleibt in Advoware"),
    Why.VANISHED: ("vanished", "in Advoware nicht mehr zu sehen; bleibt in EspoCRM"),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """Both sides, what was agreed, and the plan for them."""

    left: Mapping[Kind, Sequence[Entry]]
    rows: Sequence[Row]
    known: Mapping[str, Known]
    plan: ListPlan

    def value(self, kind: Kind, *keys: str | None) -> str | None:
        """The entry in EspoCRM under the first of these keys that is there."""
        shown = {e.key: e.value for e in self.left.get(kind, ())}
        return next((shown[key] for key in keys if key in shown), None)


def forecast(
    left: Mapping[Kind, Sequence[Entry]], rows: Sequence[Row], known: Mapping[str, Known], plan: ListPlan
) -> tuple[RowForecast, ...]:
    """Rows that are Advoware's own (Internet, beA) are left out. Of a plan that is held: what it would be else."""
    would = diff(left, rows, known, confirmed=True) if plan.held else plan
    sight = Sight(left, rows, known, would)
    told = {each.row: each for each in would.told}
    writes = {write.row: write for write in would.writes if write.row}
    there = {row.id for row in rows}
    found = [_row(sight, row, writes.get(row.id), told.get(row.id)) for row in rows if row.id in would.known]
    found += [_gone(sight, row, told.get(row)) for row, k in known.items() if row not in there and k.key]
    found += [_new(write) for write in would.writes if write.row is None]
    return tuple(_held(each) if each.write else each for each in found) if plan.held else tuple(found)


def _row(sight: Sight, row: Row, write: RowWrite | None, told: Told | None) -> RowForecast:
    before, after = sight.known.get(row.id), sight.plan.known[row.id]
    was = before.key if before else None
    rule, words, side = _said(sight, row, write)
    if told is not None:
        rule, words = _TOLD[told.why]
    value = sight.value(after.kind, after.key, was)
    becomes = after.tlf if side is Side.RIGHT else _entry_after(sight, after)
    return RowForecast(
        name=PREFIX + row.id,
        label=after.kind.label,
        left=value,
        right=row.tlf or None,
        words=words,
        rule=rule,
        base_left=was if value is None or was != identity(after.kind, value) else value,
        base_right=(before.tlf or None) if before else None,
        has_base=before is not None,
        write=side,
        after=(becomes or None) if side else None,
    )


def _said(sight: Sight, row: Row, write: RowWrite | None) -> tuple[str, str, Side | None]:
    """Rule, words, and the side that is written."""
    before, after = sight.known.get(row.id), sight.plan.known[row.id]
    was = before.key if before else None
    if write is not None:
        if not write.agreed.tlf:
            return "left_changed", "in EspoCRM entfernt; die Zeile wird zum freien Platz", Side.RIGHT
        said = "in EspoCRM geändert; geht nach Advoware" if was else "neu in EspoCRM; kommt auf einen freien Platz"
        return "left_changed", said, Side.RIGHT
    if after.key is None:
        if row.tlf:
            return "unusable", _TOLD[Why.UNUSABLE][1], None
        emptied = was is not None and sight.value(after.kind, was) is not None
        if emptied and was not in _keys_after(sight, after.kind):
            return "right_changed", "in Advoware geleert; fällt in EspoCRM weg", Side.LEFT
        return "slot", "freier Platz", None
    if sight.value(after.kind, after.key) is None:
        said = "in Advoware geändert" if was else "neu in Advoware"
        return "right_changed", f"{said}; geht nach EspoCRM", Side.LEFT
    if was == after.key:
        return "unchanged", "unverändert", None
    return "agreed", "beide stimmen überein", None


def _gone(sight: Sight, row: str, told: Told | None) -> RowForecast:
    known = sight.known[row]
    value = sight.value(known.kind, known.key)
    rule, words = _TOLD[Why.VANISHED] if told else ("gone", "auf beiden Seiten entfernt")
    drops = value is not None and known.key not in _keys_after(sight, known.kind)
    if drops:
        rule, words = "right_changed", "in Advoware gelöscht; fällt in EspoCRM weg"
    elif value is not None and not told:
        rule, words = "agreed", "steht in einer anderen Zeile"
    side = Side.LEFT if drops else None
    base_right = known.tlf or None
    return RowForecast(PREFIX + row, known.kind.label, value, None, words, rule, value, base_right, True, side)


def _new(write: RowWrite) -> RowForecast:
    value, words = write.agreed.tlf, "neu in EspoCRM; kommt in eine neue Zeile"
    name = f"{PREFIX}+{write.agreed.key}"
    return RowForecast(name, write.agreed.kind.label, value, None, words, "left_changed", write=Side.RIGHT, after=value)


def _held(row: RowForecast) -> RowForecast:
    return replace(row, words=f"{row.words} (angehalten)", write=None, after=None, is_held=True)


def _entries_after(sight: Sight, kind: Kind) -> Iterable[Entry]:
    return sight.plan.lists.get(kind, sight.left.get(kind, ()))


def _keys_after(sight: Sight, kind: Kind) -> set[str]:
    return {e.key for e in _entries_after(sight, kind)}


def _entry_after(sight: Sight, after: Known) -> str | None:
    return next((e.value for e in _entries_after(sight, after.kind) if e.key == after.key), None)
