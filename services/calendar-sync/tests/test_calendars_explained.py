"""What programs are told of a calendar is what the run then does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

import pytest
from calendar_office import Office

from calendar_sync.adapters.explaining import CalendarExplainer, outcome_of
from calendar_sync.by_hand import UnknownKuerzel
from calendar_sync.domain.plan_value import Plan
from calendar_sync.domain.rounds import Employee
from calendar_sync.domain.values import Mode

NINE = datetime(2026, 10, 20, 9)


class Planner:
    """`SB` alone works here."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def mode(self, kuerzel: str) -> Mode:
        return self.office.rules.mode

    async def plan(self, kuerzel: str) -> Plan:
        if kuerzel != "SB":
            raise UnknownKuerzel(kuerzel)
        return await self.office.plan()


class Staff:
    async def active(self, *, fresh: bool = False) -> Collection[str]:
        return {"SB", "ÄB"}

    async def known(self) -> Mapping[str, Employee]:
        return {"CD": Employee("CD", state="ready"), "EF": Employee("EF", state="left")}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("changes", [0, 3])
async def test_a_plan_is_told_as_the_run_ends(mode: Mode, changes: int) -> None:
    office = Office()
    office.termin(NINE)
    await office.quiet()
    office.rules = replace(office.rules, mode=mode)
    for number in range(changes):
        office.termin(NINE.replace(day=21 + number))
    before = office.writes
    told = await CalendarExplainer(Planner(office), Staff()).explain("SB")
    assert told is not None
    assert office.writes == before
    assert (told.outcome, told.writes) == outcome_of(await office.run())


async def test_who_has_left_is_skipped() -> None:
    office = Office()
    await office.quiet()
    office.desk.staff["SB"] = replace(office.desk.staff["SB"], aktiv=False)
    told = await CalendarExplainer(Planner(office), Staff()).explain("SB")
    assert told is not None
    assert (told.outcome, told.writes) == outcome_of(await office.run()) == ("skipped", {})


async def test_a_stranger_is_unknown() -> None:
    explainer = CalendarExplainer(Planner(Office()), Staff())
    assert await explainer.explain("XX") is None
    assert await explainer.names() == ["CD", "SB", "ÄB"]
