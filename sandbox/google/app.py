"""Puts the sandbox Google together as one aiohttp app: token service, Calendar API, push, control, page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from aiohttp import web

from sandbox.clocks import ShiftedClock, add_clock
from sandbox.control import Control
from sandbox.google.access import Access
from sandbox.google.accounts import Accounts
from sandbox.google.api_acl import AclRoutes
from sandbox.google.api_calendars import CalendarRoutes
from sandbox.google.api_events import EventRoutes
from sandbox.google.channels import Channels
from sandbox.google.control_api import ControlRoutes
from sandbox.google.errors import errors_as_answers
from sandbox.google.page import PageRoutes
from sandbox.google.quota import NO_LIMITS, Limits, Quota
from sandbox.google.service_account import ROLE_ACCOUNT, ServiceAccount, new_account
from sandbox.google.tokens import TokenService
from sandbox.google.world import World

WORLD: web.AppKey[World] = web.AppKey("WORLD", World)
CONTROL: web.AppKey[Control] = web.AppKey("CONTROL", Control)
KEY: web.AppKey[ServiceAccount] = web.AppKey("KEY", ServiceAccount)
LARGEST_BODY = 16 * 1024 * 1024
OFFICE = (ROLE_ACCOUNT, "sb@kanzlei.example", "kmo@kanzlei.example", "ah@kanzlei.example")
"""The role account, and those who have an address in a fresh sandbox Advoware."""
EMPTY = {"kind": "calendar#events", "items": []}


def _record_of(request: web.Request) -> str | None:
    return request.match_info.get("eventId") or request.match_info.get("calendarId")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build(
    accounts: Iterable[str] = (),
    *,
    key: ServiceAccount | None = None,
    limits: Limits = NO_LIMITS,
    clock: Callable[[], datetime] = _utc_now,
) -> web.Application:
    """A new, empty sandbox; `accounts` come to those of the office."""
    key, clock = key or new_account(), ShiftedClock(clock)
    known = Accounts((*OFFICE, *accounts))
    quota, tokens = Quota(clock, limits), TokenService(key, known, clock)

    def caller_of(request: web.Request) -> str | None:
        return access.caller_of(request)

    control = Control("google", record_of=_record_of, caller_of=caller_of, empty_list=EMPTY)
    world = World(known, clock, control.changes)
    access, channels = Access(world, tokens, quota), Channels(world)
    app = web.Application(middlewares=[control.middleware, errors_as_answers], client_max_size=LARGEST_BODY)
    app[WORLD], app[CONTROL], app[KEY] = world, control, key
    control.add_routes(app)
    add_clock(app, clock)
    tokens.add_to(app)
    events = EventRoutes(world, access, quota, channels)
    events.add_to(app)
    CalendarRoutes(world, access, quota).add_to(app)
    AclRoutes(world, access, channels).add_to(app)
    channels.add_to(app)
    ControlRoutes(world, tokens, quota, channels, events.lister).add_to(app)
    PageRoutes(world, events.events, events.lister).add_to(app)
    return app
