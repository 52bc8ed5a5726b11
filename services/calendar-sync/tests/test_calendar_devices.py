"""The machine with one device taken out: what the device is for must be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from calendar_machine import CalendarMachine
from calendar_office import Office
from fake_google import FakeGoogle

from calendar_sync.domain.block import split
from calendar_sync.domain.values import CalendarRef, Event, Strategy
from kanzlei.termine import Place, Termin, TerminValues, Written
from kanzlei.testing.appointments import FakeAppointments

DAY = datetime(2026, 10, 8, 9)


class TrustingDesk(FakeAppointments):
    """Confirm taken out: what a list lacks counts as gone."""

    async def appointment(self, place: Place, *, control: Sequence[Place] = ()) -> Termin | None:
        is_shown = place.frnr not in self.hidden and not self.is_empty
        return await super().appointment(place, control=control) if is_shown else None


class ForgetfulDesk(FakeAppointments):
    """The mark taken out: nothing in Advoware says which event a Termin was made for."""

    async def create(self, values: TerminValues) -> Written:
        return await super().create(replace(values, notiz=split(values.notiz)[0]))


class ChoosingGoogle(FakeGoogle):
    """Own ids taken out: the server chooses them, and keeps no mark."""

    async def insert(self, calendar: CalendarRef, body: Mapping[str, Any]) -> Event:
        told = {name: value for name, value in body.items() if name != "extendedProperties"}
        return await super().insert(calendar, {**told, "id": f"g{next(self.numbers):06d}chosen"})


class UnreadDesk(FakeAppointments):
    """Fresh taken out: a write does not look whether somebody has changed the Termin since it was read."""

    async def replace(self, seen: Termin, values: TerminValues) -> Written:
        self.termine[seen.frnr] = seen
        return await super().replace(seen, values)


DEVICES: Mapping[str, tuple[type[FakeAppointments], type[FakeGoogle]]] = {
    "confirm": (TrustingDesk, FakeGoogle),
    "own ids": (FakeAppointments, ChoosingGoogle),
    "mark": (ForgetfulDesk, FakeGoogle),
}


def without(device: str) -> type[CalendarMachine]:
    desk, google = DEVICES[device]

    class Unsafe(CalendarMachine):
        def make(self, strategy: Strategy, deletes_all: bool) -> Office:
            office = super().make(strategy, deletes_all)
            office.desk, office.google = desk(now=office.clock.now), google(now=office.clock.now)
            return office

    return Unsafe


def _confirm(machine: CalendarMachine) -> None:
    machine.a_person_enters(start=DAY, minutes=30, lines=None)
    machine.a_run_without_an_answer(at=4, maybe=False)
    machine.a_person_edits(which=0, place="Zimmer 1")
    machine.a_run_with_an_empty_list(in_google=False)


def _own_ids(machine: CalendarMachine) -> None:
    machine.a_desk_enters(start=DAY, minutes=30, is_series=False)
    machine.a_run_killed_at_a_write(write="google.insert", moment="after")


def _mark(machine: CalendarMachine) -> None:
    machine.a_person_enters(start=DAY, minutes=30, lines="RRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12")
    machine.a_run_that_crashes(at=1)


HISTORIES: Mapping[str, Callable[[CalendarMachine], None]] = {"confirm": _confirm, "own ids": _own_ids, "mark": _mark}
"""The shortest that the search finds without the device."""


@pytest.mark.parametrize("device", HISTORIES)
def test_a_device_taken_out_is_found(device: str) -> None:
    """With it all holds at the end of its history; without it, something is doubled."""
    for machine, is_safe in ((CalendarMachine(), True), (without(device)(), False)):
        machine.begin(strategy=Strategy.SOURCE, deletes_all=False)
        HISTORIES[device](machine)
        with nullcontext() if is_safe else pytest.raises(AssertionError, match="doubled"):
            machine.after_quiet()


async def test_an_edit_between_reading_and_writing_is_kept() -> None:
    """With fresh reads it is; without, the desk's word is written over."""
    for desk, kept in ((FakeAppointments, True), (UnreadDesk, False)):
        office = Office()
        office.desk = desk(now=office.clock.now)
        frnr = office.termin()
        await office.run()
        office.google.edit(office.calendar, office.event_of(frnr).id, location="Zimmer 1")
        _edits_before_the_write(office, frnr)
        await office.run()
        office.desk.faults.clear()
        await office.quiet()
        assert (office.desk.termine[frnr].values.text == "Verhandlung") is kept


def _edits_before_the_write(office: Office, frnr: int) -> None:
    """Somebody at a desk is quicker than the PUT."""

    async def late(seen: Termin, values: TerminValues) -> Written:
        office.desk.replace = write  # type: ignore[method-assign]
        office.desk.change(frnr, text="Verhandlung")
        return await write(seen, values)

    write = office.desk.replace
    office.desk.replace = late  # type: ignore[method-assign]
