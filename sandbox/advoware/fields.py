"""Which fields the records have, which of them a write takes, and what makes a value invalid. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sandbox.advoware.refusal import invalid

Check = Callable[[str, Any], Any]
"""(field name, given value) → the stored value; raises RefusedError."""

EARLIEST = date(1753, 1, 1)
LAST_SECOND = "23:59:59"
LONGEST_NOTIZ = 4_000
_MIDNIGHT = re.compile(r"\d{4}-\d{2}-\d{2}T00:00:00")


def text(limit: int | None = None, *, required: bool = False) -> Check:
    """Text of at most `limit` characters; null is the empty text."""

    def check(field: str, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise invalid(field, "Text erwartet.")
        if required and not (value or "").strip():
            raise invalid(field, "Pflichtfeld.")
        if limit is not None and len(value or "") > limit:
            raise invalid(field, f"Höchstens {limit} Zeichen.")
        return value or ""

    return check


def day(field: str, value: Any) -> str | None:
    """A day as `YYYY-MM-DDT00:00:00`, from 1753 on; null and "" are no day."""
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not _MIDNIGHT.fullmatch(value):
        raise invalid(field, "Datum im Format JJJJ-MM-TTT00:00:00 erwartet.")
    try:
        parsed = date.fromisoformat(value[:10])
    except ValueError as error:
        raise invalid(field, "Kein gültiges Datum.") from error
    if parsed < EARLIEST:
        raise invalid(field, "Das Datum liegt vor dem 01.01.1753.")
    return value


def moment(field: str, value: Any) -> str | None:
    """A local time as `YYYY-MM-DDTHH:MM:SS`, without a zone."""
    if value in (None, ""):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise invalid(field, "Kein gültiger Zeitpunkt.") from error
    if parsed.tzinfo is not None:
        raise invalid(field, "Ortszeit ohne Zeitzone erwartet.")
    if parsed.date() < EARLIEST:
        raise invalid(field, "Das Datum liegt vor dem 01.01.1753.")
    return parsed.isoformat(timespec="seconds")


def clock_time(field: str, value: Any) -> str:
    """A time of day or a duration as `HH:MM:SS`; empty is none."""
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", value):
        raise invalid(field, "Uhrzeit im Format HH:MM:SS erwartet.")
    return value


def minute(field: str, value: Any) -> str | None:
    """As `moment`, without its seconds."""
    stored = moment(field, value)
    return stored and stored[:-2] + "00"


def clock_minute(field: str, value: Any) -> str:
    """As `clock_time`, without its seconds, but for 23:59:59: that is the end of an appointment of whole days."""
    stored = clock_time(field, value)
    return stored if stored in ("", LAST_SECOND) else stored[:-2] + "00"


def yes_or_no(field: str, value: Any) -> bool:
    """A bool; null is false."""
    if value not in (None, True, False) or (isinstance(value, int | float) and not isinstance(value, bool)):
        raise invalid(field, "true oder false erwartet.")
    return bool(value)


def number(lowest: int, highest: int, default: int | None = None) -> Check:
    """A whole number in a range; null is the default, or invalid where there is none."""

    def check(field: str, value: Any) -> int:
        value = default if value is None else value
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise invalid(field, f"Zahl von {lowest} bis {highest} erwartet.")
        return value

    return check


def country(field: str, value: Any) -> str:
    """ISO 3166 alpha-2, or empty."""
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2}", value):
        raise invalid(field, "Länderkürzel aus zwei Buchstaben erwartet.")
    return value


BETEILIGTE_WRITABLE: Mapping[str, Check] = {
    "name": text(140, required=True),
    "vorname": text(64),
    "rechtsform": text(),
    "titel": text(),
    "anrede": text(),
    "bAnrede": text(),
    "zusatz": text(),
    "geburtsdatum": day,
}
BETEILIGTE_READ_ONLY: Mapping[str, Check] = dict.fromkeys(
    ("art", "kurzname", "geburtsname", "familienstand", "handelsRegisterNummer", "registergericht"), text()
)
BETEILIGTE_ALL = {**BETEILIGTE_WRITABLE, **BETEILIGTE_READ_ONLY}

KOMMUNIKATION_PUT: Mapping[str, Check] = {"tlf": text(), "bemerkung": text(255), "online": yes_or_no}
KOMMUNIKATION_ALL: Mapping[str, Check] = {"kommKz": number(1, 12), **KOMMUNIKATION_PUT}

ADRESSEN_PUT: Mapping[str, Check] = dict.fromkeys(("strasse", "plz", "ort", "anschrift"), text())
ADRESSEN_ALL: Mapping[str, Check] = {
    **ADRESSEN_PUT,
    "land": country,
    "postfach": text(),
    "postfachPLZ": text(),
    "standardAnschrift": yes_or_no,
    "bemerkung": text(),
    "gueltigVon": day,
    "gueltigBis": day,
}

BANKVERBINDUNGEN_ALL: Mapping[str, Check] = {
    **dict.fromkeys(("kontoinhaber", "iban", "bic", "bank", "kontoNr", "blz", "mandatsreferenz"), text()),
    "mandatVom": day,
}

TERMINE_DESK: Mapping[str, Check] = {
    "anwalt": text(),
    "sb": text(),
    "datum": minute,
    "uhrzeitBis": clock_minute,
    "datumBis": minute,
    "text": text(),
    "notiz": text(),
    "ort": text(),
    "dauertermin": number(0, 1, 0),
    "turnus": number(0, 999, 0),
    "turnusArt": number(0, 4, 0),
    "vorbereitungsDauer": clock_minute,
}
"""At a desk a `notiz` may be of any length: some are older than the limit."""
TERMINE_API = {**TERMINE_DESK, "notiz": text(LONGEST_NOTIZ)}


def replaced(fields: Mapping[str, Check], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a PUT or POST stores: every one of these fields, empty where left out; anything else is silently ignored."""
    return {name: check(name, given.get(name)) for name, check in fields.items()}


def merged(fields: Mapping[str, Check], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a person changed at a desk: only the given fields; a field that the form does not have is an error."""
    if unknown := set(given) - set(fields):
        raise invalid(", ".join(sorted(unknown)), "Dieses Feld gibt es nicht.")
    return {name: fields[name](name, value) for name, value in given.items()}
