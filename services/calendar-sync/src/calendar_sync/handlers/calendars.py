"""The employee's calendar itself: made once, shared, shown, followed to another address, left where somebody leaves."""

from __future__ import annotations

from dataclasses import replace

from calendar_sync.domain.identity import calendar_mark
from calendar_sync.domain.memory import CalendarState, Diary, Memory
from calendar_sync.domain.values import CalendarRef, Rules
from calendar_sync.ports import Google, StateStore
from kanzlei.termine import Mitarbeiter
from synckit.ports import Lease

READER = "reader"


async def ready(
    google: Google, store: StateStore, memory: Memory, employee: Mitarbeiter, rules: Rules, lease: Lease
) -> Diary:
    """The diary with its calendar. What was made is saved before anything goes into it."""
    diary = memory.diary
    if diary.calendar is None:
        return await _made(google, store, memory, employee, rules, lease)
    if diary.email != employee.email or diary.state is CalendarState.LEFT:
        await _shared(google, diary.calendar, employee.email, rules.acl_role, lease)
        if diary.email and diary.email != employee.email:
            await lease.during(google.unshare(diary.calendar, diary.email))
        known = replace(
            diary,
            email=employee.email,
            state=CalendarState.READY,
            calendar=replace(diary.calendar, email=employee.email),
        )
        await store.intend(memory, known, ())
        return known
    return diary


async def left(google: Google, store: StateStore, memory: Memory, lease: Lease) -> Diary:
    """The employee has gone: the calendar stays, to be read."""
    diary = memory.diary
    if diary.calendar is None or diary.state is CalendarState.LEFT:
        return diary
    if diary.email:
        await lease.during(google.share(diary.calendar, diary.email, READER))
    known = replace(diary, state=CalendarState.LEFT)
    await store.intend(memory, known, ())
    return known


async def _made(
    google: Google, store: StateStore, memory: Memory, employee: Mitarbeiter, rules: Rules, lease: Lease
) -> Diary:
    """Announced, looked for by its marker, and only then created."""
    announced = replace(memory.diary, state=CalendarState.CREATING, email=employee.email)
    await store.intend(memory, announced, ())
    marker = calendar_mark(rules.tenant, rules.kuerzel)
    found = await google.find_calendar(marker)
    if found is None:
        found = await lease.during(google.create_calendar(f"Advoware {rules.kuerzel}", marker))
    calendar = replace(found, email=employee.email)
    await _shared(google, calendar, employee.email, rules.acl_role, lease)
    known = replace(announced, state=CalendarState.READY, calendar=calendar)
    await store.intend(memory, known, ())
    return known


async def _shared(google: Google, calendar: CalendarRef, email: str, role: str, lease: Lease) -> None:
    await lease.during(google.share(calendar, email, role))
    await lease.during(google.show_to(calendar, email))
