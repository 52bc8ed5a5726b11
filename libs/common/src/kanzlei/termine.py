"""Termine and Mitarbeiter as typed values, and the port through which they are read and written. Pure.

Times are local (Europe/Berlin), without a zone, in whole minutes. What they mean (whole days, series, preparation) is
for whoever reads them: here is only what the record says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from typing import Protocol

from synckit.errors import MappingError

MIDNIGHT = time(0, 0)
LAST_SECOND = time(23, 59, 59)
WHOLE_DAY_ENDS = (None, MIDNIGHT, LAST_SECOND)
LONGEST_NOTIZ = 16_000
"""Characters of a `notiz` that are kept from its beginning; the rest stays in Advoware."""
LONGEST_NOTIZ_END = 4_000
"""Characters that are kept from the end of a longer one: what we add stands there."""
FEW = 3
"""So many Termine may be gone at once without the empty list being doubted: each of them is confirmed by itself."""


class Unreadable(MappingError):
    """A row that can't be a Termin. It is there all the same: never take it for gone."""

    def __init__(self, field: str, frnr: int) -> None:
        super().__init__(field, "right", f"Termin {frnr} can't be read")
        self.frnr = frnr


@dataclass(frozen=True, slots=True)
class TerminValues:
    """What a write takes. `datum_bis` is the last day, of a series the last one on which it may begin; None: no end.

    `turnus_art`: 0 none, 1 daily, 2 weekly, 3 monthly, 4 yearly.
    """

    datum: datetime
    sb: str = ""
    anwalt: str = ""
    uhrzeit_bis: time | None = None
    datum_bis: datetime | None = None
    text: str = field(default="", repr=False)
    notiz: str = field(default="", repr=False)
    ort: str = field(default="", repr=False)
    dauertermin: bool = False
    turnus: int = 0
    turnus_art: int = 0
    vorbereitung: timedelta = timedelta(0)

    @property
    def has_whole_days(self) -> bool:
        """True for one that has days and no times."""
        return self.datum.time() == MIDNIGHT and self.uhrzeit_bis in WHOLE_DAY_ENDS

    def differing(self, other: TerminValues) -> tuple[str, ...]:
        """Names of the fields that say something else. All ends of whole days are the same."""
        names = [each.name for each in fields(self) if getattr(self, each.name) != getattr(other, each.name)]
        if self.has_whole_days and other.has_whole_days and "uhrzeit_bis" in names:
            names.remove("uhrzeit_bis")
        return tuple(names)


@dataclass(frozen=True, slots=True)
class Termin:
    """One record as it was read. `row_id` changes on every write; `geaendert_am` is UTC, None where it is not told.

    Where `notiz_length` (of the whole) is more than `values.notiz` has, that is its beginning, and `notiz_end` its end.
    """

    frnr: int
    row_id: str
    values: TerminValues
    geaendert_am: datetime | None = None
    notiz_length: int = 0
    notiz_end: str = field(default="", repr=False)

    @property
    def is_cut(self) -> bool:
        """True where only the beginning and the end of the `notiz` are here."""
        return self.notiz_length > len(self.values.notiz)

    @property
    def place(self) -> Place:
        """Where to look for it again."""
        return Place(self.frnr, self.values.sb or self.values.anwalt, self.values.datum.date())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Termin was seen last."""

    frnr: int
    kuerzel: str
    day: date


@dataclass(frozen=True, slots=True)
class TerminList:
    """One window of one employee's diary, whole; `termine` are ordered by number.

    `unreadable` are numbers of rows that are there and can't be read, `nameless` counts rows without a number. Where
    there are such, what is missing may be one of them.
    """

    termine: tuple[Termin, ...]
    unreadable: tuple[int, ...] = ()
    nameless: int = 0


@dataclass(frozen=True, slots=True)
class Mitarbeiter:
    """One employee. `email` is "" where there is none."""

    kuerzel: str
    name: str = field(default="", repr=False)
    vorname: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    aktiv: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """What a write stored. `not_taken`: names of fields that read back otherwise than they were sent."""

    termin: Termin
    not_taken: tuple[str, ...] = ()


class Appointments(Protocol):
    """Advoware's diary. RemoteUnavailable where it is in trouble; Implausible, a kind of it, where it can't be true."""

    async def employees(self, *, active: bool = True) -> tuple[Mitarbeiter, ...]:
        """Those with a Kürzel, ordered by it. Never none: that is Implausible."""
        ...

    async def appointments(self, kuerzel: str, start: datetime, end: datetime, *, known: int = 0) -> TerminList:
        """All that touches the window, both ends included, or an error: never a part.

        `known` is how many live ones the caller knows there: none at all instead of more than a few is Implausible.
        """
        ...

    async def appointment(self, place: Place, *, control: Sequence[Place] = ()) -> Termin | None:
        """One by its number. None: it is gone, and Advoware shows others meanwhile (`control`: live ones, if any).

        Unreadable where it is there and can't be read, Implausible where nothing is certain.
        """
        ...

    async def create(self, values: TerminValues) -> Written:
        """Not safe to repeat: after an error with `maybe_applied` look for what it may have made."""
        ...

    async def replace(self, seen: Termin, values: TerminValues) -> Written:
        """Changes what differs from `seen`, and nothing else. StaleVersion where it has changed since, or is gone.

        Locked while a desk has it open. MappingError for a change of a `notiz` that is not here as a whole.
        """
        ...

    async def delete(self, seen: Termin) -> None:
        """Safe to repeat. StaleVersion where it has changed since, Locked while a desk has it open."""
        ...
