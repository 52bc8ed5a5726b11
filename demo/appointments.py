"""The appointments of the demo: texts so odd that one can search all logs and topics for them, on days ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")

HEARING, COURT, NOTE = "Räumungsklage Löffelstör ./. Quappenfang", "Amtsgericht Neunaugen, Saal 7", "Akte Schleienbiss"
DRAGGED = "Ortstermin Barschklinge"
MERGED, OTHER_PLACE = "Mandantengespräch Hechtsuppe", "Kanzlei Karpfenteich, Zimmer 2"
SERIES = "Jour fixe Stichlingsrunde"
OWN = "Zahnarzt Dr. Flunderich"
THEIRS = "Verkündung Rotfeder ./. Weißfisch"
MANY = tuple(f"Fristende Ukelei {number}" for number in range(1, 7))
KILLED = "Notartermin Zanderfilet"
PROTECTED, FROM_PHONE = "Haftprüfung Gründling", "Elternabend Schmerlenschule"


def texts() -> Iterator[str]:
    """Every title, place and note: in the two calendars, and nowhere else."""
    yield from (HEARING, COURT, NOTE, DRAGGED, MERGED, OTHER_PLACE, SERIES, OWN, THEIRS, *MANY, KILLED)
    yield from (PROTECTED, FROM_PHONE)


def ahead(hour: int, minute: int = 0, *, days: int = 21) -> datetime:
    """A moment of the day so many days ahead: Berlin's time, without a zone, as both calendars are told it."""
    today = datetime.now(BERLIN).date()
    return datetime.combine(today + timedelta(days=days), datetime.min.time()).replace(hour=hour, minute=minute)


def clock_change() -> date:
    """The next day on which Berlin's clocks are put forward or back, two weeks ahead at least."""
    day = datetime.now(BERLIN).date() + timedelta(days=14)
    while _offset(day) == _offset(day + timedelta(days=1)):
        day += timedelta(days=1)
    return day


def _offset(day: date) -> timedelta | None:
    return datetime.combine(day, datetime.min.time(), BERLIN).utcoffset()
