"""What docs/calendar.md shows: scenes between both fakes, and what the commands print of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from calendar_office import Office

from calendar_sync.domain import shown
from calendar_sync.domain.audit import LOST_ACL, NO_EMPLOYEE, ORPHAN, RENAMED, Finding
from calendar_sync.domain.desk_form import seen_at_desk
from calendar_sync.domain.google_form import seen_in_google
from calendar_sync.domain.quarantine import waiting
from calendar_sync.domain.undo import lines, reversals

PAGE = Path(__file__).parents[3] / "docs" / "calendar.md"
_BLOCK = re.compile(r"(<!-- example: (\w+) -->\n```text\n\$ [^\n]+\n).*?(\n```)", re.DOTALL)


async def examples() -> dict[str, str]:
    """Name → what is printed."""
    busy = await _plan()
    told = {"plan": busy, "quarantine": await _quarantine(), "undo": await _undo()}
    found = [
        Finding(ORPHAN, "AB", "google", "a5f0c2"),
        Finding(LOST_ACL, "CD", "google", "c_81ab@group.calendar.google.com"),
        Finding(NO_EMPLOYEE, "EF", "google", "c_9d0e@group.calendar.google.com"),
        Finding(RENAMED, "MM", "", "ML", "python -m calendar_sync rename MM ML"),
    ]
    return {**told, "audit": shown.findings(found)}


def page_with(told: dict[str, str]) -> str:
    """The page, with what is printed now."""
    return _BLOCK.sub(lambda found: f"{found[1]}{told[found[2]]}{found[3]}", PAGE.read_text())


async def _plan() -> str:
    office = Office()
    moved = office.termin(text="Besprechung Müller")
    gone = office.termin(datetime(2026, 10, 21, 14), text="Ortstermin")
    await office.quiet()
    office.termin(datetime(2026, 10, 22, 9), text="Verhandlung LG Köln")
    office.desk.change(moved, text="Besprechung Müller ./. Groß")
    office.desk.remove(gone)
    office.clock.advance(900)
    return shown.plan(await office.plan())


async def _quarantine() -> str:
    office = Office()
    numbers = [office.termin(datetime(2026, 10, 20 + day, 9), text=f"Termin {day}") for day in range(8)]
    await office.quiet()
    for number in numbers[:5]:
        office.desk.remove(number)
    await office.run()
    memory = await office.store.peek("SB")
    one = waiting(memory.diary, memory.rows)
    assert one is not None
    return shown.quarantine(one)


async def _undo() -> str:
    office = Office()
    number = office.termin(text="Vorher")
    await office.quiet()
    since = office.clock.now() + timedelta(seconds=1)
    office.desk.change(number, text="Nachher", ort="Saal 3")
    await office.quiet()
    (one,) = reversals(await office.store.journal("SB", since))
    now = seen_in_google(office.event_of(number)).appointment
    assert seen_at_desk(office.desk.termine[number], "SB").appointment.title == "Nachher"
    assert since.tzinfo is UTC
    return shown.undo(lines(one, now), 0, is_done=False)
