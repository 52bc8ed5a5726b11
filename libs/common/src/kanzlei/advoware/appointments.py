"""Advoware's Termine and Mitarbeiter over HTTP: the port `kanzlei.termine.Appointments`.

A list is whole or an error, a missing Termin is gone only when Advoware shows others meanwhile, and a write sends the
whole record back as it was read, with what is to change: PUT empties what it is not told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from kanzlei.advoware.auth import UPSTREAM
from kanzlei.advoware.client import AdvowareClient, single
from kanzlei.advoware.termin_record import FIELDS, NUMBER, body_of, employee_of, number_of, replaced, termin_of
from kanzlei.termine import FEW, Mitarbeiter, Place, Termin, TerminList, TerminValues, Unreadable, Written
from synckit import clamps
from synckit.errors import (
    Implausible,
    MappingError,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    SyncError,
    TransientError,
)

TERMINE = "/Termine"
MITARBEITER = "/Mitarbeiter"
MOST_IN_ONE_ANSWER = 10_000
"""So many, or more: Advoware has cut the rest off without a word."""
SHORTEST_PART = timedelta(minutes=1)
CONTROLS_ASKED = 3
NOT_FOUND, BAD_REQUEST = 404, 400
EVER = (
    datetime.combine(date(clamps.FIRST_YEAR, 1, 1), time(0, 0)),
    datetime.combine(date(clamps.LAST_YEAR, 12, 31), time(23, 59, 59)),
)


class AdvowareAppointments:
    """The diary of one office. Nothing is repeated here: each method may be called again where its port says so."""

    def __init__(self, client: AdvowareClient) -> None:
        self._client = client

    async def employees(self, *, active: bool = True) -> tuple[Mitarbeiter, ...]:
        rows = await self._list(MITARBEITER, {"aktiv": "true"} if active else {})
        found: dict[str, Mitarbeiter] = {}
        for row in rows:
            employee = employee_of(row)
            if employee is None:
                self._client.bad_row(MITARBEITER, "")
            elif employee.aktiv or not active:
                found.setdefault(employee.kuerzel, employee)
        if not found:
            raise Implausible(UPSTREAM, "an office without employees")
        return tuple(found[kuerzel] for kuerzel in sorted(found))

    async def appointments(self, kuerzel: str, start: datetime, end: datetime, *, known: int = 0) -> TerminList:
        found = _Found()
        async for rows in self._parts(kuerzel, start, end):
            for row in rows:
                self._take(row, kuerzel, found)
        if not found.termine and found.skipped > FEW:
            raise Implausible(UPSTREAM, "a list of which no row can be read")
        if not found.termine and not found.skipped and known > FEW:
            raise Implausible(UPSTREAM, f"an empty list instead of {known}")
        return found.as_list()

    def _take(self, row: Any, kuerzel: str, found: _Found) -> None:
        """A row that can't be read is no reason to see none. One of somebody else's is: no row can be trusted then."""
        frnr = number_of(row)
        if frnr is None:
            found.nameless += 1
            self._client.bad_row(TERMINE, "")
            return
        try:
            termin = termin_of(row)
        except Unreadable:
            found.unreadable.add(frnr)
            self._client.bad_row(TERMINE, str(frnr))
            return
        wanted = kuerzel.casefold()
        if wanted not in (termin.values.sb.casefold(), termin.values.anwalt.casefold()):
            raise Implausible(UPSTREAM, "a list with Termine of other employees")
        found.termine[frnr] = termin

    async def appointment(self, place: Place, *, control: Sequence[Place] = ()) -> Termin | None:
        row = await self._find(place)
        if row is not None:
            return termin_of(row)
        await self._require_control(place, control)
        return None

    async def create(self, values: TerminValues) -> Written:
        told = single(await self._client.call("POST", TERMINE, body=body_of(values)), written=True)
        frnr = number_of(told)
        if frnr is None:
            raise RemoteUnavailable(UPSTREAM, "a created Termin without its number", maybe_applied=True)
        place = Place(frnr, values.sb or values.anwalt, values.datum.date())
        return _compared(values, await self._stored(place, told))

    async def replace(self, seen: Termin, values: TerminValues) -> Written:
        names = seen.values.differing(values)
        if seen.is_cut and "notiz" in names:
            raise MappingError(FIELDS["notiz"], "right", "a change of a text that is not here as a whole")
        row = await self._unchanged(seen)
        if row is None:
            raise StaleVersion(f"{UPSTREAM}: Termin {seen.frnr} is not there any more")
        body = {**replaced(row, values, names), NUMBER: seen.frnr}
        try:
            told = single(await self._client.call("PUT", TERMINE, body=body), written=True)
        except RemoteRejected as error:
            if error.status == NOT_FOUND:
                raise StaleVersion(f"{UPSTREAM}: Termin {seen.frnr} is not there any more") from None
            raise
        if number_of(told) not in (None, seen.frnr):
            raise RemoteUnavailable(UPSTREAM, "an answer about another Termin", maybe_applied=True)
        return await self._read_back(values, told, seen.frnr)

    async def delete(self, seen: Termin) -> None:
        if await self._unchanged(seen) is None:
            return
        try:
            await self._client.call("DELETE", TERMINE, params={"frnr": str(seen.frnr)})
        except RemoteRejected as error:
            if error.status != NOT_FOUND:
                raise

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _parts(self, kuerzel: str, start: datetime, end: datetime) -> AsyncIterator[list[Any]]:
        """The window's list, or those of its halves for as long as one is cut. What reaches into both comes twice."""
        left = [(start, end)]
        while left:
            first, last = left.pop()
            span = {"from": first.isoformat(timespec="seconds"), "to": last.isoformat(timespec="seconds")}
            rows = await self._list(TERMINE, {"kuerzel": kuerzel, **span})
            if len(rows) < MOST_IN_ONE_ANSWER:
                yield rows
                continue
            if last - first <= SHORTEST_PART:
                raise Implausible(UPSTREAM, "more Termine at one time than a list can hold")
            middle = (first + (last - first) // 2).replace(microsecond=0)
            left += [(middle, last), (first, middle)]

    async def _list(self, path: str, params: dict[str, str]) -> list[Any]:
        try:
            answer = await self._client.call("GET", path, params=params)
        except RemoteRejected as error:
            if error.status == NOT_FOUND:
                raise Implausible(UPSTREAM, "no list where there always is one") from None
            raise
        if not isinstance(answer, list):
            raise Implausible(UPSTREAM, "a list without a list")
        return answer

    async def _find(self, place: Place) -> dict[str, Any] | None:
        """The row by its number; where that is not answered, in the list of its day, then in that of all days."""
        rows = await self._by_number(place.frnr)
        if (row := _row_of(place.frnr, rows or ())) is not None:
            return row
        spans = [_whole_day(place.day)] if rows == [] else [_whole_day(place.day), EVER]
        for span in spans:
            async for listed in self._parts(place.kuerzel, *span):
                if (row := _row_of(place.frnr, listed)) is not None:
                    return row
                if not all(number_of(each) for each in listed):
                    raise Implausible(UPSTREAM, "a list of which a row has no number")
        return None

    async def _by_number(self, frnr: int) -> list[Any] | None:
        """What is answered for a number: [] where there is none, None where the question is not understood."""
        try:
            answer = await self._client.call("GET", TERMINE, params={"frnr": str(frnr)})
        except RemoteRejected as error:
            if error.status == NOT_FOUND:
                return []
            if error.status == BAD_REQUEST:
                return None
            raise
        if isinstance(answer, dict):
            return [answer]
        if not isinstance(answer, list):
            raise Implausible(UPSTREAM, "an answer that is no Termin")
        return answer

    async def _require_control(self, place: Place, control: Sequence[Place]) -> None:
        """An outage answers nothing for everything. Implausible unless something is seen that must be there."""
        others = [each for each in control if each.frnr != place.frnr][:CONTROLS_ASKED]
        if not others:
            await self.employees()
            return
        for each in others:
            if await self._find(each) is not None:
                return
        raise Implausible(UPSTREAM, "nothing is there, neither what is asked for nor what must be")

    async def _unchanged(self, seen: Termin) -> dict[str, Any] | None:
        """The row as it is now, None where it is not there. StaleVersion where somebody has written since."""
        row = await self._find(seen.place)
        if row is not None and clamps.version(row.get("rowId")) != seen.row_id:
            raise StaleVersion(f"{UPSTREAM}: Termin {seen.frnr} has changed since it was read")
        return row

    # -- what was written ---------------------------------------------------------------------------------------------

    async def _read_back(self, values: TerminValues, told: dict[str, Any], frnr: int) -> Written:
        """Where somebody has written after us, the answer says what was taken of ours."""
        place = Place(frnr, values.sb or values.anwalt, values.datum.date())
        now = await self._stored(place, {})
        ours = clamps.version(told.get("rowId"))
        if ours and ours != now.row_id:
            return Written(now, _compared(values, termin_of({**told, NUMBER: frnr})).not_taken)
        return _compared(values, now)

    async def _stored(self, place: Place, told: dict[str, Any]) -> Termin:
        """What the answer says, where it is the whole record; else it is read."""
        try:
            row = told if clamps.version(told.get("rowId")) and told.get("datum") else await self._find(place)
            if row is not None:
                return termin_of(row)
        except SyncError as error:
            if isinstance(error, TransientError | MappingError):
                raise RemoteUnavailable(UPSTREAM, "written, but not read back", maybe_applied=True) from error
            raise
        raise RemoteUnavailable(UPSTREAM, "written, but not to be found", maybe_applied=True)


class _Found:
    """What a list has so far."""

    def __init__(self) -> None:
        self.termine: dict[int, Termin] = {}
        self.unreadable: set[int] = set()
        self.nameless = 0

    @property
    def skipped(self) -> int:
        return len(self.unreadable) + self.nameless

    def as_list(self) -> TerminList:
        termine = tuple(self.termine[frnr] for frnr in sorted(self.termine))
        return TerminList(termine, tuple(sorted(self.unreadable - self.termine.keys())), self.nameless)


def _row_of(frnr: int, rows: Sequence[Any]) -> dict[str, Any] | None:
    return next((row for row in rows if number_of(row) == frnr), None)


def _whole_day(day: date) -> tuple[datetime, datetime]:
    return datetime.combine(day, time(0, 0)), datetime.combine(day, time(23, 59, 59))


def _compared(values: TerminValues, stored: Termin) -> Written:
    if stored.is_cut:
        # A write takes less than that, so this notiz was not ours to change.
        return Written(stored, tuple(name for name in values.differing(stored.values) if name != "notiz"))
    return Written(stored, values.differing(stored.values))
