"""What a sync would do now, in words: the very step that a look would take next, on what was read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recordsync.decide.guard import MANY
from recordsync.decide.in_step import planned
from recordsync.explain.findings import Findings
from recordsync.explain.foreseen import Foreseen, Unknown, foreseen, rules_of
from recordsync.explain.planned import Planned
from recordsync.explain.rows import FieldRow, Table, Values, field_row, list_row, rows_as_seen
from recordsync.explain.words import SIDES, SYSTEMS, clean, count, shown, target_of
from recordsync.mapping.rows import ListsForecast
from recordsync.memory.look import RELEASED
from recordsync.states import SyncStatus, explain
from recordsync.steps import (
    Close,
    DeleteRight,
    Forget,
    LinkTo,
    Post,
    Show,
    Step,
    Stop,
    Wait,
    WriteLeft,
    WriteRight,
    WriteRow,
)
from synckit.errors import SyncError, TransientError
from synckit.ports import RecordState, Snapshot
from synckit.reconcile.plan import Plan, Side

WITHOUT = "Ohne Bremse: "


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
class _Sides:
    left: Snapshot
    state: RecordState


def foresee(findings: Findings, table: Table) -> Forecast:
    """What a sync that began now would do; where that can't be said, at least what each side shows."""
    forecast = _foresee(findings, table)
    return forecast if forecast.rows else replace(forecast, rows=rows_as_seen(findings, table))


def _foresee(findings: Findings, table: Table) -> Forecast:
    if findings.memory.trouble or findings.state is None:
        return Forecast("unknown", ("Das lässt sich ohne unser Gedächtnis (PostgreSQL) nicht sagen.",))
    if findings.left.trouble:
        return Forecast("unknown", ("Ein Abgleich würde warten, bis EspoCRM wieder antwortet.",))
    if findings.waits_for_parent and findings.state.link is None and findings.left.value is not None:
        return _waits_for_parent()
    try:
        told = foreseen(findings, rules_of(table))
    except Unknown as unknown:
        return Forecast(unknown.kind, (unknown.words,))
    return _in_words(told, findings, table)


def _in_words(told: Foreseen, findings: Findings, table: Table) -> Forecast:
    match told.step:
        case WriteRight() | WriteRow() | WriteLeft():
            return _in_step(told, findings, table)
        case Close():
            return _closed(told.step, told, findings, table)
        case Stop():
            return _stopped(told.step.error, table)
        case _:
            return _other(told.step, told, findings, table)


def _stopped(error: SyncError, table: Table) -> Forecast:
    """Trouble that passes is waited for; anything else would be shown at the record."""
    if isinstance(error, TransientError):
        return Forecast("unknown", (f"Ein Abgleich würde warten: {explain(error, table)}",))
    return Forecast("refused", (f"Nicht abgleichen: {explain(error, table)}",))


def _other(step: Step, told: Foreseen, findings: Findings, table: Table) -> Forecast:
    match step:
        case Post():
            return _create(told, findings, table)
        case LinkTo():
            words = f"Mit Advoware Nr. {step.right.id} verbinden."
            return Forecast(step.result or "adopt", (words,))
        case Forget():
            return Forecast("decided", _decided(findings))
        case Wait():
            return _waits_for_parent()
        case DeleteRight():
            return _left_gone(step.right_id)
        case Show():
            return _contested(findings.right_id or "", (findings.owner or step.left_id,))
        case _:
            return Forecast("nothing", ("Nichts.",))


def _closed(step: Close, told: Foreseen, findings: Findings, table: Table) -> Forecast:
    """The end of a look without a write of a value."""
    if step.result == "held":
        return _held(step, told, findings, table)
    if step.result == "failed":
        return _failed(told, table)
    return _given_up(step, told, findings) or _in_step(told, findings, table)


def _given_up(step: Close, told: Foreseen, findings: Findings) -> Forecast | None:
    """None where both sides are there, and in step."""
    link = told.memory.link
    right_id = findings.right_id or (link.right_id if link is not None else "")
    is_asked = findings.state is not None and findings.state.intent is not None
    nothing = "Advoware würde nach einem halb angelegten Datensatz gefragt." if is_asked else "Nichts."
    others = findings.rivals or ((findings.owner,) if findings.owner else ())
    ends = f"Die Verknüpfung mit Advoware Nr. {right_id} lösen und fragen."
    stays = "Nichts: die Verknüpfung ist gelöst, bis eine Nummer eingetragen wird."
    known = {
        "waits_for_parent": _waits_for_parent(),
        "deleted_left": _left_gone(right_id),
        "deleted_right": _right_gone(right_id),
        "duplicate": _contested(right_id, others),
        "left_deleted": Forecast("left_deleted", ("Nichts: in EspoCRM gelöscht, und dabei bleibt es.",)),
        "right_gone": Forecast("right_gone", _stays_gone(right_id)),
        "unlinked": Forecast("unlinked", (ends if told.memory.live_link is not None else stays,)),
        "kept": Forecast("kept", ("Nichts: Advoware behält die Daten, die Verknüpfung ist beendet.",)),
        "nothing": Forecast("nothing", (nothing,)),
    }
    return known.get(step.result)


def _failed(told: Foreseen, table: Table) -> Forecast:
    error = told.error
    words = explain(error, table) if error is not None else "Der Datensatz kann so nicht abgeglichen werden."
    is_new = told.memory.live_link is None and not isinstance(told.seen.right, Snapshot)
    return Forecast("refused", (f"Nicht {'anlegen' if is_new else 'abgleichen'}: {words}",))


