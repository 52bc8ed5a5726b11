"""Termine and Mitarbeiter: the office's appointments and employees in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sandbox.advoware.fields import TERMINE_ALL, replaced
from sandbox.advoware.office import BERLIN
from sandbox.advoware.records import new_row_id
from sandbox.advoware.refusal import invalid, not_found

MOST_IN_ONE_ANSWER = 10_000


@dataclass(frozen=True)
class Termin:
    """One appointment, single or a series; times are local, without a zone."""

    fr_nr: int
    values: Mapping[str, Any]
    changed: datetime
    row_id: str = field(default_factory=new_row_id)

    def touches(self, start: datetime | None, end: datetime | None) -> bool:
        """True where it, or its series, reaches into the span."""
        begins = datetime.fromisoformat(self.values["datum"])
        last = self.values["datumBis"] if self.values["dauertermin"] else None
        ends = max(begins, datetime.fromisoformat(last)) if last else begins
        return (end is None or begins <= end) and (start is None or ends >= start)

    def as_json(self) -> dict[str, Any]:
        """As GET shows it."""
        changed = self.changed.isoformat(timespec="seconds")
        return {"frNr": self.fr_nr, "rowId": self.row_id, "geaendertAm": changed, **self.values}


@dataclass(frozen=True)
class Mitarbeiter:
    """One employee."""

    kuerzel: str
    name: str
    vorname: str
    email: str
    aktiv: bool = True


EMPLOYEES = (
    Mitarbeiter("SB", "Sandbrink", "Beate", "sb@kanzlei.example"),
    Mitarbeiter("KMO", "Moosbach", "Konrad", "kmo@kanzlei.example"),
    Mitarbeiter("AH", "Hollerstein", "Anke", "ah@kanzlei.example", aktiv=False),
)


class Diary:
    """All appointments by number, and the employees by Kürzel."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._termine: dict[int, Termin] = {}
        self._last = 70_000
        self.employees = {each.kuerzel: each for each in EMPLOYEES}

    def find(self, kuerzel: str, start: datetime | None, end: datetime | None) -> list[Termin]:
        """The appointments of one employee in a span, all in one answer."""
        found = [
            termin
            for termin in self._termine.values()
            if kuerzel in ("", termin.values["anwalt"], termin.values["sb"]) and termin.touches(start, end)
        ]
        return found[:MOST_IN_ONE_ANSWER]

    def post(self, given: Mapping[str, Any]) -> Termin:
        """A new appointment."""
        values = self._checked(given)
        self._last += 1
        return self._keep(Termin(self._last, values, self._local_now()))

    def put(self, given: Mapping[str, Any]) -> Termin:
        """Replace the appointment whose number is in the body."""
        old = self._one(given.get("frNr"))
        return self._keep(replace(old, values=self._checked(given), changed=self._local_now(), row_id=new_row_id()))

    def delete(self, fr_nr: int) -> None:
        """Take it out."""
        del self._termine[self._one(fr_nr).fr_nr]

    def _local_now(self) -> datetime:
        return self._clock().astimezone(BERLIN).replace(tzinfo=None, microsecond=0)

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = replaced(TERMINE_ALL, given)
        if values["datum"] is None:
            raise invalid("datum", "Pflichtfeld.")
        if not values["anwalt"] and not values["sb"]:
            raise invalid("anwalt", "Pflichtfeld.")
        for name in ("anwalt", "sb"):
            if values[name] and values[name] not in self.employees:
                raise invalid(name, "Dieses Kürzel gibt es nicht.")
        return values

    def _one(self, fr_nr: object) -> Termin:
        termin = self._termine.get(fr_nr) if isinstance(fr_nr, int) else None
        if termin is None:
            raise not_found()
        return termin

    def _keep(self, termin: Termin) -> Termin:
        self._termine[termin.fr_nr] = termin
        return termin
