"""Reads both sides whole and holds them against the state table, writing nothing. Repair is a run with a whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from calendar_sync import metrics
from calendar_sync.adapters.runner import EmployeeRunner
from calendar_sync.adapters.wiring import Opened, rules_of
from calendar_sync.domain.audit import LOST_CALENDAR, Finding, Sides, audit, audit_office
from calendar_sync.domain.google_errors import CalendarLost
from calendar_sync.domain.local_time import as_moment, as_wall
from calendar_sync.domain.memory import CalendarState, Diary, Report
from calendar_sync.settings import CalendarSection
from calendar_sync.timers import tally

log = structlog.get_logger(__name__)
WITH_CALENDAR = frozenset({CalendarState.READY, CalendarState.LEFT})


class Auditor:
    """For one office."""

    def __init__(self, parts: Opened, section: CalendarSection) -> None:
        self._parts = parts
        self._section = section
        self._runner = EmployeeRunner(parts, section)

    async def nightly(self) -> None:
        """All employees, as a metric; what it found stands in the log by kind and id."""
        found = await self.find()
        metrics.audited(tally([one.kind for one in found]))
        for one in found:
            log.warning("calendar.audit", kind=one.kind, side=one.side, record_id=one.what)

    async def find(self, kuerzel: str | None = None) -> Sequence[Finding]:
        """Of one employee, or of all and of the office as a whole."""
        diaries = await self._parts.store.diaries()
        found: list[Finding] = [] if kuerzel else list(await self._office(diaries))
        for diary in diaries:
            if kuerzel in (None, diary.kuerzel) and diary.calendar is not None and diary.state in WITH_CALENDAR:
                found += await self._of(diary)
        return found

    async def repair(self, kuerzel: str) -> Report:
        """The right that is missing is given again; the rest is a run that reads both sides whole."""
        parts = self._parts
        async with parts.locks.hold(f"calendar:{kuerzel}") as lease:
            memory = await parts.store.load(kuerzel)
            diary = memory.diary
            if diary.calendar is not None and diary.email and self._section.mode != "dry":
                role = "reader" if diary.state is CalendarState.LEFT else self._section.acl_role
                await lease.during(parts.port.share(diary.calendar, diary.email, role))
                # Who loses the right loses the calendar out of the list, too.
                await lease.during(parts.port.show_to(diary.calendar, diary.email))
            if self._section.mode != "dry":
                await parts.store.intend(memory, replace(diary, token=""), ())
            return await self._runner.run(kuerzel, lease)

    async def _office(self, diaries: Sequence[Diary]) -> Sequence[Finding]:
        parts = self._parts
        by_marker = await parts.calendars.ours()
        calendars = {parts.calendars.kuerzel_of(marker): refs for marker, refs in by_marker.items()}
        staff = await parts.appointments.employees(active=True)
        return audit_office(diaries, calendars, {one.kuerzel: (one.name, one.email) for one in staff})

    async def _of(self, diary: Diary) -> Sequence[Finding]:
        calendar = diary.calendar
        if calendar is None:
            return ()
        try:
            return audit(await self._sides(diary))
        except CalendarLost:
            return (Finding(LOST_CALENDAR, diary.kuerzel, "google", calendar.id),)

    async def _sides(self, diary: Diary) -> Sides:
        parts, section = self._parts, self._section
        memory = await parts.store.peek(diary.kuerzel)
        window = rules_of(section, diary.kuerzel).window(as_wall(memory.now).date())
        calendar = memory.diary.calendar
        if calendar is None or not await parts.port.reachable(calendar):
            raise CalendarLost("google: not to be seen")
        listed = await parts.appointments.appointments(diary.kuerzel, window.start, window.end)
        since, until = as_moment(window.start), as_moment(window.end)
        return Sides(
            diary=memory.diary,
            rows=memory.rows,
            termine=listed.termine,
            unreadable=listed.unreadable,
            events=(await parts.port.events(calendar, None, since, until)).items,
            window=window,
            shared=await parts.calendars.shared_with(calendar),
            owner=await parts.calendars.owner(calendar),
            role_account=parts.calendars.role,
            acl_role=section.acl_role,
        )
