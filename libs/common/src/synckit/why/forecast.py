"""What a sync would do now, decided by the same pure code as a sync, on what was read. Pure.

The order of the cases is the engine's (`engine/sync.py`); nothing here is written anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from synckit.engine import status
from synckit.engine.notes import RELEASED
from synckit.engine.refused import holding, refusing, remembered
from synckit.engine.resume import resumed
from synckit.errors import MappingError
from synckit.mapping.child import ChildOf
from synckit.mapping.derived import planned
from synckit.mapping.field import Field
from synckit.mapping.rows import ForeseenLists, Outlook, RowOutlook
from synckit.ports import Link, Payload, RecordState, Snapshot
from synckit.reconcile.plan import Base, Canonical, Decision, Notice, NoticeKind, Plan, Side, Value
from synckit.reconcile.policy import FieldPolicy
from synckit.reconcile.three_way import Seen
from synckit.why.braked import Shown, held_by_sweep, not_believed
from synckit.why.findings import Findings
from synckit.why.planned import Planned
from synckit.why.words import SIDES, clean, count, rule_words, shown, target_of


class Table(Protocol):
    """The part of a mapping that is needed here."""

    @property
    def entity(self) -> str: ...
    @property
    def left_type(self) -> str: ...
    @property
    def child_of(self) -> ChildOf | None: ...
    @property
    def policies(self) -> Sequence[FieldPolicy]: ...
    @property
    def lists(self) -> ForeseenLists | None: ...
    def read(self, side: Side, payload: Payload) -> Canonical: ...
    def for_create(self, left: Canonical) -> Payload: ...
    def linked_to(self, payload: Payload, parent_id: str = "") -> str | None: ...
    @property
    def derived(self) -> Sequence[Field]: ...
    def normal(self, side: Side, name: str, value: Value) -> Value: ...
    def label(self, name: str) -> str: ...
    def shown(self, name: str, value: Value) -> Value: ...
    def attribute_of(self, name: str, side: Side, record: Canonical) -> str: ...


WITHOUT = "Ohne Bremse: "
_QUIET = frozenset({"unchanged", "agreed", "unknown"})


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: both sides now, what they held when they last agreed, the rule, and what would be written where.

    Values are as the mapping shows them to a user: an account number is all but masked. `left_shown` is False where
    that side could not be asked, or did not show the field.
    """

    name: str
    label: str
    left: Value
    right: Value
    base_left: Value
    base_right: Value
    left_changed: bool
    right_changed: bool
    rule: str
    words: str
    write: str = ""
    after: Value = None
    has_base: bool = False
    left_shown: bool = True
    right_shown: bool = True

    @property
    def is_quiet(self) -> bool:
        """Empty on both sides and nothing to say about it."""
        values = (self.left, self.right, self.base_left, self.base_right)
        return not self.write and not any(v is not None for v in values) and self.rule in _QUIET


@dataclass(frozen=True, slots=True)
class Forecast:
    """`kind` is a word for programs; `lines` are what would happen, for people."""

    kind: str
    lines: tuple[str, ...]
    rows: tuple[FieldRow, ...] = ()
    plan: Plan | None = None

    @property
    def held(self) -> str:
        return self.plan.held if self.plan else ""


@dataclass(frozen=True, slots=True)
class _Values:
    base: Base
    left: Canonical
    right: Canonical


@dataclass(frozen=True, slots=True)
class _Sides:
    left: Snapshot
    state: RecordState
    base: Base
    at: datetime


def foresee(findings: Findings, table: Table) -> Forecast:
    """What a sync that began now would do; where that can't be said, at least what each side shows."""
    forecast = _foresee(findings, table)
    return forecast if forecast.rows else replace(forecast, rows=_as_seen(findings, table))


def _as_seen(findings: Findings, table: Table) -> tuple[FieldRow, ...]:
    base = findings.state.base if findings.state else Base()
    try:
        left = table.read(Side.LEFT, findings.left.value.payload) if findings.left.value else {}
        right = table.read(Side.RIGHT, findings.right.value.payload) if findings.right.value else {}
    except MappingError:
        return ()
    if not (left or right):
        return ()
    return tuple(_row(policy, table, Plan(), _Values(base, left, right)) for policy in table.policies)


