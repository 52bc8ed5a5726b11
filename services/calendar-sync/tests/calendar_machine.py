"""People on both sides, runs, crashes, lies and clocks: what must hold afterwards, whatever happened in between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from calendar_office import START, Office
from fake_google import times_of
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from calendar_sync.domain.desk_form import seen_at_desk
from calendar_sync.domain.google_form import occurrence_id, seen_in_google
from calendar_sync.domain.local_time import exists
from calendar_sync.domain.memory import Kind, State
from calendar_sync.domain.values import Mode, Profile, Strategy
from synckit.errors import RemoteUnavailable, SyncError
from synckit.testing.faults import Crash

DAYS = st.sampled_from(
    [datetime(2026, 10, day, hour) for day in (8, 20, 25) for hour in (9, 14)]
    + [datetime(2026, 10, 25, 2, 30), datetime(2027, 3, 28, 2, 30), datetime(2027, 3, 27, 22)]
)
SHIFTS = st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(hours=-2)])
LENGTHS = st.sampled_from([30, 60, 480])
RULES = st.sampled_from([None, None, "RRULE:FREQ=WEEKLY;COUNT=8", "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12"])
WRITES = ["advoware.create", "advoware.replace", "advoware.delete", "google.insert", "google.update", "google.delete"]
SECRET = "Geheim"
WEEKLY: dict[str, Any] = {"dauertermin": True, "turnus": 1, "turnus_art": 2}
MOST = 14


class CalendarMachine(RuleBasedStateMachine):
    """One employee. `people` knows each thing that was ever entered, by its own text, and whether it was deleted."""

    profile = Profile.FULL
    office: Office

    @initialize(strategy=st.sampled_from(list(Strategy)), deletes_all=st.booleans())
    def begin(self, strategy: Strategy, deletes_all: bool) -> None:
        self.office = self.make(strategy, deletes_all)
        self.number = 0
        self.entered: set[str] = set()
        self.deleted: set[str] = set()
        self.copied: set[str] = set()
        self.do(self.office.run())

    def make(self, strategy: Strategy, deletes_all: bool) -> Office:
        office = Office()
        office.rules = replace(office.rules, strategy=strategy, deletes_all=deletes_all, profile=self.profile)
        return office

    # -- people at desks ----------------------------------------------------------------------------------------------

    @rule(start=DAYS, minutes=LENGTHS, is_series=st.booleans())
    def a_desk_enters(self, start: datetime, minutes: int, is_series: bool) -> None:
        if len(self.entered) < MOST and self.is_near(start):
            rhythm = {**WEEKLY, "datum_bis": datetime(2027, 4, 30)} if is_series and minutes < 120 else {}
            if not rhythm or start.hour != 22:
                self.office.termin(start, minutes, text=self.name("D"), notiz=SECRET, **rhythm)

    @rule(which=st.integers(0, 50), by=SHIFTS)
    def a_desk_moves(self, which: int, by: timedelta) -> None:
        frnr = self.one_at_desk(which)
        if frnr is None:
            return
        values = self.office.desk.termine[frnr].values
        if values.dauertermin or values.uhrzeit_bis is None:
            return
        seen = seen_at_desk(self.office.desk.termine[frnr], "SB").appointment
        end = seen.end + by
        last = datetime.combine(end.date(), datetime.min.time()) if end.date() != (seen.start + by).date() else None
        self.office.desk.change(frnr, datum=seen.start + by, uhrzeit_bis=end.time(), datum_bis=last)

    @rule(which=st.integers(0, 50), place=st.sampled_from(["Saal 1", "Saal 2"]))
    def a_desk_edits(self, which: int, place: str) -> None:
        frnr = self.one_at_desk(which)
        if frnr is not None:
            self.office.desk.change(frnr, ort=place)

    @rule(which=st.integers(0, 50))
    def a_desk_copies(self, which: int) -> None:
        frnr = self.one_at_desk(which)
        if frnr is not None and len(self.entered) < MOST:
            values = self.office.desk.termine[frnr].values
            if not self.is_near(values.datum):
                return
            self.office.desk.enter(replace(values, text=self.name("C")))

    @rule(which=st.integers(0, 50))
    def a_desk_deletes(self, which: int) -> None:
        frnr = self.one_at_desk(which)
        if frnr is not None:
            self.deleted.add(self.office.desk.termine[frnr].values.text)
            self.office.desk.remove(frnr)

    @rule(which=st.integers(0, 50))
    def a_desk_opens(self, which: int) -> None:
        frnr = self.one_at_desk(which)
        if frnr is not None:
            self.office.desk.opened.add(frnr)

    # -- people in Google ---------------------------------------------------------------------------------------------

    @rule(start=DAYS, minutes=LENGTHS, lines=RULES)
    def a_person_enters(self, start: datetime, minutes: int, lines: str | None) -> None:
        if len(self.entered) >= MOST or not self.is_near(start) or (lines and (start.hour != 9 or minutes > 60)):
            return
        if not exists(start):
            return  # Google's page offers no hour that is left out.
        rhythm = {"recurrence": [lines]} if lines else {}
        times = times_of(start, start + timedelta(minutes=minutes))
        self.office.google.enter(self.calendar, summary=self.name("G"), **rhythm, **times)

    @rule(which=st.integers(0, 50), by=SHIFTS)
    def a_person_moves(self, which: int, by: timedelta) -> None:
        event_id = self.one_in_google(which)
        if event_id is not None and not self.office.google._event(self.calendar, event_id).is_series:
            self.office.google.shift(self.calendar, event_id, by)

    @rule(which=st.integers(0, 50), place=st.sampled_from(["Zimmer 1", "Zimmer 2"]))
    def a_person_edits(self, which: int, place: str) -> None:
        event_id = self.one_in_google(which)
        if event_id is not None:
            self.office.google.edit(self.calendar, event_id, location=place)

    @rule(which=st.integers(0, 50))
    def a_person_copies(self, which: int) -> None:
        event_id = self.one_in_google(which)
        if event_id is None or len(self.entered) >= MOST or "_" in event_id:
            return
        if not self.is_near(seen_in_google(self.office.google._event(self.calendar, event_id)).appointment.start):
            return
        made = self.office.google.copy(self.calendar, event_id)
        self.office.google.edit(self.calendar, made, summary=self.name("K"))

    @rule(which=st.integers(0, 50))
    def a_person_deletes(self, which: int) -> None:
        event_id = self.one_in_google(which)
        if event_id is not None:
            told = self.office.google._event(self.calendar, event_id)
            if not told.master_id:
                self.deleted.add(str(told.body.get("summary")))
            self.office.google.remove(self.calendar, event_id)

    @rule(which=st.integers(0, 50))
    def a_person_restores(self, which: int) -> None:
        binned = [
            key
            for key, body in self.office.google.stores[self.calendar.id].items()
            if body["status"] == "cancelled" and "recurringEventId" not in body
        ]
        if binned:
            self.office.google.restore(self.calendar, binned[which % len(binned)])

    @rule(which=st.integers(0, 50), number=st.integers(0, 3), by=SHIFTS, cancels=st.booleans())
    def a_person_changes_one_occurrence(self, which: int, number: int, by: timedelta, cancels: bool) -> None:
        google, masters = self.office.google, [e for e in self.office.google.living(self.calendar) if e.is_series]
        if not masters:
            return
        seen = seen_in_google(masters[which % len(masters)])
        starts = list(seen.rule.berlin_starts())[: number + 1] if seen.rule else []
        if len(starts) <= number:
            return
        one = occurrence_id(seen.event.id, starts[number], all_day=seen.appointment.all_day)
        found = google._found(self.calendar, one)
        if found is None or found.is_cancelled:
            return
        if cancels:
            google.remove(self.calendar, one)
        else:
            google.shift(self.calendar, one, by)

    # -- runs and troubles --------------------------------------------------------------------------------------------

    @rule()
    def a_run(self) -> None:
        self.office.desk.opened.clear()
        self.do(self.office.run())

    @rule(at=st.integers(0, 25))
    def a_run_that_crashes(self, at: int) -> None:
        for faults in (self.office.google.faults, self.office.desk.faults):
            faults.crash_at(at)
        self.attempt()

    @rule(write=st.sampled_from(WRITES), moment=st.sampled_from(["before", "after"]))
    def a_run_killed_at_a_write(self, write: str, moment: str) -> None:
        def kill(point: str) -> None:
            if point == f"{write}.{moment}":
                raise Crash

        self.office.google.faults.hook = self.office.desk.faults.hook = kill
        self.attempt()

    @rule(at=st.integers(0, 25), maybe=st.booleans())
    def a_run_without_an_answer(self, at: int, maybe: bool) -> None:
        error = RemoteUnavailable("any", "no answer", maybe_applied=maybe)
        for faults in (self.office.google.faults, self.office.desk.faults):
            faults.fail_at(at, error)
        self.attempt()

    @rule(which=st.sets(st.integers(0, 20), max_size=8))
    def a_run_with_half_a_list_of_advoware(self, which: set[int]) -> None:
        # Nothing could tell that the list lacks what no row knows yet: the day is read again, and shows the same.
        known = {row.frnr for row in self.office.rows.values()}
        numbers = sorted(frnr for frnr in self.office.desk.termine if frnr in known)
        self.office.desk.hidden = {numbers[each % len(numbers)] for each in which} if numbers else set()
        self.attempt()
        self.office.desk.hidden = set()

    @rule(in_google=st.booleans())
    def a_run_with_an_empty_list(self, in_google: bool) -> None:
        self.office.google.is_empty, self.office.desk.is_empty = in_google, not in_google
        self.attempt()
        self.office.google.is_empty = self.office.desk.is_empty = False

    @rule()
    def the_token_dies(self) -> None:
        self.office.google.kill_tokens()

    @rule()
    def a_run_loses_its_lock(self) -> None:
        self.office.lease.is_lost = True
        self.attempt()
        self.office.lease.is_lost = False

    @rule()
    def a_dry_run(self) -> None:
        before = (self.office.writes, dict(self.office.store.pairs), dict(self.office.store.known))
        first, second = self.do(self.office.plan(mode=Mode.DRY)), self.do(self.office.plan(mode=Mode.DRY))
        self.do(self.office.run(mode=Mode.DRY))
        assert first.steps == second.steps
        assert before == (self.office.writes, self.office.store.pairs, self.office.store.known)

    @rule()
    def a_protected_run(self) -> None:
        before = dict(self.office.desk.termine)
        self.do(self.office.run(mode=Mode.PROTECT))
        assert before == self.office.desk.termine

    @rule(days=st.sampled_from([1, 20, 160]))
    def time_passes(self, days: int) -> None:
        """All has been synced before; only once far."""
        if self.office.clock.now() - START < timedelta(days=2):
            self.settle()
            self.office.clock.advance(days * 86_400)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if hasattr(self, "entered"):
            self.after_quiet()

    def after_quiet(self) -> None:
        """Nothing lost, nothing doubled, both sides alike, and two further runs write nothing."""
        self.settle()
        before = self.office.writes
        for _ in range(2):
            self.do(self.office.run())
        assert self.office.writes == before, "a run after quiet writes"
        self.nothing_is_doubled()
        self.nothing_is_lost()
        self.both_sides_agree()

    def settle(self) -> None:
        """A day later: what an empty list of changes hid is found by the daily list of the whole window."""
        office = self.office
        office.clock.advance(86_400)
        office.desk.opened.clear()
        for _ in range(12):
            before, deletions = office.writes, len(office.store.deletions)
            office.store.deletions.clear()
            report = self.do(office.run())
            if report.held:
                self.do(office.store.decide_list("SB", report.held, released=True))
            elif office.writes == before and deletions == len(office.store.deletions) and not report.unsaved:
                return
        raise AssertionError(f"never quiet: {report}")

    def nothing_is_doubled(self) -> None:
        at_desk = [each.values.text for each in self.office.desk.termine.values() if not self.is_part(each.frnr)]
        in_google = [e.body.get("summary") for e in self.office.google.living(self.calendar) if not e.master_id]
        for told in (at_desk, in_google):
            assert len(told) == len(set(told)), f"doubled: {told}"

    def nothing_is_lost(self) -> None:
        at_desk = {each.values.text for each in self.office.desk.termine.values()}
        in_google = {str(e.body.get("summary")) for e in self.office.google.living(self.calendar)}
        expected = self.entered - self.deleted
        assert expected <= at_desk, f"lost at the desk: {expected - at_desk}"
        if self.profile is Profile.FULL:
            assert expected <= in_google, f"lost in Google: {expected - in_google}"

    def both_sides_agree(self) -> None:
        for row in self.office.rows.values():
            if row.state is not State.LINKED or row.frnr is None or row.kind in (Kind.EXPANDED,):
                continue
            left = seen_at_desk(self.office.desk.termine[row.frnr], "SB")
            event = self.office.google._found(self.calendar, row.event_id)
            assert event is not None, f"no event of {row.frnr}"
            right = seen_in_google(event, row.right).appointment
            if not left.is_left_out:
                assert left.appointment.start == right.start, (left.appointment, right)
            if self.profile is Profile.FULL:
                assert (left.appointment.title, left.appointment.place) == (right.title, right.place)

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def calendar(self) -> Any:
        return self.office.calendar

    def is_near(self, start: datetime) -> bool:
        """People enter what is to come."""
        return start > self.office.clock.now().replace(tzinfo=None) - timedelta(days=20)

    def name(self, prefix: str) -> str:
        self.number += 1
        told = f"{prefix}{self.number} {SECRET}" if self.profile is not Profile.FULL else f"{prefix}{self.number}"
        self.entered.add(told)
        return told

    def is_part(self, frnr: int) -> bool:
        row = next((row for row in self.office.rows.values() if row.frnr == frnr), None)
        return row is not None and bool(row.parent)

    def one_at_desk(self, which: int) -> int | None:
        numbers = sorted(self.office.desk.termine)
        return numbers[which % len(numbers)] if numbers else None

    def one_in_google(self, which: int) -> str | None:
        living = sorted(each.id for each in self.office.google.living(self.calendar))
        return living[which % len(living)] if living else None

    def attempt(self) -> None:
        with suppress(Crash, SyncError):
            self.do(self.office.run())
        for faults in (self.office.google.faults, self.office.desk.faults):
            faults.clear()

    @staticmethod
    def do(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(coroutine)
