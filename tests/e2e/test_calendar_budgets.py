"""What a run of one employee's calendar may cost, in calls to Google and Advoware; the sandboxes count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from demo.calendars import CalendarDay, calendar_day
from demo.remotes import Remote
from deploy.local.office import Office
from tests.e2e import budgets
from tests.e2e.budgets import Budget

pytestmark = pytest.mark.stack
AT_NINE = {"datum": "2027-03-22T09:00:00", "uhrzeitBis": "10:00:00"}


@pytest.fixture
async def day(office: Office) -> AsyncIterator[CalendarDay]:
    async with calendar_day(office.addresses) as shown:
        yield shown


@dataclass(frozen=True)
class Counted:
    """Calls of ours about one calendar, and about Termine, since two marks."""

    google: Remote
    advoware: Remote
    calendar: str
    since: tuple[int, int]

    async def cost(self) -> Budget:
        path = f"/calendars/({self.calendar}|{quote(self.calendar, safe='')})/events"
        calls = await self.google.calls(path=path, since=self.since[0], caller="kalender@kanzlei.example")
        calls += await self.advoware.calls(path="/Termine", since=self.since[1])
        reads = sum(call["method"] == "GET" for call in calls)
        return Budget(reads, len(calls) - reads)


async def test_runs_cost_no_more_than_their_budgets(day: CalendarDay) -> None:
    """Nothing changed, one changed at a desk, and nothing again."""
    mail = await day.hire("BUD")
    numbers = [
        (await day.desk("POST", "termine", {**AT_NINE, "text": f"Termin {n}", "sb": "BUD", "anwalt": "BUD"}))["frNr"]
        for n in range(20)
    ]
    await day.sync("BUD")
    await day.sync("BUD")
    async with Remote.of(day.addresses.google_url) as google, Remote.of(day.addresses.advoware_url) as advoware:

        async def cost_of_a_run() -> Budget:
            since = (await google.last_call(), await advoware.last_call())
            run = await day.sync("BUD")
            assert run["state"] == "done", run
            return await Counted(google, advoware, await day.calendar(mail), since).cost()

        assert within(await cost_of_a_run(), budgets.UNCHANGED_CALENDAR)
        await day.desk("POST", f"termine/{numbers[3]}", {"text": "Geändert"})
        at_the_desk = await cost_of_a_run()
        assert within(at_the_desk, budgets.CHANGED_CALENDAR)
        assert at_the_desk.writes == 1, "the calls are seen"
        assert within(await cost_of_a_run(), budgets.UNCHANGED_CALENDAR)


def within(cost: Budget, most: Budget) -> bool:
    """True where neither is above; AssertionError that says by what."""
    assert (cost.reads <= most.reads, cost.writes <= most.writes) == (True, True), f"{cost} against {most}"
    return cost.reads > 0
