"""The office's words for our codes: rules, steps, reasons, values, times. Pure; an unknown code is shown as it is."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from recordsync.memory.look import RELEASED
from recordsync.systems import CODES, NAMES
from synckit.errors import AuthenticationRefused, PermanentError, SyncError
from synckit.reconcile.plan import Decision, Direction, Rule, Value

OFFICE_ZONE = ZoneInfo("Europe/Berlin")
SIDES = {side.value: name for side, name in NAMES.items()}
SYSTEMS = {
    **{CODES[side]: name for side, name in NAMES.items()},
    "postgres": "PostgreSQL (unser Gedächtnis)",
    "redis": "Redis (Sperren, Anmeldung bei Advoware)",
    "kafka": "Kafka (Ereignisse)",
}
STEPS = {
    "created": "in Advoware angelegt",
    "recovered": "in Advoware wiedergefunden, nicht noch einmal angelegt",
    "write": "geschrieben",
    "held": "von der Bremse angehalten",
    "failed": "fehlgeschlagen",
    "right_gone": "in Advoware gelöscht vorgefunden",
    "left_deleted": "in EspoCRM gelöscht vorgefunden",
    "deleted": "gelöscht",
    "duplicate": "Nummer gehört schon zu einem anderen Datensatz",
    "imported": "vom Arbeitsplatz nach EspoCRM übernommen",
    "not_imported": "nicht nach EspoCRM übernommen",
    "note_refused": "Hinweis ließ sich nicht zustellen, wird erneut versucht",
    "note_given_up": "Hinweis aufgegeben, zu viele ließen sich nicht zustellen",
    "operator_sync_now": "Abgleich von Hand angestoßen",
    "operator_release_brake": "Bremse von Hand freigegeben",
    "operator_forget_link": "Verknüpfung von Hand vergessen",
    "operator_release_sweep": "Bremse für die ganze Quelle von Hand freigegeben",
}
REASONS = {
    "remote_unavailable": "ein System war nicht erreichbar",
    "rate_limited": "ein System hat um Pause gebeten (zu viele Aufrufe)",
    "stale_version": "der Datensatz wurde währenddessen geändert",
    "locked": "der Datensatz war gesperrt oder in Advoware geöffnet",
    "credentials_refused": "ein System hat unsere Anmeldung abgelehnt",
    "authentication_refused": "ein System hat unsere Anmeldung abgelehnt",
    "invalid_event": "die Nachricht war nicht so, wie sie sein muss",
    "mapping": "ein Wert hat auf der anderen Seite keine Entsprechung",
    "remote_rejected": "ein System hat die Änderung abgelehnt",
    "ambiguous": "mehrere Datensätze kommen in Frage",
    "waits_for_parent": "der Beteiligte, zu dem er gehört, ist noch nicht verbunden",
    "bug": "ein Fehler in unserem Programm",
    "brake": "Bremse",
    "brake_doubt": "Bremse: die Quelle widerspricht sich",
    "brake_sweep": "Bremse: zu vieles auf einmal",
    "note_owed": "ein Hinweis ließ sich noch niemandem zustellen",
}
CAUSES = {
    "conflict": "auf beiden Seiten geändert",
    "read_only": "von EspoCRM aus nicht änderbar",
    "adopted": "beim Verbinden verschieden",
    "unmappable": "ohne Entsprechung in EspoCRM",
    "kept": "in EspoCRM entfernt, in Advoware geändert; die Änderung blieb",
    "unusable": "nichts, was EspoCRM halten kann; blieb in Advoware",
    "vanished": "in Advoware nicht mehr zu sehen; blieb in EspoCRM",
    "deleted_right": "in Advoware gelöscht",
    "deleted_left": "in EspoCRM gelöscht",
    "in_use": "in Advoware noch in einer Akte verwendet",
    "brake": "von der Bremse angehalten",
    "duplicate_link": "zwei Datensätze mit derselben Nummer",
    "permanently_failed": "nach mehreren Versuchen nicht übertragen",
    "rejected": "von der anderen Seite abgelehnt; nach einem Tag erneut versucht",
    "rejected_whole": "als Ganzes abgelehnt; nach einem Tag erneut versucht",
    "undeliverable": "Hinweise ließen sich niemandem zustellen",
    "not_shown": "Status ließ sich in EspoCRM nicht eintragen",
    "not_imported": "vom Arbeitsplatz nicht nach EspoCRM übernommen",
    RELEASED: "Freigabe der Bremse, gilt für den nächsten Abgleich",
}
ORIGINS = {
    "espocrm": "EspoCRM meldet",
    "advoware": "Advoware meldet",
    "ticker": "regelmäßige Prüfung",
    "operator": "von Hand",
    "replay": "nochmals gesendet",
}
ACTIONS = {"create": "angelegt", "update": "geändert", "delete": "gelöscht", "sync_check": "bitte ansehen"}
STATES = {
    "pending_sync": "wartet auf den ersten Abgleich",
    "dirty": "geändert, wartet auf den Abgleich",
    "syncing": "Abgleich läuft oder wird wiederholt",
    "clean": "im Einklang",
    "conflict": "angehalten",
    "failed": "fehlgeschlagen",
    "permanently_failed": "nach mehreren Versuchen fehlgeschlagen",
    "manual_action": "am Arbeitsplatz in Advoware nachzutragen",
    "deleted_in_advoware": "in Advoware gelöscht",
}


def shown(value: Value) -> str:
    """A canonical value as a person reads it."""
    if value is None:
        return "(leer)"
    if isinstance(value, bool):
        return "ja" if value else "nein"
    return f"{value:%d.%m.%Y}" if isinstance(value, date) else clean(str(value))


def clean(text: str) -> str:
    """Safe on a terminal: no value may move the cursor, recolour, or turn the direction of writing."""
    return "".join(_visible(each) for each in text)


def _visible(character: str) -> str:
    if character == "\n":
        return " ⏎ "
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        return f"‹{ord(character):x}›"
    return character


def moment(at: datetime | None) -> str:
    """A time on the office's clock."""
    return f"{at.astimezone(OFFICE_ZONE):%d.%m.%Y %H:%M:%S}" if at else "unbekannt"


