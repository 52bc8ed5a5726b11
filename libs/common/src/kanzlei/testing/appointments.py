"""Advoware's diary in memory: the port, and what people do at desks. Its effects pass named points of `Faults`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from kanzlei.termine import (
    FEW,
    LAST_SECOND,
    MIDNIGHT,
    Mitarbeiter,
    Place,
    Termin,
    TerminList,
    TerminValues,
    Unreadable,
    Written,
)
from synckit.errors import Implausible, Locked, RemoteRejected, StaleVersion
from synckit.testing.faults import Faults

UPSTREAM = "advoware"
FIRST = 70_001
MOST_NOTIZ = 4_000
EMPLOYEES = (
    Mitarbeiter("SB", "Sandbrink", "Beate", "sb@kanzlei.example"),
    Mitarbeiter("KMO", "Moosbach", "Konrad", "kmo@kanzlei.example"),
    Mitarbeiter("AH", "Hollerstein", "Anke", "ah@kanzlei.example", aktiv=False),
)


def _noon() -> datetime:
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class FakeAppointments:
    """`kanzlei.termine.Appointments`. Numbers go up from 70001.

    `hidden` are missing from lists and can be read, `poisonous` are there and can't be read; `is_empty`: an outage in
    which everything answers nothing; `opened` are open at a desk. `calls` are the port's, in order; `writes` counts
    those that were done.
    """

    now: Callable[[], datetime] = _noon
    faults: Faults = field(default_factory=Faults)
    termine: dict[int, Termin] = field(default_factory=dict)
    staff: dict[str, Mitarbeiter] = field(default_factory=lambda: {each.kuerzel: each for each in EMPLOYEES})
    hidden: set[int] = field(default_factory=set)
    poisonous: set[int] = field(default_factory=set)
    opened: set[int] = field(default_factory=set)
    is_empty: bool = False
    calls: list[str] = field(default_factory=list)
    last: int = FIRST - 1
    versions: int = 0
    writes: int = 0

    # -- the port -----------------------------------------------------------------------------------------------------

    async def employees(self, *, active: bool = True) -> tuple[Mitarbeiter, ...]:
        self._asked("employees")
        found = [each for each in self.staff.values() if each.aktiv or not active]
        if self.is_empty or not found:
            raise Implausible(UPSTREAM, "an office without employees")
        return tuple(sorted(found, key=lambda each: each.kuerzel))

    async def appointments(self, kuerzel: str, start: datetime, end: datetime, *, known: int = 0) -> TerminList:
        self._asked("appointments")
        shown = () if self.is_empty else sorted(self.termine.keys() - self.hidden)
        found = [self.termine[frnr] for frnr in shown if concerns(self.termine[frnr].values, kuerzel)]
        found = [each for each in found if touches(each.values, start, end)]
        if not found and known > FEW:
            raise Implausible(UPSTREAM, f"an empty list instead of {known}")
        readable = tuple(each for each in found if each.frnr not in self.poisonous)
        return TerminList(readable, tuple(each.frnr for each in found if each.frnr in self.poisonous))

    async def appointment(self, place: Place, *, control: Sequence[Place] = ()) -> Termin | None:
        self._asked("appointment")
        found = self._seen(place.frnr)
        if found is None:
            others = [each.frnr for each in control if each.frnr != place.frnr]
            if self.is_empty or (others and not any(frnr in self.termine for frnr in others)):
                raise Implausible(UPSTREAM, "nothing is there, neither what is asked for nor what must be")
        elif found.frnr in self.poisonous:
            raise Unreadable("datum", found.frnr)
        return found

    async def create(self, values: TerminValues) -> Written:
        self._asked("create")
        self.faults.at("advoware.create.before")
        if len(values.notiz) > MOST_NOTIZ:
            raise RemoteRejected(UPSTREAM, 400, "rejected", field="notiz")
        made = self.enter(values)
        self.writes += 1
        self.faults.at("advoware.create.after")
        return Written(made)

    async def replace(self, seen: Termin, values: TerminValues) -> Written:
        self._asked("replace")
        self.faults.at("advoware.replace.before")
        now = self._writable(seen)
        if now is None:
            raise StaleVersion(f"{UPSTREAM}: Termin {seen.frnr} is not there any more")
        if len(values.notiz) > MOST_NOTIZ:
            raise RemoteRejected(UPSTREAM, 400, "rejected", field="notiz")
        changes = {name: getattr(values, name) for name in seen.values.differing(values)}
        written = self.change(seen.frnr, **changes)
        self.writes += 1
        self.faults.at("advoware.replace.after")
        return Written(written)

    async def delete(self, seen: Termin) -> None:
        self._asked("delete")
        self.faults.at("advoware.delete.before")
        if self._writable(seen) is not None:
            self.remove(seen.frnr)
            self.writes += 1
        self.faults.at("advoware.delete.after")

    # -- people at desks ----------------------------------------------------------------------------------------------

    def enter(self, values: TerminValues) -> Termin:
        """A new one; of `sb` and `anwalt` one may be left out."""
        self.last += 1
        both = replace(values, sb=values.sb or values.anwalt, anwalt=values.anwalt or values.sb)
        return self._keep(self.last, both)

    def change(self, frnr: int, **changes: object) -> Termin:
        """Some fields of one. The row id changes even where nothing else does."""
        return self._keep(frnr, replace(self.termine[frnr].values, **changes))  # type: ignore[arg-type]

    def remove(self, frnr: int) -> None:
        """Takes one out."""
        del self.termine[frnr]
        self.opened.discard(frnr)

    def _keep(self, frnr: int, values: TerminValues) -> Termin:
        self.versions += 1
        at = self.now().replace(microsecond=0)
        stored = Termin(frnr, f"row-{self.versions}", _cut(values), at, len(values.notiz))
        self.termine[frnr] = stored
        return stored

    def _asked(self, call: str) -> None:
        self.calls.append(call)
        self.faults.at(f"advoware.{call}")

    def _seen(self, frnr: int) -> Termin | None:
        return None if self.is_empty else self.termine.get(frnr)

    def _writable(self, seen: Termin) -> Termin | None:
        now = self._seen(seen.frnr)
        if now is not None and now.row_id != seen.row_id:
            raise StaleVersion(f"{UPSTREAM}: Termin {seen.frnr} has changed since it was read")
        if now is not None and now.frnr in self.opened:
            raise Locked(f"{UPSTREAM}: the record is open at a desk")
        return now


def concerns(values: TerminValues, kuerzel: str) -> bool:
    """True where it stands in this employee's diary, or this is the lawyer."""
    return kuerzel in (values.sb, values.anwalt)


def touches(values: TerminValues, start: datetime, end: datetime) -> bool:
    """True where it may reach into the span, both ends included; a series from its first day to its last."""
    last = values.datum_bis or values.datum
    if values.dauertermin and values.turnus_art:
        ends = datetime.combine(values.datum_bis.date() if values.datum_bis else date.max, LAST_SECOND)
    else:
        day = max(values.datum, last).date()
        at = LAST_SECOND if values.has_whole_days else values.uhrzeit_bis or last.time()
        ends = datetime.combine(day, at)
    return values.datum <= end and max(values.datum, ends) >= start


def _cut(values: TerminValues) -> TerminValues:
    """A write cuts seconds."""
    ends = values.uhrzeit_bis
    whole_day = values.has_whole_days and ends is not None
    return replace(
        values,
        datum=values.datum.replace(second=0, microsecond=0),
        datum_bis=values.datum_bis and values.datum_bis.replace(second=0, microsecond=0),
        uhrzeit_bis=MIDNIGHT if whole_day else ends and ends.replace(second=0, microsecond=0),
        vorbereitung=timedelta(minutes=values.vorbereitung // timedelta(minutes=1)),
    )
