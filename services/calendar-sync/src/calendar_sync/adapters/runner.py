"""`agents.Runner`: one employee's run with what the office has settled for that employee."""

from __future__ import annotations

from calendar_sync.adapters.prices import in_background
from calendar_sync.adapters.wiring import Opened, rules_of
from calendar_sync.by_hand import UnknownKuerzel
from calendar_sync.domain.memory import Report
from calendar_sync.domain.plan_value import Plan
from calendar_sync.domain.values import Mode
from calendar_sync.handlers import EmployeeRun
from calendar_sync.handlers.pace import UNHURRIED, Pace
from calendar_sync.settings import CalendarSection
from kanzlei.termine import Mitarbeiter
from synckit.ports import Lease

AT_ONCE = 4
"""Calls of one run that are under way at the same time: Google limits each calendar anyway."""


class EmployeeRunner:
    """Looks up who the employee is by now, and lets the run do the rest."""

    def __init__(self, parts: Opened, section: CalendarSection) -> None:
        self._parts = parts
        self._section = section
        self._run = EmployeeRun(parts.port, parts.appointments, parts.store, at_once=AT_ONCE)

    async def run(self, kuerzel: str, lease: Lease, pace: Pace = UNHURRIED) -> Report:
        """Under a lock that is held. Nothing is remembered of a Kürzel that nobody has or had."""
        employee = await self._employee(kuerzel)
        if employee is None:
            return Report(kuerzel, "skipped", "Dieses Kürzel gibt es in Advoware nicht.")
        rules = rules_of(self._section, kuerzel)
        if not await self._is_first(kuerzel):
            return await self._run.run(employee, rules, lease, pace)
        # Everyday changes of others go before it.
        with in_background():
            return await self._run.run(employee, rules, lease, pace)

    async def _is_first(self, kuerzel: str) -> bool:
        """True until a run of this employee has been carried out to its end."""
        known = (await self._parts.office.known()).get(kuerzel)
        return known is None or known.synced_at is None

    def mode(self, kuerzel: str) -> Mode:
        """Whether a run writes, and where."""
        return rules_of(self._section, kuerzel).mode

    async def plan(self, kuerzel: str) -> Plan:
        """What a run would do. Takes no fence, writes nothing."""
        employee = await self._employee(kuerzel)
        if employee is None:
            raise UnknownKuerzel(f"{kuerzel}: no employee of this Kürzel")
        return await self._run.plan_for(employee, rules_of(self._section, kuerzel))

    async def apply(self, plan: Plan, lease: Lease) -> Report:
        """A plan that was kept, unchanged. StaleVersion where a row has moved since."""
        return await self._run.apply(plan, rules_of(self._section, plan.kuerzel), lease)

    async def _employee(self, kuerzel: str) -> Mitarbeiter | None:
        """One who has left is still known: the calendar stays, read-only. None for a stranger."""
        found = await self._parts.office.employee(kuerzel)
        if found is None and kuerzel in await self._parts.office.known():
            return Mitarbeiter(kuerzel, "", "", "", aktiv=False)
        return found
