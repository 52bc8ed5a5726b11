"""Drills of calendars: runs that fail, a block by Google, a list that is not believed, a drift that an audit finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from demo.appointments import ahead
from demo.calendars import CalendarDay
from demo.steps_calendar import entered, in_step
from deploy.local.table import CALENDAR
from tests.drills.stage import Stage

AWAY = {"kind": "status", "status": 503}
QUOTA = {
    "kind": "body",
    "status": 403,
    "body": '{"error": {"code": 403, "message": "Calendar usage limits exceeded.", '
    '"errors": [{"domain": "usageLimits", "reason": "quotaExceeded", "message": "Calendar usage limits exceeded."}]}}',
}


@asynccontextmanager
async def never_synced(stage: Stage) -> AsyncIterator[None]:
    """A new employee's runs fail, as Google is away."""
    async with stage.calendars() as day, stage.google() as google:
        async with stage.fault(google, AWAY, match={"path_regex": "/calendar/v3"}):
            await day.hire("OLD")
            await day.ask("OLD")
            await asyncio.sleep(5)
            await stage.restart(CALENDAR.name)
            yield
        await _leaves(day, "OLD")


@asynccontextmanager
async def runs_fail(stage: Stage) -> AsyncIterator[None]:
    """Advoware shows no list of appointments, and many runs are asked for."""
    async with stage.calendars() as day:
        await day.hire("FAI")
        await in_step(day, "FAI")
        fault = {"kind": "status", "status": 400}
        async with stage.fault(stage.advo, fault, match={"method": "GET", "path_regex": "/Termine"}):
            for _ in range(15):
                await day.sync("FAI")
            yield
        await _leaves(day, "FAI")


@asynccontextmanager
async def blocked_by_google(stage: Stage) -> AsyncIterator[None]:
    """Google says that our quota of writes is used up."""
    async with stage.calendars() as day, stage.google() as google:
        await day.hire("BLO")
        await in_step(day, "BLO")
        await entered(day, "BLO", "Sperre", ahead(9))
        async with stage.fault(google, QUOTA, match={"method": "POST", "path_regex": "/events"}):
            await day.ask("BLO")
            yield
        await stage.forget_redis()
        await _leaves(day, "BLO")


@asynccontextmanager
async def list_not_believed(stage: Stage) -> AsyncIterator[None]:
    """Advoware answers an empty list to an employee with many appointments."""
    async with stage.calendars() as day:
        await day.hire("QUA")
        for hour in range(8, 16):
            await entered(day, "QUA", f"Termin {hour}", ahead(hour))
        await in_step(day, "QUA")
        await day.switch(lie="empty_list")
        try:
            await day.sync("QUA")
            await stage.restart(CALENDAR.name)
            yield
        finally:
            await day.switch(lie=None)
        await _leaves(day, "QUA")


@asynccontextmanager
async def drifted(stage: Stage) -> AsyncIterator[None]:
    """Our memory has lost an employee who has left: the audit of the next start finds a calendar of nobody."""
    async with stage.calendars() as day:
        await day.hire("AUD")
        await in_step(day, "AUD")
        await asyncio.to_thread(stage.office.stop_process, CALENDAR.name)
        await _leaves(day, "AUD")
        await stage.sql("DELETE FROM calendar_sync.employee WHERE kuerzel = 'AUD'")
        await stage.forget_redis()
        await asyncio.to_thread(stage.office.start_process, CALENDAR.name)
        yield


async def _leaves(day: CalendarDay, kuerzel: str) -> None:
    """The employee leaves the office."""
    await day.desk("DELETE", f"mitarbeiter/{kuerzel}")


DRILLS = {
    "CalendarsNotSynced": never_synced,
    "CalendarRunsFail": runs_fail,
    "CalendarWritesBlocked": blocked_by_google,
    "CalendarQuarantined": list_not_believed,
    "CalendarAuditFound": drifted,
}
