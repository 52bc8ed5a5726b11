"""Advoware's record of a Termin, or of an employee → our value, and back. Pure; no error holds a value of a record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kanzlei.termine import (
    LAST_SECOND,
    LONGEST_NOTIZ,
    LONGEST_NOTIZ_END,
    MIDNIGHT,
    Mitarbeiter,
    Termin,
    TerminValues,
    Unreadable,
)
from synckit import clamps

LOCAL = ZoneInfo("Europe/Berlin")
NUMBER = "frNr"
LONGEST_KUERZEL = 20
MOST_TURNUS = 999
FIELDS: Mapping[str, str] = {
    "datum": "datum",
    "sb": "sb",
    "anwalt": "anwalt",
    "uhrzeit_bis": "uhrzeitBis",
    "datum_bis": "datumBis",
    "text": "text",
    "notiz": "notiz",
    "ort": "ort",
    "dauertermin": "dauertermin",
    "turnus": "turnus",
    "turnus_art": "turnusArt",
    "vorbereitung": "vorbereitungsDauer",
}
"""Our name → Advoware's, of all that a write takes."""
NEVER_SENT = ("rowId", "geaendertAm")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9](\.[0-9]{1,7})?)?\Z", re.ASCII)

Row = Mapping[str, Any]


class _Refused(Exception):
    """A value that can't be; the field's name."""


def number_of(row: object) -> int | None:
    """None for what is no row, or has no number."""
    return clamps.whole(row.get(NUMBER), least=1) if isinstance(row, Mapping) else None


def termin_of(row: Row) -> Termin:
    """Unreadable for a row that can't be one. The row has a number."""
    frnr = number_of(row) or 0
    try:
        version = clamps.version(row.get("rowId"))
        if not version:
            raise _Refused("rowId")
        return _termin(frnr, version, row)
    except _Refused as refused:
        raise Unreadable(str(refused), frnr) from None


def _termin(frnr: int, version: str, row: Row) -> Termin:
    notiz = _text(row, "notiz")
    is_cut = len(notiz) > LONGEST_NOTIZ
    datum = _start(row)
    values = TerminValues(
        datum=datum,
        sb=_text(row, "sb").strip(),
        anwalt=_text(row, "anwalt").strip(),
        uhrzeit_bis=_end(row, datum),
        datum_bis=_moment(row, "datumBis"),
        text=_text(row, "text"),
        notiz=notiz[:LONGEST_NOTIZ],
        ort=_text(row, "ort"),
        dauertermin=bool(_whole(row, "dauertermin", 1)),
        turnus=_whole(row, "turnus", MOST_TURNUS),
        turnus_art=_whole(row, "turnusArt", 4),
        vorbereitung=_duration(row, "vorbereitungsDauer"),
    )
    end = notiz[-LONGEST_NOTIZ_END:] if is_cut else ""
    return Termin(frnr, version, values, clamps.moment(row.get("geaendertAm"), LOCAL), len(notiz), end)


def body_of(values: TerminValues, names: Iterable[str] = FIELDS) -> dict[str, Any]:
    """These fields as a write takes them. Whole days end at 00:00:00: a write cuts seconds, and 23:59 is no end."""
    told: dict[str, Any] = {
        "datum": _as_moment(values.datum),
        "uhrzeitBis": "" if values.uhrzeit_bis is None else _as_clock(values.uhrzeit_bis, values.has_whole_days),
        "datumBis": None if values.datum_bis is None else _as_moment(values.datum_bis),
        "dauertermin": int(values.dauertermin),
        "vorbereitungsDauer": _as_duration(values.vorbereitung),
    }
    return {FIELDS[name]: told.get(FIELDS[name], getattr(values, name)) for name in FIELDS if name in set(names)}


def replaced(row: Row, values: TerminValues, names: Iterable[str]) -> dict[str, Any]:
    """The whole record for a PUT: these fields changed, all others as they are, those too that we know nothing of."""
    body = {name: value for name, value in row.items() if name not in NEVER_SENT}
    body |= body_of(values, names)
    if values.has_whole_days and body.get("uhrzeitBis") == LAST_SECOND.isoformat():
        body["uhrzeitBis"] = MIDNIGHT.isoformat()
    return body


def employee_of(row: object) -> Mitarbeiter | None:
    """None for what is no employee with a Kürzel."""
    if not isinstance(row, Mapping):
        return None
    kuerzel = row.get("kuerzel")
    if not isinstance(kuerzel, str) or not 0 < len(kuerzel.strip()) <= LONGEST_KUERZEL:
        return None
    name, vorname, email = (value if isinstance(value := row.get(each), str) else "" for each in NAMES)
    return Mitarbeiter(kuerzel.strip(), name, vorname, email.strip(), row.get("aktiv") is not False)


NAMES = ("name", "vorname", "email")


def _start(row: Row) -> datetime:
    found = _moment(row, "datum")
    if found is None:
        raise _Refused("datum")
    return found


def _moment(row: Row, name: str) -> datetime | None:
    """None where it is empty, or a year by which databases say "never" or "for ever"."""
    value = row.get(name)
    if value in (None, ""):
        return None
    try:
        found = datetime.fromisoformat(value if len(value) <= clamps.LONGEST_TEXT else "")
    except (TypeError, ValueError):
        raise _Refused(name) from None
    if found.tzinfo is not None:
        raise _Refused(name)
    is_meant = clamps.FIRST_YEAR <= found.year <= clamps.LAST_YEAR
    return found.replace(second=0, microsecond=0) if is_meant else None


def _clock(row: Row, name: str) -> time | None:
    value = row.get(name)
    if value in (None, ""):
        return None
    match = _CLOCK.match(value) if isinstance(value, str) else None
    if match is None:
        raise _Refused(name)
    if value.startswith(LAST_SECOND.isoformat()):
        return LAST_SECOND
    return time(int(match[1]), int(match[2]))


def _end(row: Row, datum: datetime) -> time | None:
    """The last second of a day is kept where it ends whole days; of other Termine seconds do not count."""
    found = _clock(row, "uhrzeitBis")
    return time(23, 59) if found == LAST_SECOND and datum.time() != MIDNIGHT else found


def _duration(row: Row, name: str) -> timedelta:
    at = _clock(row, name)
    return timedelta(0) if at is None else timedelta(hours=at.hour, minutes=at.minute)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Refused(name)
    return value


def _whole(row: Row, name: str, most: int) -> int:
    value = row.get(name)
    if value in (None, ""):
        return 0
    found = int(value) if isinstance(value, bool) else clamps.whole(value, most=most)
    if found is None or found > most:
        raise _Refused(name)
    return found


def _as_moment(at: datetime) -> str:
    return at.replace(second=0, microsecond=0, tzinfo=None).isoformat(timespec="seconds")


def _as_clock(at: time, is_whole_day: bool) -> str:
    return (MIDNIGHT if is_whole_day else at.replace(second=0, microsecond=0)).isoformat(timespec="seconds")


def _as_duration(span: timedelta) -> str:
    """At most 23:59:00, and nothing where there is none."""
    minutes = min(max(int(span.total_seconds() // 60), 0), 24 * 60 - 1)
    return f"{minutes // 60:02}:{minutes % 60:02}:00" if minutes else ""
