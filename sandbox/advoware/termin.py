"""One appointment as a value, the span that it covers, and on which days a series takes place. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from sandbox.advoware.fields import LAST_SECOND
from sandbox.advoware.records import new_row_id
from sandbox.advoware.switches import Switches
from sandbox.clocks import lying

WHOLE_DAY_ENDS = ("", "00:00:00", LAST_SECOND)
END_OF_DAY = time(23, 59, 59)
DAILY, WEEKLY, MONTHLY, YEARLY = 1, 2, 3, 4
MONTHS = {MONTHLY: 1, YEARLY: 12}


@dataclass(frozen=True)
class Termin:
    """Single or a series; times are local, without a zone. `changed` is in seconds."""

    fr_nr: int
    values: Mapping[str, Any]
    changed: datetime
    row_id: str = field(default_factory=new_row_id)

    @cached_property
    def begins(self) -> datetime:
        """Of a series: of its first occurrence."""
        return datetime.fromisoformat(self.values["datum"])

    @property
    def is_whole_days(self) -> bool:
        """True for one that has days and no times."""
        return self.begins.time() == time() and self.values["uhrzeitBis"] in WHOLE_DAY_ENDS

    @property
    def is_series(self) -> bool:
        """True for a Dauertermin with a rhythm."""
        return bool(self.values["dauertermin"] and self.values["turnusArt"])

    @cached_property
    def ends(self) -> datetime:
        """Of a series: the last moment in which an occurrence may take place. Never before it begins."""
        last = self.values["datumBis"] and datetime.fromisoformat(self.values["datumBis"])
        if self.is_series:
            return max(self.begins, datetime.combine(last or date.max, END_OF_DAY))
        day = max(self.begins.date(), last.date()) if last else self.begins.date()
        if self.is_whole_days:
            return datetime.combine(day, END_OF_DAY)
        until = self.values["uhrzeitBis"]
        at = time.fromisoformat(until) if until else (last or self.begins).time()
        return max(self.begins, datetime.combine(day, at))

    def touches(self, start: datetime, end: datetime) -> bool:
        """True where it, or an occurrence of it, may reach into the span; both ends are part of that."""
        return self.begins <= end and self.ends >= start

    def concerns(self, kuerzel: str) -> bool:
        """True where it stands in this employee's diary, or this is the lawyer; "" is everybody."""
        return kuerzel in ("", self.values["sb"], self.values["anwalt"])

    def as_json(self, switches: Switches) -> dict[str, Any]:
        """As GET shows it."""
        told = None if switches.termine_geaendert_am_null else lying(switches.geaendert_am_lie, self.changed)
        changed = told and told.isoformat(timespec="seconds")
        return {"frNr": self.fr_nr, "rowId": self.row_id, "geaendertAm": changed, **self.values}

    def days(self, first: date, last: date) -> Iterator[date]:
        """The days in this span on which it takes place; of one that lasts longer, all of them."""
        if self.is_series:
            yield from (day for day in self._occurrences(last) if day >= first)
            return
        day = max(first, self.begins.date())
        while day <= min(last, self.ends.date()):
            yield day
            day += timedelta(days=1)

    def _occurrences(self, last: date) -> Iterator[date]:
        every, kind, start = max(self.values["turnus"], 1), self.values["turnusArt"], self.begins.date()
        last = min(last, self.ends.date())
        number = 0
        while (day := _occurrence(start, kind, every * number)) is not None and day <= last:
            yield day
            number += 1


def _occurrence(start: date, kind: int, distance: int) -> date | None:
    """So many days, weeks, months or years later; a day that a month lacks is its last one. None: past year 9999."""
    try:
        if kind not in MONTHS:
            return start + timedelta(days=distance * (7 if kind == WEEKLY else 1))
        month = start.month - 1 + distance * MONTHS[kind]
        year, month = start.year + month // 12, month % 12 + 1
        return date(year, month, min(start.day, monthrange(year, month)[1]))
    except (OverflowError, ValueError):
        return None