def _foresee(findings: Findings, table: Table) -> Forecast:
    state = findings.state
    if findings.memory.trouble or state is None:
        return Forecast("unknown", ("Das lässt sich ohne unser Gedächtnis (PostgreSQL) nicht sagen.",))
    if findings.left.trouble:
        return Forecast("unknown", ("Ein Abgleich würde warten, bis EspoCRM wieder antwortet.",))
    if state.link and state.link.tombstone:
        return _entombed(findings, state.link)
    if state.link is None:
        return _unlinked(findings, state, table)
    left = findings.left.value
    if left is None:
        return _unless_braked(_left_gone(state.link), state)
    if findings.rivals:
        return _contested(findings.right_id or "", findings.rivals)
    return _with_right(findings, _Sides(left, state, state.base, findings.at), table, "update")


def _unlinked(findings: Findings, state: RecordState, table: Table) -> Forecast:
    left = findings.left.value
    if left is None:
        asks = "Advoware würde nach einem halb angelegten Datensatz gefragt." if state.intent else "Nichts."
        return Forecast("nothing", (asks,))
    if findings.waits_for_parent:
        return Forecast(
            "waits_for_parent", ("Warten, bis der Beteiligte verbunden ist; dann geht es von selbst weiter.",)
        )
    if findings.right_id is None:
        return _create(left, state, table)
    if findings.owner is not None:
        return _contested(findings.right_id, (findings.owner,))
    return _with_right(findings, _Sides(left, state, Base(), findings.at), table, "adopt")


def _with_right(findings: Findings, sides: _Sides, table: Table, kind: str) -> Forecast:
    if findings.right.trouble:
        return Forecast("unknown", ("Ein Abgleich würde warten, bis Advoware wieder antwortet.",))
    if findings.right.value is None:
        return _unless_braked(_right_gone(findings), sides.state)
    return _in_step(sides, findings.right.value, table, kind)


def _create(left: Snapshot, state: RecordState, table: Table) -> Forecast:
    try:
        values = table.read(Side.LEFT, left.payload)
        table.for_create(values)
    except MappingError as error:
        return Forecast("refused", (f"Nicht anlegen: {status.explain(error)}",))
    filled = [
        f"{table.label(name)} {shown(table.shown(name, value))}" for name, value in values.items() if value is not None
    ]
    first = (
        "Zuerst in Advoware nachsehen, ob das frühere Anlegen angekommen ist; sonst:"
        if state.intent
        else "Es gibt keine Verknüpfung und keine Nummer:"
    )
    return Forecast("create", (first, f"in Advoware neu anlegen mit {'; '.join(filled)}. 3 Aufrufe."))


def _entombed(findings: Findings, link: Link) -> Forecast:
    left = findings.left.value
    if link.tombstone == "left_deleted":
        back = "Der Datensatz ist in EspoCRM wieder da; die Verknüpfung würde wieder gelten."
        return Forecast("left_deleted", (back if left else "Nichts: in EspoCRM gelöscht, und dabei bleibt es.",))
    if link.tombstone == "right_gone":
        asked_again = left is not None and left.payload.get("syncStatus") == status.SyncStatus.PENDING.value
        if left is not None and (
            (findings.right_id is None and asked_again) or findings.right_id not in (None, link.right_id)
        ):
            return Forecast(
                "decided", ("Ein Mensch hat entschieden: neu anlegen oder mit der neuen Nummer verbinden.",)
            )
        told = (
            f"Nichts: Nr. {link.right_id} wurde in Advoware gelöscht. Soll der Datensatz wieder dorthin, in EspoCRM das"
            " Feld mit der Nummer leeren und den Status auf pending_sync setzen.",
        )
        return Forecast("right_gone", told)
    if findings.right_id == link.right_id and findings.owner:
        return _contested(link.right_id, (findings.owner,))
    return Forecast("decided", ("Die Nummer ist wieder frei oder wurde geändert: neu ansehen und verbinden.",))


