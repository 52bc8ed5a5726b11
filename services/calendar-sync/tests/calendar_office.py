"""One employee between both fakes: runs, and what both sides hold, for journeys and machines."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

from fake_google import FakeGoogle
from fake_store import FakeStore

from calendar_sync.domain.desk_form import seen_at_desk
from calendar_sync.domain.memory import Report, Row
from calendar_sync.domain.plan_value import Plan
from calendar_sync.domain.values import CalendarRef, Event, Rules
from calendar_sync.handlers import EmployeeRun
from kanzlei.termine import Mitarbeiter, Termin, TerminValues
from kanzlei.testing.appointments import FakeAppointments
from synckit.errors import Locked
from synckit.testing.clock import FakeClock

T = TypeVar("T")
START = datetime(2026, 10, 5, 8, tzinfo=UTC)


@dataclass
class FakeLease:
    """`is_lost`: somebody else has the lock."""

    is_lost: bool = False

    def ensure(self) -> None:
        if self.is_lost:
            raise Locked("the lock is lost")

    async def during(self, write: Coroutine[Any, Any, T]) -> T:
        if self.is_lost:
            write.close()
            raise Locked("the lock is lost")
        return await write


@dataclass
class Office:
    """`SB` and her calendar."""

    rules: Rules = field(default_factory=lambda: Rules("SB"))
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    lease: FakeLease = field(default_factory=FakeLease)

    def __post_init__(self) -> None:
        self.desk = FakeAppointments(now=self.clock.now)
        self.google = FakeGoogle(now=self.clock.now)
        self.store = FakeStore(self.clock)
        self.reports: list[Report] = []

    @property
    def run_of(self) -> EmployeeRun:
        return EmployeeRun(self.google, self.desk, self.store)

    @property
    def employee(self) -> Mitarbeiter:
        return self.desk.staff[self.rules.kuerzel]

    @property
    def calendar(self) -> CalendarRef:
        return self.google.calendar_of(self.rules.kuerzel)

    async def run(self, **changes: Any) -> Report:
        """One run, a quarter of an hour after the last."""
        self.clock.advance(900)
        rules = replace(self.rules, **changes)
        report = await self.run_of.run(self.employee, rules, self.lease)
        self.reports.append(report)
        return report

    async def quiet(self) -> int:
        """Runs until nothing is written; the number of runs. AssertionError where that never comes."""
        for number in range(8):
            before = self.writes
            await self.run()
            if self.writes == before and number:
                return number
        raise AssertionError("never quiet")

    async def plan(self, **changes: Any) -> Plan:
        return await self.run_of.plan_for(self.employee, replace(self.rules, **changes))

    @property
    def writes(self) -> int:
        return self.desk.writes + self.google.writes

    @property
    def rows(self) -> dict[str, Row]:
        return {key: row for (name, key), row in self.store.pairs.items() if name == self.rules.kuerzel}

    def termin(self, start: datetime = datetime(2026, 10, 20, 9), minutes: int = 60, **fields: Any) -> int:
        """A desk enters one."""
        end = start + timedelta(minutes=minutes)
        told: dict[str, Any] = {"text": "Besprechung", "sb": self.rules.kuerzel, "uhrzeit_bis": end.time(), **fields}
        if end.date() != start.date() and "datum_bis" not in told:
            told["datum_bis"] = datetime.combine(end.date(), time())
        return self.desk.enter(TerminValues(datum=start, **told)).frnr

    def event_of(self, frnr: int) -> Event:
        """The living event of a Termin."""
        row = next(row for row in self.rows.values() if row.frnr == frnr and row.event_id)
        found = self.google._found(self.calendar, row.event_id)
        assert found is not None
        assert not found.is_cancelled
        return found

    def termin_of(self, event_id: str) -> Termin:
        """The Termin of an event."""
        row = next(row for row in self.rows.values() if row.event_id == event_id and row.frnr)
        assert row.frnr is not None
        return self.desk.termine[row.frnr]

    def own_text(self, frnr: int) -> str:
        """The `notiz` without our block."""
        return seen_at_desk(self.desk.termine[frnr], self.rules.kuerzel).appointment.notes or ""
