"""Drills of calendars: runs that fail, a block by Google, a list that is not believed, a drift that an audit finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from demo.appointments import ahead
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
    match = {"path_regex": "/calendar/v3"}
    async with stage.calendars() as day, stage.google() as google, stage.fault(google, AWAY, match=match):
        await day.hire("OLD")
        await day.ask("OLD")
        await asyncio.sleep(5)
        await stage.restart(CALENDAR.name)
        yield


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


@asynccontextmanager
async def deleted_at_the_desk(stage: Stage) -> AsyncIterator[None]:
    """Somebody deletes nearly all appointments of an employee: more than one run may lose without a person."""
    async with stage.calendars() as day:
        await day.hire("QUA")
        made = [await entered(day, "QUA", f"Termin {hour}", ahead(hour)) for hour in range(8, 16)]
        await in_step(day, "QUA")
        for termin in made[1:]:
            await day.desk("DELETE", f"termine/{termin['frNr']}")
        await day.sync("QUA")
        await stage.restart(CALENDAR.name)
        yield


@asynccontextmanager
async def drifted(stage: Stage) -> AsyncIterator[None]:
    """Our memory has lost an employee who has left: the audit of the next start finds a calendar of nobody."""
    async with stage.calendars() as day:
        await day.hire("AUD")
        await in_step(day, "AUD")
        await asyncio.to_thread(stage.office.stop_process, CALENDAR.name)
        await day.desk("DELETE", "mitarbeiter/AUD")
        await stage.sql("DELETE FROM calendar_sync.employee WHERE kuerzel = 'AUD'")
        await stage.forget_redis()
        await asyncio.to_thread(stage.office.start_process, CALENDAR.name)
        yield


# Those who are hired stay: an office without employees is not believed.
DRILLS = {
    "CalendarsNotSynced": never_synced,
    "CalendarRunsFail": runs_fail,
    "CalendarWritesBlocked": blocked_by_google,
    "CalendarQuarantined": deleted_at_the_desk,
    "CalendarAuditFound": drifted,
}
