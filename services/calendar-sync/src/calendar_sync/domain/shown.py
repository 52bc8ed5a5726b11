"""What the commands print: German, for the office. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calendar_sync.domain.audit import KINDS, Finding
from calendar_sync.domain.memory import Report
from calendar_sync.domain.plan_value import Action, Phase, Plan, Step
from calendar_sync.domain.quarantine import Waiting
from calendar_sync.domain.undo import SIDES, Line
from calendar_sync.domain.values import LABELS

STATES = {
    "queued": "wartet",
    "running": "läuft",
    "done": "fertig",
    "skipped": "übersprungen",
    "failed": "gescheitert",
    "waiting": "fertig, etwas wartet",
}
PHASES = {
    Phase.REMEMBER: "Nur merken",
    Phase.NEW_IN_ADVOWARE: "Neu in Advoware",
    Phase.NEW_IN_GOOGLE: "Neu in Google",
    Phase.DELETIONS: "Löschungen",
    Phase.CHANGES: "Änderungen",
}
ACTIONS = {
    Action.REMEMBER: "merken",
    Action.INSERT_EVENT: "in Google anlegen",
    Action.UPDATE_EVENT: "in Google ändern",
    Action.DELETE_EVENT: "in Google löschen",
    Action.POST_TERMIN: "in Advoware anlegen",
    Action.PUT_TERMIN: "in Advoware ändern",
    Action.DELETE_TERMIN: "in Advoware löschen",
}


def runs(told: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"{run['kuerzel']:<8} {STATES[run['state']]:<20} {_counts(run['counts'])}{_reason(run['reason'])}"
        for run in told
    )


def report(one: Report) -> str:
    head = f"{one.kuerzel:<8} {STATES[one.state]:<20} {_counts(one.counts)}{_reason(one.reason)}"
    waiting = [f"  wartet: {key}: {reason}" for key, reason in one.waiting]
    return "\n".join([head, *waiting, *(f"  geparkt: {key}: {reason}" for key, reason in one.parked)])


def plan(made: Plan) -> str:
    """Phase by phase, a line a step; what does not happen now, and why."""
    told = [f"Plan für {made.kuerzel} (CALENDAR_MODE={made.mode}): {made.writes} Schreibvorgänge"]
    if made.skipped:
        told.append(f"  übersprungen: {made.skipped}")
    for phase in Phase:
        steps = [step for step in made.of_phase(phase) if step.action is not Action.REMEMBER]
        if steps:
            told += [f"{PHASES[phase]}: {len(steps)}", *map(_step, steps)]
    told += [f"  wartet: {key}: {reason}" for key, reason in made.waiting]
    told += [f"  geparkt: {key}: {reason}" for key, reason in made.parked]
    if made.held:
        told.append(f"  Quarantäne: {len(made.held.keys)} Löschungen warten auf einen Menschen ({made.held.digest})")
    if made.left_over:
        told.append(f"  im nächsten Lauf: {made.left_over}")
    return "\n".join(told)


def _step(step: Step) -> str:
    names = ", ".join(LABELS.get(name, name) for name in step.fields)
    is_whole = step.action.creates or step.action.deletes
    appointment = step.row.left or step.row.right
    what = appointment.title or "(ohne Titel)" if appointment else ""
    when = f"{appointment.start:%d.%m.%Y %H:%M}" if appointment else ""
    parts = [ACTIONS[step.action], when, what, "" if is_whole else names, f"({step.reason})" if step.reason else ""]
    return "  " + "  ".join(part for part in parts if part)


def findings(found: Sequence[Finding]) -> str:
    if not found:
        return "keine Abweichung"
    return "\n".join(f"{one.kuerzel:<8} {KINDS[one.kind]}: {_where(one)}{_reason(one.hint)}" for one in found)


def _where(one: Finding) -> str:
    return f"{SIDES[one.side]} {one.what}" if one.side else one.what


def undo(lines: Sequence[Line], done: int, *, is_done: bool) -> str:
    if not lines:
        return "seither hat calendar-sync nichts geschrieben, was noch so dasteht"
    told = [f"{SIDES[line.side]:<9} {line.label:<14} {_from_to(line)}" for line in lines]
    return "\n".join([*told, f"zurückgenommen: {done}" if is_done else "nichts geändert; mit --yes wird es getan"])


def _from_to(line: Line) -> str:
    if line.refused:
        return f"bleibt: {line.refused}"
    return f"{_value(line.now)} -> {_value(line.then)}" if line.name else f"wird wieder angelegt: {_value(line.then)}"


def quarantines(lists: Sequence[Waiting]) -> str:
    if not lists:
        return "nichts wartet"
    return "\n".join(f"{one.kuerzel:<8} {one.digest:<18} {one.count:>4}  {one.reason}" for one in lists)


def quarantine(one: Waiting) -> str:
    head = f"{one.kuerzel}: {one.reason} ({one.digest}), {one.count}"
    return "\n".join([head, *(f"  {item.when:<18} {item.what}" for item in one.items)])


def decided(one: Waiting, *, released: bool) -> str:
    verb = "freigegeben" if released else "abgelehnt"
    return f"{one.kuerzel}: {one.count} {verb} ({one.digest}); der nächste Lauf hält sich daran"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


def _reason(reason: str) -> str:
    return f"  {reason}" if reason else ""


def _value(value: Any) -> str:
    return "(leer)" if value in (None, "") else str(value)
