"""Termine and Mitarbeiter of one law office in memory. Writes come from the API (with its traps) or from a desk."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sandbox.advoware.fields import TERMINE_API, TERMINE_DESK, merged, replaced
from sandbox.advoware.office import BERLIN, HISTORY_PER_RECORD, differing
from sandbox.advoware.records import Version, new_row_id
from sandbox.advoware.refusal import RefusedError, invalid, not_found
from sandbox.advoware.switches import Switches
from sandbox.advoware.termin import Termin
from sandbox.changes import ChangeLog

MOST_IN_ONE_ANSWER = 10_000
FIRST_TERMIN = 70_000
_KUERZEL = re.compile(r"[^\W\d_]{2,4}")


@dataclass(frozen=True)
class Mitarbeiter:
    """One employee. Without an address: "" or null, as it was entered."""

    kuerzel: str
    name: str
    vorname: str
    email: str | None = ""
    aktiv: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.kuerzel, str) or not _KUERZEL.fullmatch(self.kuerzel):
            raise invalid("kuerzel", "Zwei bis vier Buchstaben erwartet.")


EMPLOYEES = (
    Mitarbeiter("SB", "Sandbrink", "Beate", "sb@kanzlei.example"),
    Mitarbeiter("KMO", "Moosbach", "Konrad", "kmo@kanzlei.example"),
    Mitarbeiter("AH", "Hollerstein", "Anke", "ah@kanzlei.example", aktiv=False),
)


@dataclass(frozen=True)
class _Shown:
    """What reads show."""

    termine: Mapping[int, Termin]
    employees: Mapping[str, Mitarbeiter]


class Diary:
    """All appointments by number, and the employees by Kürzel."""

    def __init__(self, clock: Callable[[], datetime], changes: ChangeLog, switches: Switches) -> None:
        self.history: dict[int, deque[Version]] = {}
        self.employees = {each.kuerzel: each for each in EMPLOYEES}
        self._clock = clock
        self._changes = changes
        self._switches = switches
        self._termine: dict[int, Termin] = {}
        self._open: set[int] = set()
        self._last = FIRST_TERMIN
        self._snapshot: _Shown | None = None

    def follow_switches(self) -> None:
        """Keep what is shown as it is now, where the switches ask for that; else show everything as it is."""
        if not self._switches.show_the_past:
            self._snapshot = None
        elif self._snapshot is None:
            self._snapshot = _Shown(dict(self._termine), dict(self.employees))

    # -- reading, as the API shows it -----------------------------------------------------------------------------

    def seen(self, fr_nr: int) -> Termin | None:
        """As a GET sees it."""
        return self._shown().termine.get(fr_nr)

    def listed(self, kuerzel: str, start: datetime, end: datetime) -> list[Termin]:
        """Those of one employee in a span, all in one answer, the rest cut off without a word."""
        everything = self._shown().termine.values()
        found = [each for each in everything if each.concerns(kuerzel) and each.touches(start, end)]
        return found[:MOST_IN_ONE_ANSWER]

    def staff(self) -> list[Mitarbeiter]:
        """The employees as a GET sees them."""
        return list(self._shown().employees.values())

    def another(self, fr_nr: int) -> Termin | None:
        """Some other one, for answers that lie; the same one where there is no other."""
        termine = self._shown().termine
        return next((each for number, each in termine.items() if number != fr_nr), termine.get(fr_nr))

    def _shown(self) -> _Shown:
        return self._snapshot or _Shown(self._termine, self.employees)

    # -- reading, as it is ----------------------------------------------------------------------------------------

    def termin(self, fr_nr: object) -> Termin:
        """The one with this number."""
        found = self._termine.get(fr_nr) if isinstance(fr_nr, int) and not isinstance(fr_nr, bool) else None
        if found is None:
            raise not_found()
        return found

    def everything(self, kuerzel: str = "") -> list[Termin]:
        """All of one employee, or of all of them, ordered by number."""
        return [each for each in self._termine.values() if each.concerns(kuerzel)]

    # -- the API's writes -----------------------------------------------------------------------------------------

    def post(self, given: Mapping[str, Any]) -> Termin:
        """A new one. Of `sb` and `anwalt` one may be left out: it is as the other."""
        values = _complete(replaced(TERMINE_API, _with_both(given)))
        self._require_employees(values)
        return self._create(values, "api")

    def put(self, given: Mapping[str, Any]) -> Termin:
        """Replace the one whose number is in the body: what is left out is emptied. The last one wins."""
        if given.get("frNr") is None:
            raise invalid("frNr", "Pflichtfeld.")
        old = self._writable(given["frNr"])
        values = _complete(replaced(TERMINE_API, given))
        self._require_employees(values)
        return self._store(old, values, "api")

    def delete(self, fr_nr: int) -> None:
        """Take it out; 404 ever after."""
        self._remove(self._writable(fr_nr), "api")

    # -- a person at a desk ---------------------------------------------------------------------------------------

    def desk_create(self, given: Mapping[str, Any]) -> Termin:
        """A person enters a new one."""
        return self._create(_complete(replaced(TERMINE_DESK, _with_both(merged(TERMINE_DESK, given)))), "desk")

    def desk_change(self, fr_nr: int, given: Mapping[str, Any]) -> Termin:
        """A person changes some fields."""
        old, known = self.termin(fr_nr), TERMINE_DESK
        return self._store(old, _complete({**old.values, **merged(known, given)}), "desk")

    def desk_delete(self, fr_nr: int) -> None:
        """A person takes it out."""
        self._remove(self.termin(fr_nr), "desk")

    def desk_open(self, fr_nr: int) -> None:
        """A person opens it: the API's writes are refused with 409 until it is closed."""
        self._open.add(self.termin(fr_nr).fr_nr)

    def desk_close(self, fr_nr: int) -> None:
        """A person closes it."""
        self._open.discard(fr_nr)

    def is_open(self, fr_nr: int) -> bool:
        """True while a desk has it open."""
        return fr_nr in self._open

    def opened(self) -> list[int]:
        """The numbers of all that are open at a desk."""
        return sorted(self._open)

    def today(self) -> date:
        """In the office."""
        return self._local_now().date()

    # -- storing --------------------------------------------------------------------------------------------------

    def _local_now(self) -> datetime:
        return self._clock().astimezone(BERLIN).replace(tzinfo=None, microsecond=0)

    def _require_employees(self, values: Mapping[str, Any]) -> None:
        for name in ("anwalt", "sb"):
            if values[name] and values[name] not in self.employees:
                raise invalid(name, "Dieses Kürzel gibt es nicht.")

    def _writable(self, fr_nr: object) -> Termin:
        termin = self.termin(fr_nr)
        if termin.fr_nr in self._open:
            raise RefusedError(409, "Der Termin ist an einem Arbeitsplatz geöffnet.")
        return termin

    def _create(self, values: dict[str, Any], origin: str) -> Termin:
        self._last += 1
        filled = tuple(name for name, value in values.items() if value)
        return self._keep(Termin(self._last, values, self._local_now()), origin, "anlegen", filled)

    def _store(self, old: Termin, values: dict[str, Any], origin: str) -> Termin:
        fresh = replace(old, values=values, changed=self._local_now(), row_id=new_row_id())
        return self._keep(fresh, origin, "ändern", differing(old.values, values))

    def _keep(self, termin: Termin, origin: str, action: str, changed: tuple[str, ...]) -> Termin:
        self._termine[termin.fr_nr] = termin
        self._note(termin, origin, action, changed)
        told = {name: termin.values[name] for name in changed}
        verb = "create" if action == "anlegen" else "update"
        self._changes.add("Termine", str(termin.fr_nr), verb, origin, told)
        return termin

    def _remove(self, termin: Termin, origin: str) -> None:
        del self._termine[termin.fr_nr]
        self._open.discard(termin.fr_nr)
        self._note(termin, origin, "löschen", ())
        self._changes.add("Termine", str(termin.fr_nr), "delete", origin, {})

    def _note(self, termin: Termin, origin: str, action: str, changed: tuple[str, ...]) -> None:
        versions = self.history.setdefault(termin.fr_nr, deque(maxlen=HISTORY_PER_RECORD))
        versions.append(Version(self._clock(), origin, action, changed, termin.row_id, termin.values))


def _with_both(given: Mapping[str, Any]) -> dict[str, Any]:
    """`sb` and `anwalt`, one as the other where it is left out."""
    sb, anwalt = given.get("sb"), given.get("anwalt")
    return {**given, "sb": sb or anwalt, "anwalt": anwalt or sb}


def _complete(values: dict[str, Any]) -> dict[str, Any]:
    if values["datum"] is None:
        raise invalid("datum", "Pflichtfeld.")
    if not values["anwalt"] and not values["sb"]:
        raise invalid("anwalt", "Pflichtfeld.")
    return values
