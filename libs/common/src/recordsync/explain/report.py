"""Findings → a report in sections, in the words of the office. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recordsync.decide.plausibility import REFUSED
from recordsync.explain.findings import JOURNAL_ROWS, Findings, Scan
from recordsync.explain.forecast import Forecast, foresee
from recordsync.explain.rows import FieldRow, Table
from recordsync.explain.words import (
    ACTIONS,
    ORIGINS,
    REASONS,
    SIDES,
    STATES,
    STEPS,
    SYSTEMS,
    cause_words,
    clean,
    count,
    moment,
    shown,
    when,
)
from synckit.errors import InvalidEvent
from synckit.events import Record, decode
from synckit.ports import BRAKED, OPERATOR, BrakeState, JournalEntry, RecordState

READS_A_LOOK = 2
LIST = "list"
UNSEEN = "(nicht zu sehen)"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, lines below it, and perhaps a table (`head`, `rows`) with `foot` lines."""

    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    foot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`title` and `summary` say it in short; `missing` is what could not be asked."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    forecast: Forecast
    missing: tuple[str, ...]


def explain(findings: Findings, table: Table) -> Report:
    """All that there is to say."""
    forecast = foresee(findings, table)
    sections = (
        _link(findings),
        _fields(forecast),
        Section("Was ein Abgleich jetzt täte", forecast.lines),
        _waits(findings),
        _dead(findings),
        _notes(findings, table),
        _last_look(findings),
        _journal(findings, table),
        _choices(findings, forecast, table),
    )
    return Report(
        title=f"{table.left_type} {findings.left_id}, Stand {moment(findings.at)}",
        summary=tuple(_summary(findings, forecast)),
        sections=tuple(each for each in sections if each.lines or each.rows or each.foot),
        forecast=forecast,
        missing=findings.troubles,
    )


def _summary(findings: Findings, forecast: Forecast) -> Iterable[str]:
    state = findings.state
    if state and state.parked:
        parked = state.parked
        reason = REASONS.get(parked.reason, parked.reason)
        if _is_braked(state):
            reason = f"{SYSTEMS.get(parked.message, parked.message)} wird gerade nicht geglaubt"
        yield (
            f"Der Datensatz ist zurückgestellt: {reason}. Nächster Versuch {when(parked.due_at, findings.at)};"
            f" bisher {count(parked.attempts, 'Anlauf', 'Anläufe')}."
        )
    if forecast.held:
        until = "bis sich das ändert oder jemand" if state and _is_braked(state) else "bis jemand"
        yield f"Angehalten: {clean(forecast.held)}. Auf beiden Seiten wird nichts geschrieben, {until} freigibt."
    if findings.buried.value and findings.buried.value.records:
        dead = count(len(findings.buried.value.records), "Nachricht ließ", "Nachrichten ließen")
        yield (
            f"{dead} sich nicht verarbeiten und liegt bei den unzustellbaren."
            if dead.startswith("1 ")
            else (f"{dead} sich nicht verarbeiten und liegen bei den unzustellbaren.")
        )
    conflicts = [row.label for row in forecast.rows if row.rule == "conflict"]
    if conflicts and not forecast.held:
        yield f"Auf beiden Seiten verschieden geändert: {', '.join(conflicts)}."
    yield from _standing(findings, forecast)


def _is_braked(state: RecordState) -> bool:
    return state.parked is not None and state.parked.reason == BRAKED


def _standing(findings: Findings, forecast: Forecast) -> Iterable[str]:
    """How it stands, apart from what is wrong."""
    waiting = findings.waiting.value
    if waiting and waiting.records:
        yield f"{count(len(waiting.records), 'Ereignis wartet', 'Ereignisse warten')} auf die Verarbeitung."
    if findings.lock.value is not None:
        yield "Gerade arbeitet jemand daran."
    if forecast.kind == "nothing" and findings.state and findings.state.link:
        yield "Beide Seiten sind im Einklang."
    elif forecast.kind == "create":
        yield "Noch nicht in Advoware."
    elif forecast.kind == "adopt":
        yield "Noch nicht verbunden; die Nummer steht schon in EspoCRM."
    elif forecast.kind == "update":
        yield "Ein Abgleich steht aus."
    elif forecast.kind not in ("nothing", "held"):
        yield " ".join(forecast.lines)