def _create(told: Foreseen, findings: Findings, table: Table) -> Forecast:
    left = findings.left.value
    values = table.read(Side.LEFT, left.payload) if left is not None else {}
    filled = [
        f"{table.label(name)} {shown(table.shown(name, value))}" for name, value in values.items() if value is not None
    ]
    is_intended = findings.state is not None and findings.state.intent is not None
    first = (
        "Zuerst in Advoware nachsehen, ob das frühere Anlegen angekommen ist; sonst:"
        if is_intended
        else "Es gibt keine Verknüpfung und keine Nummer:"
    )
    return Forecast("create", (first, f"in Advoware neu anlegen mit {'; '.join(filled)}. 3 Aufrufe."))


def _waits_for_parent() -> Forecast:
    words = "Warten, bis der Beteiligte verbunden ist; dann geht es von selbst weiter."
    return Forecast("waits_for_parent", (words,))


def _decided(findings: Findings) -> tuple[str, ...]:
    link = findings.state.link if findings.state else None
    if link is not None and link.tombstone == "duplicate":
        return ("Die Nummer ist wieder frei oder wurde geändert: neu ansehen und verbinden.",)
    return ("Ein Mensch hat entschieden: neu anlegen oder mit der neuen Nummer verbinden.",)


def _stays_gone(right_id: str) -> tuple[str, ...]:
    return (
        f"Nichts: Nr. {right_id} wurde in Advoware gelöscht. Soll der Datensatz wieder dorthin, in EspoCRM das"
        " Feld mit der Nummer leeren und den Status auf pending_sync setzen.",
    )


def _left_gone(right_id: str) -> Forecast:
    return Forecast(
        "left_gone",
        (
            f"In EspoCRM gibt es den Datensatz nicht mehr. In Advoware bleibt Nr. {right_id} stehen; gelöscht wird"
            " dort nur, wenn die Kanzlei BETEILIGTE_DELETE so eingestellt hat. Der zuständige Anwender bekommt einen"
            " Hinweis.",
        ),
    )


def _right_gone(right_id: str) -> Forecast:
    return Forecast(
        "right_gone",
        (
            f"Nr. {right_id} gibt es in Advoware nicht. Nach einem zweiten Blick: Status deleted_in_advoware"
            " und ein Hinweis. Es wird nichts neu angelegt und in EspoCRM nichts gelöscht.",
        ),
    )


def _contested(right_id: str, others: Sequence[str]) -> Forecast:
    named = ", ".join(others)
    told = f"Nichts schreiben: Nr. {right_id} trägt auch {named}. Bitte zusammenführen oder die Nummer berichtigen."
    return Forecast("contested", (told,))


def _held(step: Close, told: Foreseen, findings: Findings, table: Table) -> Forecast:
    """What is held, and what would be done without the brake."""
    why = step.reason
    if step.held_by is not None:
        why = f"{SYSTEMS[step.held_by[0]]} {'wird gerade nicht geglaubt' if step.reason == MANY else step.reason}"
    released = foreseen(findings, rules_of(table), released=True)
    if isinstance(released.step, WriteRight | WriteRow | WriteLeft):
        return _in_step(replace(released, step=step), findings, table, held=why)
    without = _in_words(released, findings, table)
    lines = (f"Nichts schreiben, die Bremse hält an: {why}.", *(WITHOUT + line for line in without.lines))
    return Forecast("held", lines, plan=Plan(held=why))


def _in_step(told: Foreseen, findings: Findings, table: Table, held: str = "") -> Forecast:
    """Field by field and row by row. `held`: why none of it is written."""
    memory, seen, rules = told.memory, told.seen, rules_of(table)
    left, right = findings.left.value, findings.right.value
    if left is None or right is None or findings.state is None:
        return Forecast("nothing", ("Nichts.",))
    work = planned(memory, seen, rules)
    plan = replace(work.plan, held=held) if held else work.plan
    state = memory.state
    lists = table.lists.foresee(state, left.payload, right.payload, findings.at) if table.lists else ListsForecast()
    rows = tuple(field_row(p, table, plan, Values(memory.base, work.left, work.right)) for p in table.policies)
    rows += tuple(list_row(row) for row in lists.rows)
    kind = "adopt" if memory.result == "adopted" else "update"
    sides = _Sides(left, findings.state)
    lines = _held_lines(plan, table, lists) if held else _plan_lines(Planned(plan, lists), rows, sides, kind)
    if kind == "adopt" and not held:
        lines = [f"Mit Advoware Nr. {right.id} verbinden.", *lines]
    return Forecast(_kind(Planned(plan, lists), kind), tuple(lines), rows, plan)


def _kind(would: Planned, kind: str) -> str:
    if would.plan.held:
        return "held"
    if kind == "adopt":
        return kind
    return "nothing" if would.is_empty else kind


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


def _held_lines(plan: Plan, table: Table, lists: ListsForecast) -> list[str]:
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
    is_clean = sides.left.payload.get("syncStatus") == SyncStatus.CLEAN.value
    right = planned.writes_right
    left = planned.writes_left or bool(right) or bool(planned.plan.refusals) or not is_clean or kind == "adopt"
    if not (left or right):
        return "Nichts zu schreiben. 2 Aufrufe, beide lesend."
    if not (planned.writes_left or right):
        return f"Kein Wert zu schreiben, nur der Status in EspoCRM. {2 + left} Aufrufe, davon 2 lesend."
    note = any(cause not in sides.state.notes for cause in planned.causes)
    return f"{2 + left + right} Aufrufe, davon 2 lesend{'; der Hinweis kommt dazu' if note else ''}."