def _left_gone(link: Link) -> Forecast:
    return Forecast(
        "left_gone",
        (
            f"In EspoCRM gibt es den Datensatz nicht mehr. In Advoware bleibt Nr. {link.right_id} stehen; gelöscht wird"
            " dort nur, wenn die Kanzlei BETEILIGTE_DELETE so eingestellt hat. Der zuständige Anwender bekommt einen"
            " Hinweis.",
        ),
    )


def _right_gone(findings: Findings) -> Forecast:
    return Forecast(
        "right_gone",
        (
            f"Nr. {findings.right_id} gibt es in Advoware nicht. Nach einem zweiten Blick: Status deleted_in_advoware"
            " und ein Hinweis. Es wird nichts neu angelegt und in EspoCRM nichts gelöscht.",
        ),
    )


def _unless_braked(gone: Forecast, state: RecordState) -> Forecast:
    """What the brake for sweeps holds is not given up, until a person says so."""
    held = not_believed(state)
    lines = (f"Nichts schreiben, die Bremse hält an: {held}.", *(WITHOUT + line for line in gone.lines))
    return Forecast("held", lines, plan=Plan(held=held)) if held else gone


def _contested(right_id: str, others: Sequence[str]) -> Forecast:
    named = ", ".join(others)
    told = f"Nichts schreiben: Nr. {right_id} trägt auch {named}. Bitte zusammenführen oder die Nummer berichtigen."
    return Forecast("contested", (told,))


def _in_step(sides: _Sides, other: Snapshot, table: Table, kind: str) -> Forecast:
    try:
        left = table.read(Side.LEFT, sides.left.payload)
        right = table.read(Side.RIGHT, other.payload)
    except MappingError as error:
        return Forecast("refused", (f"Nicht abgleichen: {status.explain(error)}",))
    base = resumed(sides.base, sides.state.attempted, left, right)
    confirmed = RELEASED in sides.state.notes
    seen = Seen(left, sides.left.changed_at), Seen(right, other.changed_at)
    refused = {each.name: each for each in remembered(sides.state.notes, sides.at)}
    policies = refusing(table, holding(refused, table.policies, left, right), table.policies)
    plan = planned(table.derived, policies, base, seen, confirmed=confirmed)
    if braked := held_by_sweep(
        sides.state, base, Shown(sides.left, other, left, right, sides.at), plan.decisions, table
    ):
        plan = Plan(plan.decisions, base=base, held=braked)
    lists = table.lists.foresee(sides.state, sides.left.payload, other.payload, sides.at) if table.lists else Outlook()
    if lists.held and not plan.held:
        plan = Plan(plan.decisions, notices=(Notice(NoticeKind.BRAKE, detail=lists.held),), held=lists.held)
    rows = tuple(_row(policy, table, plan, _Values(base, left, right)) for policy in table.policies)
    rows += tuple(_list_row(row) for row in lists.rows)
    lines = _held_lines(plan, table, lists) if plan.held else _plan_lines(Planned(plan, lists), rows, sides, kind)
    lines = [f"Mit Advoware Nr. {other.id} verbinden.", *lines] if kind == "adopt" and not plan.held else lines
    return Forecast(_kind(Planned(plan, lists), kind), tuple(lines), rows, plan)


def _kind(planned: Planned, kind: str) -> str:
    if planned.plan.held:
        return "held"
    if kind == "adopt":
        return kind
    return "nothing" if planned.is_empty else kind


def _list_row(row: RowOutlook) -> FieldRow:
    return FieldRow(
        name=row.name,
        label=row.label,
        left=row.left,
        right=row.right,
        base_left=row.base_left,
        base_right=row.base_right,
        left_changed=row.has_base and row.left != row.base_left,
        right_changed=row.has_base and row.right != row.base_right,
        rule=row.rule,
        words=row.words,
        write=row.write.value if row.write else "",
        after=row.after,
        has_base=row.has_base,
    )