def _link(findings: Findings) -> Section:
    remembered = findings.memory.value
    lines = [_espo_state(findings)] if findings.left.value else []
    if findings.left.is_missing:
        lines.append("In EspoCRM gibt es diesen Datensatz nicht.")
    if remembered is None:
        return Section("Verknüpfung", tuple(lines))
    state, times = remembered.state, remembered.times
    link = state.link
    if link is None:
        named = f", in EspoCRM steht aber Nr. {findings.right_id}" if findings.right_id else ""
        lines.append(f"Mit Advoware nicht verbunden{named}.")
    else:
        lines.append(f"Verbunden mit Advoware Nr. {link.right_id} seit {moment(times.get('link.created_at'))}.")
        lines += [f"Stillgelegt: {_TOMBSTONES.get(link.tombstone, link.tombstone)}."] if link.tombstone else []
        lines.append(f"Zuletzt angesehen {_maybe(times.get('link.looked_at'), findings.at)}.")
    if "base" in times:
        lines.append(f"Letzter gemeinsamer Stand (Basis): {_maybe(times.get('base'), findings.at)}.")
    if findings.right.is_missing and findings.right_id:
        lines.append(f"In Advoware gibt es Nr. {findings.right_id} nicht.")
    return Section("Verknüpfung", tuple(lines))


_TOMBSTONES = {
    "right_gone": "in Advoware gelöscht",
    "left_deleted": "in EspoCRM gelöscht",
    "duplicate": "die Nummer gehört zu einem anderen Datensatz",
}


def _maybe(at: datetime | None, now: datetime) -> str:
    return when(at, now) if at else "unbekannt"


def _espo_state(findings: Findings) -> str:
    payload = findings.left.value.payload if findings.left.value else {}
    status = str(payload.get("syncStatus") or "")
    message = clean(str(payload.get("syncErrorMessage") or ""))
    named = f"{status} ({STATES[status]})" if status in STATES else clean(status) or "keiner"
    return f"Status in EspoCRM: {named}." + (f" Meldung dort: {message}" if message else "")


def _fields(forecast: Forecast) -> Section:
    rows = [row for row in forecast.rows if not row.is_quiet]
    quiet = [row for row in forecast.rows if row.is_quiet]
    foot = []
    if any(row.has_base for row in rows):
        foot.append("„bisher“: der letzte gemeinsame Stand (Basis), wo die Seite heute anders aussieht; sonst gleich.")
    if quiet:
        is_sure = all(row.left_shown and row.right_shown for row in quiet)
        told = "Auf beiden Seiten leer, unverändert" if is_sure else "Leer, soweit zu sehen"
        foot.append(f"{told}: {', '.join(row.label for row in quiet)}.")
    return Section(
        "Feld für Feld",
        head=("Feld", "EspoCRM", "Advoware", "Regel"),
        rows=tuple((row.label, *_cells(row), row.words) for row in rows),
        foot=tuple(foot),
    )


def _cells(row: FieldRow) -> tuple[str, str]:
    left = shown(row.left) if row.left_shown else UNSEEN
    right = shown(row.right) if row.right_shown else UNSEEN
    has_left = row.left_changed or (row.has_base and not row.left_shown)
    has_right = row.right_changed or (row.has_base and not row.right_shown)
    return (
        f"{left}\nbisher {shown(row.base_left)}" if has_left else left,
        f"{right}\nbisher {shown(row.base_right)}" if has_right else right,
    )


def _waits(findings: Findings) -> Section:
    lines: list[str] = []
    state = findings.state
    if state:
        lines += _parked_lines(state, findings.at)
    if findings.lock.value is not None:
        lines.append(f"Sperre: belegt, läuft in {findings.lock.value:.0f} s ab, wenn sie nicht verlängert wird.")
    elif not findings.lock.trouble:
        lines.append("Sperre: frei.")
    if findings.waiting.value is not None:
        lines += _queue_lines(findings.waiting.value)
    lines += brake_lines(findings.brakes.value or (), findings.at)
    return Section("Was wartet", tuple(lines))


