"""What a run would do for one employee, and whose calendars there are: for programs, in counts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from calendar_sync.by_hand import Staff, UnknownKuerzel
from calendar_sync.domain.memory import CalendarState, Report
from calendar_sync.domain.plan_value import Action, Plan
from calendar_sync.domain.planning import counted
from calendar_sync.domain.values import Mode
from synckit.service.explain import Explained

DRY, SKIPPED = "dry", "skipped"


class Planner(Protocol):
    """`runner.EmployeeRunner`."""

    def mode(self, kuerzel: str) -> Mode: ...

    async def plan(self, kuerzel: str) -> Plan: ...


class CalendarExplainer:
    """`synckit.service.explain.Explainer` of calendars, and its `Lists`."""

    def __init__(self, planner: Planner, staff: Staff) -> None:
        self._planner = planner
        self._staff = staff

    async def explain(self, name: str) -> Explained | None:
        try:
            plan = await self._planner.plan(name)
        except UnknownKuerzel:
            return None
        if plan.skipped:
            return Explained(SKIPPED)
        if self._planner.mode(name) is Mode.DRY:
            return Explained(DRY)
        return Explained(*_written(counted(plan.steps)))

    async def names(self) -> Sequence[str]:
        """Those who work here, and those whose calendar is not settled yet."""
        leaving = [one.kuerzel for one in (await self._staff.known()).values() if one.state != CalendarState.LEFT]
        return sorted({*await self._staff.active(), *leaving})


def outcome_of(report: Report) -> tuple[str, Mapping[str, int]]:
    """The same words for a run that has ended."""
    if any(name.startswith("planned_") for name in report.counts):
        return DRY, {}
    if report.state == "failed":
        return report.state, {}
    if not report.counts and (report.reason or report.state == SKIPPED):
        return SKIPPED, {}
    return _written(report.counts)


def _written(counts: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
    """Calls by whose they are."""
    known = {Action(name): number for name, number in counts.items() if name in frozenset(Action)}
    writes = {
        "advoware": sum(number for action, number in known.items() if action.writes_advoware),
        "google": sum(number for action, number in known.items() if action.writes_google),
    }
    return "updated" if any(writes.values()) else "unchanged", writes
