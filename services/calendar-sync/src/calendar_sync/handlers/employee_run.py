"""The run itself. On ports alone; the lock is held by whoever calls."""

from __future__ import annotations

from dataclasses import replace

from calendar_sync.domain.google_errors import CalendarLost
from calendar_sync.domain.lost import REASON, lost
from calendar_sync.domain.memory import CalendarState, Diary, Memory, Outcome, Report
from calendar_sync.domain.plan_value import Plan, digest_of
from calendar_sync.domain.planning import counted
from calendar_sync.domain.values import Mode, Rules
from calendar_sync.domain.words import reason_of
from calendar_sync.handlers.calendars import left, ready
from calendar_sync.handlers.carrying_out import CarryingOut
from calendar_sync.handlers.observing import Observing
from calendar_sync.handlers.pace import UNHURRIED, Pace
from calendar_sync.handlers.writing import Writing
from calendar_sync.ports import Google, StateStore
from kanzlei.termine import Appointments, Mitarbeiter
from synckit.errors import Implausible, StaleVersion
from synckit.ports import Lease

NO_ADDRESS = "Ohne E-Mail-Adresse in Advoware gibt es keinen Kalender."
HAS_LEFT = "Ausgeschieden: der Kalender bleibt zum Lesen."
READ_ONLY = "Schreibschutz: es wurde nichts geschrieben."


class EmployeeRun:
    """One run for one employee. `at_once`: creates that are under way at the same time."""

    def __init__(self, google: Google, desk: Appointments, store: StateStore, at_once: int = 1) -> None:
        self._google = google
        self._desk = desk
        self._store = store
        self._at_once = at_once

    async def run(self, employee: Mitarbeiter, rules: Rules, lease: Lease, pace: Pace = UNHURRIED) -> Report:
        """Brings both sides in step. Raises TransientError where nothing could be seen: nothing was written then."""
        if rules.mode is Mode.DRY:
            return await self._dry(employee, rules)
        memory = await self._store.load(rules.kuerzel)
        lease.ensure()
        if (report := await self._not_now(memory, employee, lease)) is not None:
            return report
        try:
            diary = await ready(self._google, self._store, memory, employee, rules, lease)
            plan = await self._planned(memory, rules, diary)
            return await self._carried_out(memory, plan, diary, rules, lease, pace)
        except Implausible as error:
            return await self._ended(memory, Outcome(memory.diary, report=_skipped(rules, reason_of(error))))
        except CalendarLost:
            if memory.diary.calendar is not None and await self._google.reachable(memory.diary.calendar):
                raise
            return await self._ended(memory, lost(memory))

    async def plan_for(self, employee: Mitarbeiter, rules: Rules) -> Plan:
        """What a run would do now. Writes nothing at all."""
        memory = await self._store.peek(rules.kuerzel)
        if not employee.email or not employee.aktiv or memory.diary.state is CalendarState.LOST:
            reason = NO_ADDRESS if not employee.email else HAS_LEFT if not employee.aktiv else REASON
            return Plan(rules.kuerzel, memory.now, digest_of(memory.rows), memory.diary, skipped=reason)
        plan = await self._planned(memory, rules, memory.diary)
        return replace(plan, digest=digest_of(memory.rows))

    async def apply(self, plan: Plan, rules: Rules, lease: Lease) -> Report:
        """Carries out a saved plan unchanged. StaleVersion where a row has moved since it was made."""
        memory = await self._store.load(rules.kuerzel)
        lease.ensure()
        if plan.kuerzel != rules.kuerzel or plan.digest != digest_of(memory.rows):
            raise StaleVersion("a row has moved since this plan was made")
        if memory.diary.calendar is None:
            raise StaleVersion("there is no calendar yet: run once first")
        return await self._carried_out(memory, plan, memory.diary, rules, lease, UNHURRIED)

    async def _planned(self, memory: Memory, rules: Rules, diary: Diary) -> Plan:
        observing = Observing(self._google, self._desk, self._store, memory, rules)
        return await observing.planned(diary.calendar)

    async def _carried_out(
        self, memory: Memory, plan: Plan, diary: Diary, rules: Rules, lease: Lease, pace: Pace
    ) -> Report:
        if diary.calendar is None:
            raise StaleVersion("there is no calendar")
        writing = Writing(self._google, self._desk, diary.calendar, rules, lease)
        carrying = CarryingOut(self._store, memory, writing, lease, pace, self._at_once)
        outcome = await carrying.outcome(plan, diary)
        lease.ensure()
        return await self._ended(memory, outcome)

    async def _not_now(self, memory: Memory, employee: Mitarbeiter, lease: Lease) -> Report | None:
        """Why there is nothing to do for this employee."""
        kuerzel = memory.diary.kuerzel
        if not employee.aktiv:
            diary = await left(self._google, self._store, memory, lease)
            return await self._ended(memory, Outcome(diary, report=Report(kuerzel, "done", HAS_LEFT)))
        if not employee.email:
            report = Report(kuerzel, "skipped", NO_ADDRESS)
            return await self._ended(memory, Outcome(memory.diary, report=report))
        if memory.diary.state is CalendarState.LOST:
            return Report(kuerzel, "waiting", REASON)
        return None

    async def _dry(self, employee: Mitarbeiter, rules: Rules) -> Report:
        plan = await self.plan_for(employee, rules)
        counts = {f"planned_{name}": number for name, number in counted(plan.steps).items()}
        held = plan.held.digest if plan.held else ""
        return Report(rules.kuerzel, "done", plan.skipped or READ_ONLY, counts, plan.waiting, plan.parked, held)

    async def _ended(self, memory: Memory, outcome: Outcome) -> Report:
        report = outcome.report or Report(memory.diary.kuerzel, "done")
        await self._store.commit(memory, replace(outcome, report=report))
        return report


def _skipped(rules: Rules, reason: str) -> Report:
    return Report(rules.kuerzel, "skipped", reason)