def _parked_lines(state: RecordState, now: datetime) -> Iterable[str]:
    if state.parked:
        parked = state.parked
        reason = REASONS.get(parked.reason, parked.reason)
        yield f"Zurückgestellt nach Versuch {parked.attempts} bis {when(parked.due_at, now)}: {reason}."
    else:
        yield "Nicht zurückgestellt."
    if state.intent:
        yield (
            f"Ein Anlegen in Advoware ist angekündigt ({when(state.intent.declared_at, now)}) und nicht bestätigt:"
            " es kann angekommen sein. Vor dem nächsten Anlegen wird nachgesehen."
        )
    if state.attempted:
        names = ", ".join(f"{a.field} in {SIDES.get(a.side, a.side)}" for a in state.attempted)
        yield f"Angekündigt und nicht bestätigt geschrieben: {names}."


def brake_lines(brakes: Sequence[BrakeState], now: datetime) -> Iterable[str]:
    """How the sources stand that are not believed, or were released."""
    for each in brakes:
        source = SYSTEMS.get(each.source, each.source)
        if each.engaged_at is not None:
            yield (
                f"Die Bremse für {source} hält seit {moment(each.engaged_at)}: {each.counted} Datensätze würden etwas"
                f" verlieren, erlaubt sind {each.allowed}. Es warten {each.held}. Ansehen: python -m"
                " beteiligte_sync.brake"
            )
        elif each.held:
            yield f"Wegen {source} angehalten: {count(each.held, 'Datensatz', 'Datensätze')}. Geht von selbst weiter."
        if each.is_released(now):
            yield f"Die Bremse für {source} ist freigegeben bis {moment(each.released_until)} ({each.released_by})."


def _queue_lines(scan: Scan) -> Iterable[str]:
    if not scan.records:
        yield "Warteschlange: kein Ereignis dieses Datensatzes."
    for record in scan.records:
        yield f"Warteschlange: {_event(record)}"
    if scan.records:
        yield "(Was vor ein, zwei Sekunden fertig wurde, kann hier noch stehen.)"
    if scan.left_out:
        yield f"{scan.left_out} weitere Ereignisse der Warteschlange wurden nicht durchgesehen."


def _event(record: Record) -> str:
    try:
        event = decode(record.key, record.value, record.headers)
    except InvalidEvent as error:
        return f"eine Nachricht, die kein Ereignis ist ({error})."
    changed = f": {', '.join(event.changed)}" if event.changed else ""
    origin = ORIGINS.get(event.origin, event.origin)
    return f"{moment(event.received_at)}, {origin}, {ACTIONS.get(event.action, event.action)}{changed}."


def _dead(findings: Findings) -> Section:
    scan = findings.buried.value
    if scan is None:
        return Section("Unzustellbare Nachrichten")
    rows = tuple(_dead_row(record) for record in scan.records)
    reach = f"Durchgesehen: {count(scan.looked_at, 'Nachricht', 'Nachrichten')} der letzten {findings.buried_days} Tage"
    foot = f"{reach}; {scan.left_out} ältere nicht." if scan.left_out else f"{reach}, alle."
    none = () if rows else ("Keine von diesem Datensatz.",)
    return Section("Unzustellbare Nachrichten", none, ("Wann", "Warum", "Genauer"), rows, (foot,))


def _dead_row(record: Record) -> tuple[str, str, str]:
    told = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    try:
        at = moment(datetime.fromisoformat(told.get("dlq_at", "")))
    except ValueError:
        at = "unbekannt"
    reason = told.get("dlq_reason", "")
    return at, clean(REASONS.get(reason, reason)), clean(told.get("dlq_message", ""))


def _notes(findings: Findings, table: Table) -> Section:
    remembered = findings.memory.value
    if remembered is None:
        return Section("Hinweise an Anwender")
    causes = [cause for cause in remembered.state.notes if not cause.startswith(REFUSED)]
    told = sorted((remembered.times.get(cause, findings.at), cause) for cause in causes)
    lines = [f"{moment(at)}: {_cause(cause, table)}." for at, cause in told]
    lines += [f"Noch nicht zugestellt: {_cause(note.cause, table)}." for note in remembered.state.pending]
    return Section("Hinweise an Anwender", tuple(lines) or ("Keine offenen.",))