def _row(policy: FieldPolicy, table: Table, plan: Plan, values: _Values) -> FieldRow:
    name, base, left, right = policy.name, values.base, values.left, values.right
    decision = _decision(plan, name)
    write = decision.write.value if decision and decision.write and _is_written(plan, decision) else ""
    after = (decision.left if write == Side.LEFT.value else decision.right) if decision and write else None
    return FieldRow(
        name=name,
        label=policy.label,
        left=table.shown(name, left.get(name)),
        right=table.shown(name, right.get(name)),
        base_left=table.shown(name, base.left.get(name)),
        base_right=table.shown(name, base.right.get(name)),
        left_changed=base.knows(name) and name in left and left[name] != base.left[name],
        right_changed=base.knows(name) and name in right and right[name] != base.right[name],
        rule=decision.rule.value if decision else "unknown",
        words=rule_words(decision, policy.direction, held=bool(plan.held))
        if decision
        else ""
        if not plan.decisions
        else _NOT_SHOWN,
        write=write,
        after=table.shown(name, after),
        has_base=base.knows(name),
        left_shown=name in left,
        right_shown=name in right,
    )


_NOT_SHOWN = "eine Seite zeigt das Feld nicht; bleibt"


def _decision(plan: Plan, name: str) -> Decision | None:
    """A refusal stands over the rule that led to it."""
    return next((d for d in (*plan.refusals, *plan.decisions) if d.field == name), None)


def _is_written(plan: Plan, decision: Decision) -> bool:
    writes = plan.left_writes if decision.write is Side.LEFT else plan.right_writes
    return decision.field in writes


def _plan_lines(planned: Planned, rows: Sequence[FieldRow], sides: _Sides, kind: str) -> list[str]:
    lines = ["Die Bremse ist für diesen einen Abgleich freigegeben."] if RELEASED in sides.state.notes else []
    for side in (Side.RIGHT, Side.LEFT):
        lines += [
            f"{SIDES[side]}: {row.label} {shown(row.right if side is Side.RIGHT else row.left)} → {shown(row.after)}"
            for row in rows
            if row.write == side.value
        ]
    lines += [f"Nicht schreiben: {row.label}, {row.words}. Status failed." for row in rows if row.rule == "refused"]
    lines += _note_lines(planned, sides.state)
    return [*lines, _calls(planned, sides, kind)]


def _held_lines(plan: Plan, table: Table, lists: Outlook) -> list[str]:
    without = [
        f"{WITHOUT}{SIDES[d.write]}: {table.label(d.field)} → {shown(table.shown(d.field, target_of(d)))}"
        for d in plan.decisions
        if d.write is not None
    ]
    without += [
        f"{WITHOUT}{row.label} {shown(row.left or row.right)}: {row.words}" for row in lists.rows if row.is_held
    ]
    return [f"Nichts schreiben, die Bremse hält an: {clean(plan.held)}.", *without]


def _note_lines(planned: Planned, state: RecordState) -> list[str]:
    causes = planned.causes
    fresh = [cause for cause in causes if cause not in state.notes]
    told = len(causes) - len(fresh)
    lines = [f"{count(len(fresh), 'neuer Hinweis', 'neue Hinweise')} an den zuständigen Anwender."] if fresh else []
    return lines + ([f"{count(told, 'Hinweis', 'Hinweise')} schon mitgeteilt, nicht noch einmal."] if told else [])


def _calls(planned: Planned, sides: _Sides, kind: str) -> str:
    """As the engine counts: two reads, one PUT a side and a row. Whatever is written, EspoCRM also gets its state."""
    is_clean = sides.left.payload.get("syncStatus") == status.SyncStatus.CLEAN.value
    right = planned.writes_right
    left = planned.writes_left or bool(right) or bool(planned.plan.refusals) or not is_clean or kind == "adopt"
    if not (left or right):
        return "Nichts zu schreiben. 2 Aufrufe, beide lesend."
    if not (planned.writes_left or right):
        return f"Kein Wert zu schreiben, nur der Status in EspoCRM. {2 + left} Aufrufe, davon 2 lesend."
    note = any(cause not in sides.state.notes for cause in planned.causes)
    return f"{2 + left + right} Aufrufe, davon 2 lesend{'; der Hinweis kommt dazu' if note else ''}."
