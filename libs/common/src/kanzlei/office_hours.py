"""When the office is open: hours by weekday, in Berlin's time, without the public holidays of its Land. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from holidays import country_holidays, list_supported_countries

ZONE = ZoneInfo("Europe/Berlin")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NATIONWIDE, NO_HOLIDAYS = "DE", "none"
LANDS = (NATIONWIDE, NO_HOLIDAYS, *sorted(each for each in list_supported_countries()["DE"] if len(each) == 2))
"""What a Land may be called: its ISO code; `DE`: holidays of the whole country alone; `none`: no day is one."""
LONGEST = timedelta(days=31)
_DAY = timedelta(days=1)
_PART = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(-(?P<last>[A-Z][a-z]{2}))? "
    r"(?P<h1>[0-9]{2}):(?P<m1>[0-9]{2})-(?P<h2>[0-9]{2}):(?P<m2>[0-9]{2})",
    re.ASCII,
)
Minutes = tuple[int, int]
"""From and until, counted from midnight by the clock on the wall; until is 24 · 60 at most."""


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """`by_weekday`: 0 (Monday) to 6 → the stretches of that day, in order. Make it by `office_hours`."""

    by_weekday: Mapping[int, tuple[Minutes, ...]] = field(hash=False)
    land: str = NATIONWIDE

    def is_open(self, at: datetime) -> bool:
        """`at` is aware. The first moment of a stretch belongs to it, its last does not."""
        return any(start <= at < end for start, end in self._stretches(at.astimezone(ZONE).date()))

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """How long it was open in between, of the last 31 days before `end`; nothing where `end` is not later."""
        start = max(start, end - LONGEST)
        day, last = start.astimezone(ZONE).date(), end.astimezone(ZONE).date()
        total = timedelta()
        while day <= last:
            shared = [min(until, end) - max(since, start) for since, until in self._stretches(day)]
            total += sum((each for each in shared if each > timedelta()), timedelta())
            day += _DAY
        return total

    def _stretches(self, day: date) -> Sequence[tuple[datetime, datetime]]:
        """In UTC: on the two days of the year on which the clock is changed an hour on the wall is none, or two."""
        hours = self.by_weekday.get(day.weekday(), ())
        if not hours or is_holiday(day, self.land):
            return ()
        return [(_moment(day, since), _moment(day, until)) for since, until in hours]


def office_hours(text: str, land: str = NATIONWIDE) -> OfficeHours:
    """`Mon-Thu 08:00-18:00, Fri 08:00-15:00` → hours. ValueError, with what is wanted, for anything else."""
    found: dict[int, list[Minutes]] = {}
    for part in text.split(","):
        days, minutes = _part(part.strip())
        for day in days:
            found.setdefault(day, []).append(minutes)
    for stretches in found.values():
        stretches.sort()
        if any(later[0] < earlier[1] for earlier, later in pairwise(stretches)):
            raise ValueError("two stretches of one day overlap")
    if land not in LANDS:
        raise ValueError(f"a Land is one of {', '.join(LANDS)}")
    return OfficeHours(MappingProxyType({day: tuple(each) for day, each in found.items()}), land)


def is_holiday(day: date, land: str = NATIONWIDE) -> bool:
    """Whether nobody works: Christmas Eve and New Year's Eve are no public holidays."""
    return land != NO_HOLIDAYS and day in _holidays(day.year, land)


@lru_cache(maxsize=64)
def _holidays(year: int, land: str) -> frozenset[date]:
    return frozenset(country_holidays("DE", subdiv=None if land == NATIONWIDE else land, years=year))


def _part(text: str) -> tuple[Sequence[int], Minutes]:
    found = _PART.fullmatch(text)
    if found is None or found["first"] not in DAYS or (found["last"] or found["first"]) not in DAYS:
        raise ValueError("hours are wanted like Mon-Fri 08:00-18:00, more of them after a comma")
    first, last = DAYS.index(found["first"]), DAYS.index(found["last"] or found["first"])
    since, until = (_minutes(found[f"h{n}"], found[f"m{n}"]) for n in (1, 2))
    if first > last or since >= until:
        raise ValueError("a week begins on Mon, and a stretch ends after it has begun, at 24:00 at the latest")
    return range(first, last + 1), (since, until)


def _minutes(hours: str, minutes: str) -> int:
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > 24 * 60:
        raise ValueError("a time is 00:00 to 24:00")
    return found


def _moment(day: date, minutes: int) -> datetime:
    if minutes == 24 * 60:
        day, minutes = day + _DAY, 0
    return datetime.combine(day, time(minutes // 60, minutes % 60), ZONE).astimezone(UTC)