def span(length: timedelta) -> str:
    """How long, roughly."""
    seconds = abs(length.total_seconds())
    for unit, one, many in ((86_400, "Tag", "Tagen"), (3600, "Stunde", "Stunden"), (60, "Minute", "Minuten")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {one if count == 1 else many}"
    return f"{int(seconds)} Sekunde" + ("n" if int(seconds) != 1 else "")


def when(at: datetime, now: datetime) -> str:
    """A time and how far it is away."""
    return f"{moment(at)} ({'vor' if at <= now else 'in'} {span(at - now)})"


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def rule_words(decision: Decision, direction: Direction, *, held: bool = False) -> str:
    """Which rule applies to a field, and what follows from it, or would if the brake did not hold."""
    if decision.write is None or decision.rule is Rule.REFUSED:
        return _STAYS.get(decision.rule, "bleibt").format(reason=clean(decision.reason))
    target, source = SIDES[decision.write], SIDES[decision.write.other]
    if direction is Direction.TO_LEFT and decision.rule is Rule.READ_ONLY:
        return "auf beiden Seiten geändert; Advoware führt dieses Feld"
    words = _WRITES.get(decision.rule, _CHANGED).format(source=source, target=target, goes="ginge" if held else "geht")
    return f"{words} (angehalten)" if held else words


_CHANGED = "in {source} geändert; {goes} nach {target}"
_STAYS = {
    Rule.READ_ONLY: "nur in EspoCRM geändert; von hier aus nicht änderbar, bleibt verschieden",
    Rule.UNCHANGED: "unverändert",
    Rule.UNMAPPABLE: "ohne Entsprechung: {reason}; beide bleiben",
    Rule.REFUSED: "{reason}; wird nicht geschrieben",
    Rule.AGREED: "beide stimmen überein",
}
_WRITES = {
    Rule.CONFLICT: "auf beiden Seiten geändert; {source} gilt",
    Rule.ADOPTED: "ohne Basis verschieden; {source} gilt",
    Rule.FILLED: "in {target} leer; aus {source} gefüllt",
    Rule.DRIFT: "in Advoware abgewichen; EspoCRM führt dieses Feld",
}


def target_of(decision: Decision) -> Value:
    """The value that will stand on the side that is written."""
    return decision.written


def cause_words(cause: str) -> tuple[str, str]:
    """A cause → (what, field's name or ""). Its digest is left out."""
    kind, *rest = cause.split(":")
    return CAUSES.get(kind, kind), rest[0] if len(rest) > 1 else ""


def trouble_of(upstream: str, error: Exception) -> str:
    """What could not be asked, and why. No text of a remote is repeated."""
    system = SYSTEMS.get(upstream, upstream)
    if isinstance(error, AuthenticationRefused):
        return f"{system}: lehnt unsere Anmeldung ab"
    if isinstance(error, PermanentError):
        return f"{system}: lehnt die Frage ab ({error})"
    if isinstance(error, SyncError):
        return f"{system}: nicht erreichbar oder antwortet nicht richtig ({error})"
    return f"{system}: antwortet anders als erwartet ({type(error).__name__})"
