"""Kommunikation as a companion of the party: the list diff in the engine's words, and the notes in a user's. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from beteiligte_sync.entities.kommunikation.diff import diff
from beteiligte_sync.entities.kommunikation.entry import (
    PREFIX,
    Entry,
    Known,
    from_base,
    known_of,
    normal_right,
    read_entries,
    read_rows,
    to_base,
    value_of,
)
from beteiligte_sync.entities.kommunikation.forecast import forecast
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.losses import losses
from beteiligte_sync.entities.kommunikation.plan import ListPlan, RowWrite, Told, Why
from beteiligte_sync.entities.kommunikation.resume import attempts, came_true, resumed
from recordsync.lists import ListParts, ListWork, Parts, RowNote, RowWork
from recordsync.mapping.rows import SEEN, ListsForecast, Remembered, as_seen
from recordsync.memory.look import RELEASED
from recordsync.quoting import shown
from recordsync.refusals import TOO_MANY, Rejection, digest, remembered
from synckit import clamps
from synckit.ports import Attempted, Payload
from synckit.reconcile.plan import Base, Side, Value

ROWS = SEEN
_SHOWN = tuple(name for kind in Kind for name in kind.names)


class KommunikationLists:
    """`emailAddressData` and `phoneNumberData` of a CBeteiligte ↔ `kommunikation` of a Beteiligter."""

    prefix = PREFIX

    def parts(self, base: Base, left: Payload, right: Payload) -> ListParts:
        agreed = tuple((n, value, base.right.get(n)) for n, value in base.left.items() if n.startswith(PREFIX))
        return ListParts(agreed, repr([(n, left[n]) for n in _SHOWN if n in left]), repr(right.get(ROWS)))

    def came_true(
        self, base: Base, attempted: Sequence[Attempted], left: Payload, right: Payload
    ) -> Sequence[Attempted]:
        known = from_base(base)
        return came_true(known, attempted, read_entries(left, known), read_rows(right, known))

    def decide(
        self, base: Base, left: Payload, right: Payload, *, confirmed: bool, kept_out: Collection[str] = ()
    ) -> ListWork:
        known = from_base(base)
        entries, rows = read_entries(left, known), read_rows(right, known)
        plan = diff(entries, rows, known, confirmed=confirmed, kept_out=_rows_of(kept_out))
        there = {row.id: row.tlf for row in rows or ()}
        patch = {name: value for kind, entries in plan.lists.items() for name, value in _sent(kind, entries, left)}
        return ListWork(
            rows=tuple(_row_work(write, there.get(write.row or "", "")) for write in plan.writes),
            incoming={
                name: _incoming(kind, known, plan) for kind in plan.lists for name in kind.names if name in patch
            },
            patch=patch,
            base=to_base(plan.known),
            attempted=attempts(known, plan),
            notes=tuple(_note(told, plan) for told in plan.told),
            held=plan.held,
            losses=tuple(losses(plan, entries, rows or ())),
        )

    def about(self, base: Base, left: Payload, right: Payload, name: str, *, counted: bool = False) -> Parts:
        row = name.removeprefix(PREFIX)
        known, entries = from_base(base).get(row), read_entries(left)
        shown = next((each for each in read_rows(right) or () if each.id == row), None)
        keys = {entry.key for each in entries.values() for entry in each}
        stands = known.key if known is not None and known.key in keys else None
        held = (shown.tlf, shown.komm_kz) if shown else None
        return row, held, stands, [len(each) for each in entries.values()] if counted else None

    def entry(self, base: Base, right: Payload, name: str) -> tuple[str, str]:
        row = name.removeprefix(PREFIX)
        known = from_base(base).get(row)
        shown = next((each for each in read_rows(right) or () if each.id == row), None)
        kind = shown.kind(known) if shown else (known.kind if known else None)
        return kind.label if kind else "Kommunikation", shown.tlf if shown else ""

    def normal(self, name: str, left: Value, right: Value) -> tuple[str, Value, Value]:
        """A POST that was announced is found by what it was for: its name is made of that, and so renewed as well."""
        if left is None:
            return name, left, normal_right(right)
        known, row = known_of(left, right), name.removeprefix(PREFIX)
        row = f"+{_entry(known)}" if row.startswith("+") else row
        base = to_base({row: known})
        return PREFIX + row, base.left[PREFIX + row], base.right[PREFIX + row]

    def with_row(self, right: Payload, row: Payload) -> Payload:
        shown = right.get(ROWS)
        others = [each for each in (shown if isinstance(shown, list) else ()) if self.row_id(each) != self.row_id(row)]
        return {**right, ROWS: [*others, row]}

    def row_id(self, row: Mapping[str, Any]) -> str:
        return clamps.identity(row.get("id")) if isinstance(row, Mapping) else ""

    def label(self, name: str) -> str:
        if name.startswith(PREFIX):
            return f"Kommunikation, Zeile {name.removeprefix(PREFIX)}"
        return next((kind.label for kind in Kind if kind.value == name), name)

    def foresee(self, state: Remembered, left: Payload, right: Payload, at: datetime | None = None) -> ListsForecast:
        """What `decide` would do now, for a person who asks."""
        known = from_base(state.base)
        entries, rows = read_entries(left, known), read_rows(right, known)
        if rows is None:
            return ListsForecast()
        known = resumed(known, came_true(known, state.attempted, entries, rows))
        kept_out = _rows_of(self._still_refused(state, left, right, at)) if at else frozenset()
        plan = diff(entries, rows, known, confirmed=RELEASED in state.notes, kept_out=kept_out)
        causes = tuple(_note(told, plan).cause for told in plan.told)
        return ListsForecast(
            forecast(entries, rows, known, plan), plan.held, len(plan.writes), bool(plan.lists), causes
        )

    def _still_refused(self, state: Remembered, left: Payload, right: Payload, at: datetime) -> set[str]:
        def about(known: Rejection) -> str:
            shown = self.about(state.base, left, right, known.name, counted=known.rule.endswith(TOO_MANY))
            return digest(*shown, key=state.key)

        rows = [each for each in remembered(state.notes, at) if each.name.startswith(PREFIX)]
        return {each.name for each in rows if each.side is Side.LEFT and each.about == about(each)}

    def as_seen(self, right: Payload) -> Base:
        seen = as_seen(right)
        return Base() if seen is None else Base(right={ROWS: seen})


def _rows_of(names: Collection[str]) -> frozenset[str]:
    return frozenset(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def _sent(kind: Kind, entries: Sequence[Entry], left: Payload) -> Iterator[tuple[str, Any]]:
    """A list as EspoCRM takes it. It looks at the primary value that it holds as well, unless a new one is sent:

    one of older days, which it would not take today, would bar every list, also one without it.
    """
    yield kind.attribute, [entry.as_item() for entry in entries]
    held = left.get(kind.value_name)
    if isinstance(held, str) and held and value_of(kind, held) != held:
        primary = next((entry for entry in reversed(entries) if entry.primary), entries[0] if entries else None)
        yield kind.value_name, primary.sent if primary else None


def _incoming(kind: Kind, before: Mapping[str, Known], plan: ListPlan) -> tuple[str, ...]:
    """Rows of which a list on the left shall show something new, or something no more."""
    rows = [*plan.known, *(row for row in before if row not in plan.known)]
    put = {write.row for write in plan.writes}
    return tuple(PREFIX + row for row in rows if row not in put and _brings(kind, before.get(row), plan.known.get(row)))


def _brings(kind: Kind, before: Known | None, after: Known | None) -> bool:
    if kind not in [each.kind for each in (before, after) if each is not None]:
        return False
    was, becomes = (before.key, before.type) if before else (None, ""), (after.key, after.type) if after else (None, "")
    return was != becomes and (was[0] is not None or becomes[0] is not None)


def _row_work(write: RowWrite, before: str) -> RowWork:
    name = PREFIX + (write.row or "")
    base = to_base({write.row or "": write.agreed})
    label, value = write.agreed.kind.label, write.agreed.tlf
    entry = _entry(write.agreed)
    return RowWork(write.body(), base.left[name], base.right[name], write.row, entry, label, value, before)


def _entry(known: Known) -> str:
    """A word for what a row stands for, without client data."""
    return _digest(known.kind.value, known.key) if known.key else ""


def _note(told: Told, plan: ListPlan) -> RowNote:
    text = _TEXTS[told.why].format(label=told.kind.label, left=shown(told.left), right=shown(told.right))
    cause = f"{told.why.value}:{told.kind.value}:{_digest(told.left, told.right, told.row)}"
    if told.why is not Why.CONFLICT:
        return RowNote(cause, text)
    name = PREFIX + told.row
    return RowNote(cause, text, name, to_base(plan.known).right[name])


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=6).hexdigest()


_TEXTS = {
    Why.CONFLICT: (
        "Abgleich mit Advoware: {label} wurde auf beiden Seiten geändert. EspoCRM: {left}, Advoware: {right}. "
        "Es gilt der Wert aus EspoCRM, er steht jetzt auf beiden Seiten. "
        "Ist der andere richtig, tragen Sie ihn bitte hier in EspoCRM ein."
    ),
    Why.KEPT: (
        "Abgleich mit Advoware: {label} wurde in EspoCRM entfernt und zugleich in Advoware auf {right} geändert. "
        "Der geänderte Wert bleibt und steht jetzt auf beiden Seiten. Soll er weg, entfernen Sie ihn bitte noch einmal."
    ),
    Why.UNUSABLE: (
        "Abgleich mit Advoware: {label} steht in Advoware auf {right}; das nimmt EspoCRM nicht an. "
        "EspoCRM behält {left}, in Advoware bleibt der Wert stehen. Sie müssen nichts tun."
    ),
    Why.VANISHED: (
        "Abgleich mit Advoware: {label} {left} fehlt jetzt in Advoware, wie die meisten Einträge dort. In EspoCRM "
        "bleibt der Eintrag. Ist er überholt, entfernen Sie ihn bitte auch hier."
    ),
}