def _cause(cause: str, table: Table) -> str:
    what, name = cause_words(cause)
    return f"{table.label(name)}: {what}" if name else what


def _last_look(findings: Findings) -> Section:
    rows = last_look(findings.journal)
    if not rows:
        return Section("Aufrufe des letzten Abgleichs, der etwas tat")
    calls = writes(rows)
    told = ", ".join(
        f"{count(number, 'Aufruf', 'Aufrufe')} an {SIDES.get(side, side)}" for side, number in calls.items()
    )
    event = f", Ereignis {rows[0].event_id}" if rows[0].event_id else ""
    return Section(
        "Aufrufe des letzten Abgleichs, der etwas tat",
        (
            f"{when(rows[-1].at, findings.at)}{event}.",
            f"Schreibend, aus {count(len(rows), 'Zeile', 'Zeilen')} des Journals: {told or 'keiner'}.",
            f"Dazu {READS_A_LOOK} lesende je Blick. Nicht im Journal und nicht gezählt: Statusmeldungen an EspoCRM,"
            " Hinweise, Wiederholungen.",
        ),
    )


def last_look(journal: Sequence[tuple[int, JournalEntry]]) -> tuple[JournalEntry, ...]:
    """The entries of the newest event, oldest first; where it has no id, of the newest look (they share a fence)."""
    own = [(fence, entry) for fence, entry in journal if not entry.step.startswith(OPERATOR)]
    if not own:
        return ()
    fence, newest = own[0]
    same = [e for f, e in own if (e.event_id == newest.event_id if newest.event_id else f == fence)]
    return tuple(reversed(same))


def writes(entries: Sequence[JournalEntry]) -> dict[str, int]:
    """Remote writes by side. Fields written to one side in a row were one PUT, until one of them comes again.

    A row of a list is a call of its own.
    """
    made = dict.fromkeys(("right", "left"), 0)
    run: tuple[str, set[str]] = ("", set())
    for entry in entries:
        if entry.step not in ("write", "created", "deleted") or entry.side not in made:
            continue
        stands_alone = entry.step != "write" or entry.rule == LIST
        if stands_alone or entry.side != run[0] or entry.field in run[1]:
            made[entry.side] += 1
            run = ("" if stands_alone else entry.side, set())
        run[1].add(entry.field)
    return {side: number for side, number in made.items() if number}


def _journal(findings: Findings, table: Table) -> Section:
    rows = tuple(_journal_row(entry, table) for _, entry in findings.journal)
    foot = (f"Neueste zuerst; gezeigt werden höchstens {JOURNAL_ROWS} Zeilen.",) if rows else ()
    none = ("Noch kein Eintrag.",) if not rows and not findings.memory.trouble else ()
    return Section("Journal", none, ("Wann", "Was", "Feld", "Seite", "Regel, Grund oder wer"), rows, foot)


def _journal_row(entry: JournalEntry, table: Table) -> tuple[str, ...]:
    step = STEPS.get(entry.step, entry.step)
    rule = _RULES.get(entry.rule) or REASONS.get(entry.rule) or clean(entry.rule)
    label = table.label(entry.field) if entry.field else ""
    return moment(entry.at), step, label, SIDES.get(entry.side, entry.side), rule


_RULES = {
    "left_changed": "in EspoCRM geändert",
    "right_changed": "in Advoware geändert",
    "conflict": "auf beiden Seiten geändert",
    "drift": "in Advoware abgewichen",
    "read_only": "Advoware führt das Feld",
    "adopted": "beim Verbinden verschieden",
    "filled": "war auf einer Seite leer",
    LIST: "E-Mail und Telefon im Vergleich",
}


def _choices(findings: Findings, forecast: Forecast, table: Table) -> Section:
    command = f"python -m beteiligte_sync.explain {table.left_type} {findings.left_id}"
    lines = [f"Jetzt abgleichen: {command} sync-now"]
    if forecast.held:
        lines.append(f"Die Bremse freigeben, wenn das so gewollt ist: {command} release-brake")
    if findings.state and findings.state.link:
        lines.append(f"Die Verknüpfung vergessen: {command} forget-link")
    return Section("Was man tun kann", (*lines, "Jeder Befehl fragt vorher; --dry-run zeigt nur, was er täte."))
