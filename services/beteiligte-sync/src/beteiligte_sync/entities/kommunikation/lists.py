"""Kommunikation as a companion of the party: the list diff in the engine's words, and the notes in a user's. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from beteiligte_sync.entities.kommunikation.diff import diff
from beteiligte_sync.entities.kommunikation.entry import PREFIX, from_base, read_entries, read_rows, to_base
from beteiligte_sync.entities.kommunikation.kinds import Kind
from beteiligte_sync.entities.kommunikation.outlook import outlook
from beteiligte_sync.entities.kommunikation.plan import ListPlan, RowWrite, Told, Why
from beteiligte_sync.entities.kommunikation.resume import attempts, came_true, resumed
from synckit.engine.companion import ListWork, RowNote, RowWork
from synckit.engine.notes import RELEASED
from synckit.mapping.rows import SEEN, Outlook, Remembered, as_seen
from synckit.ports import Attempted, Payload
from synckit.reconcile.plan import Base

ROWS = SEEN


class KommunikationLists:
    """`emailAddressData` and `phoneNumberData` of a CBeteiligte ↔ `kommunikation` of a Beteiligter."""

    prefix = PREFIX

    def came_true(
        self, base: Base, attempted: Sequence[Attempted], left: Payload, right: Payload
    ) -> Sequence[Attempted]:
        return came_true(from_base(base), attempted, read_entries(left), read_rows(right))

    def decide(self, base: Base, left: Payload, right: Payload, *, confirmed: bool) -> ListWork:
        known = from_base(base)
        plan = diff(read_entries(left), read_rows(right), known, confirmed=confirmed)
        return ListWork(
            rows=tuple(_row_work(write) for write in plan.writes),
            patch={kind.attribute: [e.as_item() for e in entries] for kind, entries in plan.lists.items()},
            base=to_base(plan.known),
            attempted=attempts(known, plan),
            notes=tuple(_note(told, plan) for told in plan.told),
            held=plan.held,
        )

    def left_is_as_agreed(self, base: Base, left: Payload) -> bool:
        shown = {(e.kind, e.key, e.type) for entries in read_entries(left).values() for e in entries}
        return shown == {(k.kind, k.key, k.type) for k in from_base(base).values() if k.key is not None}

    def with_row(self, right: Payload, row: Payload) -> Payload:
        others = [each for each in right.get(ROWS) or () if self.row_id(each) != self.row_id(row)]
        return {**right, ROWS: [*others, row]}

    def row_id(self, row: Mapping[str, Any]) -> str:
        return str(row["id"])

    def label(self, name: str) -> str:
        if name.startswith(PREFIX):
            return f"Kommunikation, Zeile {name.removeprefix(PREFIX)}"
        return next((kind.label for kind in Kind if kind.value == name), name)

    def foresee(self, state: Remembered, left: Payload, right: Payload) -> Outlook:
        """What `decide` would do now, for a person who asks."""
        entries, rows = read_entries(left), read_rows(right)
        if rows is None:
            return Outlook()
        known = from_base(state.base)
        known = resumed(known, came_true(known, state.attempted, entries, rows))
        plan = diff(entries, rows, known, confirmed=RELEASED in state.notes)
        causes = tuple(_note(told, plan).cause for told in plan.told)
        return Outlook(outlook(entries, rows, known, plan), plan.held, len(plan.writes), bool(plan.lists), causes)

    def as_seen(self, right: Payload) -> Base:
        seen = as_seen(right)
        return Base() if seen is None else Base(right={ROWS: seen})


def _row_work(write: RowWrite) -> RowWork:
    name = PREFIX + (write.row or "")
    base = to_base({write.row or "": write.agreed})
    entry = _digest(write.agreed.kind.value, write.agreed.key) if write.agreed.key else ""
    return RowWork(write.body(), base.left[name], base.right[name], write.row, entry)


def _note(told: Told, plan: ListPlan) -> RowNote:
    text = _TEXTS[told.why].format(label=told.kind.label, left=_shown(told.left), right=_shown(told.right))
    cause = f"{told.why.value}:{told.kind.value}:{_digest(told.left, told.right, told.row)}"
    if told.why is not Why.CONFLICT:
        return RowNote(cause, text)
    name = PREFIX + told.row
    return RowNote(cause, text, name, to_base(plan.known).right[name])


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=6).hexdigest()


def _shown(value: str) -> str:
    return f"„{value}“" if value else "(leer)"


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
