"""Runs that end before all is done: what is saved, and how the next one goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from calendar_office import Office
from fake_google import times_of

from calendar_sync.domain.lost import released
from calendar_sync.domain.memory import Report
from calendar_sync.handlers.pace import Pace
from synckit.errors import RemoteUnavailable

FIRST = datetime(2026, 10, 12, 9)


async def run_until(office: Office, is_over: Callable[[], bool]) -> Report:
    """One run that begins nothing more from then on."""
    office.clock.advance(900)
    report = await office.run_of.run(office.employee, office.rules, office.lease, Pace(is_over))
    office.reports.append(report)
    return report


async def test_a_run_whose_time_is_up_saves_what_it_did() -> None:
    """The rest is the next run's; what was not begun is not announced, so nothing has to be asked for."""
    office = Office()
    for day in range(70):
        office.termin(FIRST + timedelta(days=day), text=f"Termin {day}")
    report = await run_until(office, lambda: office.google.writes >= 20)
    assert (report.state, report.counts["insert_event"], report.left_over) == ("done", 20, 50)
    assert "der nächste Lauf macht weiter" in report.reason
    assert report.unsaved
    assert len(office.rows) == 50, "announced fifty at a time"
    assert office.store.known["SB"].token == ""
    asked = office.google.calls.count("event")
    await office.quiet()
    assert office.google.calls.count("event") - asked == 30
    assert len(office.google.living(office.calendar)) == 70


async def test_the_nearest_to_come_is_made_first() -> None:
    office = Office()
    for days in (400, -20, 3, -1, 30):
        office.termin(datetime(2026, 10, 5, 9) + timedelta(days=days), text=f"{days}")
    told: list[tuple[int, int]] = []

    async def tell(done: int, to_do: int) -> None:
        told.append((done, to_do))

    await office.run_of.run(office.employee, office.rules, office.lease, Pace(tell=tell))
    made = [event.body["summary"] for event in office.google.living(office.calendar)]
    assert made == ["3", "30", "400", "-1", "-20"]
    assert told[-1] == (5, 0)


@pytest.mark.parametrize("born_in_google", [True, False])
async def test_a_persons_word_holds_until_it_is_done(born_in_google: bool) -> None:
    """A lost calendar is made anew and Google fails in between: what is not made yet is not read as deleted."""
    office = Office()
    office.rules = replace(office.rules, deletes_all=True)
    await office.run()
    for day in range(60):
        start = FIRST + timedelta(days=day)
        if born_in_google:
            times = times_of(start, start + timedelta(hours=1))
            office.google.enter(office.calendar, summary=f"Termin {day}", **times)
        else:
            office.termin(start, text=f"Termin {day}")
    await office.quiet()
    office.google.lost.add(office.calendar.id)
    assert (await office.run()).state == "waiting"
    memory = await office.store.load("SB")
    await office.store.commit(memory, released(memory))
    before = office.google.writes
    await run_until(office, lambda: office.google.writes - before >= 7)
    office.google.faults.fail_at(60, RemoteUnavailable("google", "no answer", maybe_applied=True))
    await office.run()
    office.google.faults.clear()
    await office.quiet()
    assert len(office.desk.termine) == len(office.google.living(office.calendar)) == 60
