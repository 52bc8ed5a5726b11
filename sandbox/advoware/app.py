"""Puts the sandbox Advoware together as one aiohttp app: token service, API, desk, page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from sandbox.advoware.api import BASE, PartyRoutes
from sandbox.advoware.api_diary import DiaryRoutes
from sandbox.advoware.credentials import DEFAULT, Credentials
from sandbox.advoware.desk import DeskRoutes
from sandbox.advoware.diary import Diary
from sandbox.advoware.office import Office
from sandbox.advoware.page import PageRoutes
from sandbox.advoware.refusal import refusals_as_answers
from sandbox.advoware.tokens import TokenService
from sandbox.clocks import ShiftedClock, add_clock
from sandbox.control import Control

OFFICE: web.AppKey[Office] = web.AppKey("OFFICE", Office)
CONTROL: web.AppKey[Control] = web.AppKey("CONTROL", Control)
LARGEST_BODY = 16 * 1024 * 1024


def _record_of(request: web.Request) -> str | None:
    return request.match_info.get("betNr")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build(credentials: Credentials = DEFAULT, clock: Callable[[], datetime] = _utc_now) -> web.Application:
    """A new, empty sandbox."""
    control, clock = Control("advoware", record_of=_record_of), ShiftedClock(clock)
    office, diary, tokens = Office(clock, control.changes), Diary(clock), TokenService(credentials, clock)
    parties = PartyRoutes(office, tokens)
    app = web.Application(
        middlewares=[control.middleware, refusals_as_answers, parties.require_token], client_max_size=LARGEST_BODY
    )
    app[OFFICE], app[CONTROL] = office, control
    control.add_routes(app)
    add_clock(app, clock)
    parties.add_to(app)
    DiaryRoutes(diary, office).add_to(app)
    DeskRoutes(office, diary, tokens).add_to(app)
    PageRoutes(office, control).add_to(app)
    return app


__all__ = ["BASE", "CONTROL", "OFFICE", "build"]
