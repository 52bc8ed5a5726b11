"""Puts the sandbox Advoware together as one aiohttp app: token service, API, desk, page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from sandbox.advoware.api import BASE, PartyRoutes
from sandbox.advoware.api_diary import DiaryRoutes
from sandbox.advoware.credentials import DEFAULT, Credentials
from sandbox.advoware.desk import DeskRoutes
from sandbox.advoware.desk_diary import DiaryDeskRoutes
from sandbox.advoware.diary import Diary
from sandbox.advoware.office import Office
from sandbox.advoware.page import PageRoutes
from sandbox.advoware.page_week import WeekRoutes
from sandbox.advoware.refusal import refusals_as_answers
from sandbox.advoware.tokens import TokenService
from sandbox.clocks import ShiftedClock, add_clock
from sandbox.control import Control

OFFICE: web.AppKey[Office] = web.AppKey("OFFICE", Office)
DIARY: web.AppKey[Diary] = web.AppKey("DIARY", Diary)
CONTROL: web.AppKey[Control] = web.AppKey("CONTROL", Control)
LARGEST_BODY = 16 * 1024 * 1024


def _record_of(request: web.Request) -> str | None:
    return request.match_info.get("betNr")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build(credentials: Credentials = DEFAULT, clock: Callable[[], datetime] = _utc_now) -> web.Application:
    """A new, empty sandbox."""
    control, clock = Control("advoware", record_of=_record_of), ShiftedClock(clock)
    office, tokens = Office(clock, control.changes), TokenService(credentials, clock)
    diary = Diary(clock, control.changes, office.switches)
    office.on_switch(diary.follow_switches)
    parties = PartyRoutes(office, tokens)
    app = web.Application(
        middlewares=[control.middleware, refusals_as_answers, parties.require_token], client_max_size=LARGEST_BODY
    )
    app[OFFICE], app[DIARY], app[CONTROL] = office, diary, control
    control.add_routes(app)
    add_clock(app, clock)
    parties.add_to(app)
    DiaryRoutes(diary, office.switches).add_to(app)
    DeskRoutes(office, diary, tokens).add_to(app)
    DiaryDeskRoutes(diary).add_to(app)
    PageRoutes(office, control).add_to(app)
    WeekRoutes(diary, control).add_to(app)
    return app


__all__ = ["BASE", "CONTROL", "DIARY", "OFFICE", "build"]
