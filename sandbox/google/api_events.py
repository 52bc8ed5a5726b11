"""The routes of events: list, get, insert, import, update, patch, delete, move, instances, watch."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.control import RECORD
from sandbox.google import event_view
from sandbox.google.access import Access, require_writer
from sandbox.google.channels import Channels
from sandbox.google.errors import GoogleError, invalid, not_found, required
from sandbox.google.event_body import Extras
from sandbox.google.event_list import Lister, flag
from sandbox.google.events import Events
from sandbox.google.quota import Quota
from sandbox.google.tokens import Actor
from sandbox.google.world import Calendar, Event, World

BASE = "/calendar/v3"
EVENTS = BASE + "/calendars/{calendarId}/events"
ONE = EVENTS + "/{eventId}"
_LOOK = frozenset({"alwaysIncludeEmail", "maxAttendees"})
_SENT = frozenset({"sendNotifications", "sendUpdates"})
_EXTRAS = frozenset({"conferenceDataVersion", "eventLabelVersion", "supportsAttachments"})
_PAGED = frozenset({"maxResults", "pageToken", "showDeleted", "timeMin", "timeMax", "timeZone"})
_LISTED = _PAGED | {
    "eventTypes",
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "showHiddenInvitations",
    "singleEvents",
    "syncToken",
    "updatedMin",
}
PARAMETERS = {
    "events.list": _LISTED | _LOOK,
    "events.watch": _LISTED | _LOOK,
    "events.instances": _PAGED | _LOOK | {"originalStart"},
    "events.get": _LOOK | {"timeZone"},
    "events.insert": _SENT | _EXTRAS | {"maxAttendees"},
    "events.import": _EXTRAS,
    "events.update": _SENT | _EXTRAS | _LOOK,
    "events.patch": _SENT | _EXTRAS | _LOOK,
    "events.delete": _SENT,
    "events.move": _SENT | {"destination"},
}


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; 400 parseError for anything else."""
    try:
        given = json.loads(await request.read() or b"{}")
    except ValueError:
        raise GoogleError(400, "parseError", "Parse Error") from None
    if not isinstance(given, dict):
        raise GoogleError(400, "parseError", "Parse Error")
    return given


def etag_of(request: web.Request) -> str | None:
    return request.headers.get("If-Match")


class EventRoutes:
    """Thin: rights here, rules in `Events`."""

    def __init__(self, world: World, access: Access, quota: Quota, channels: Channels) -> None:
        self._world = world
        self._access = access
        self._quota = quota
        self._channels = channels
        self.events = Events(world)
        self.lister = Lister(world)

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router = app.router
        routes = (
            ("GET", EVENTS, "events.list", self._list),
            ("POST", EVENTS, "events.insert", self._insert),
            ("POST", EVENTS + "/import", "events.import", self._import),
            ("POST", EVENTS + "/watch", "events.watch", self._watch),
            ("GET", ONE, "events.get", self._get),
            ("PUT", ONE, "events.update", self._update),
            ("PATCH", ONE, "events.patch", self._patch),
            ("DELETE", ONE, "events.delete", self._delete),
            ("POST", ONE + "/move", "events.move", self._move),
            ("GET", ONE + "/instances", "events.instances", self._instances),
        )
        for verb, path, method, handler in routes:
            router.add_route(verb, path, self._access.opened(method, PARAMETERS[method], handler))

    def _calendar(self, request: web.Request, actor: Actor, method: str) -> Calendar:
        calendar = self._access.calendar(request, actor, method)
        if method not in ("events.list", "events.get", "events.instances", "events.watch"):
            require_writer(calendar, actor)
        return calendar

    def _answer(self, request: web.Request, event: Event, calendar: Calendar, actor: Actor) -> web.Response:
        request[RECORD] = event.id
        told = event_view.shown(event, calendar, actor.email, request.query.get("timeZone"))
        return web.json_response(told, headers={"ETag": event.etag})

    async def _list(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.list")
        return web.json_response(self.lister.events(calendar, request.query, actor.email))

    async def _instances(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.instances")
        master = self.events.find(calendar, request.match_info["eventId"])
        if not master.body.get("recurrence"):
            raise invalid("Event is not a recurring event.", "eventId") if not master.cancelled else not_found()
        return web.json_response(self.lister.instances(calendar, master, request.query, actor.email))

    async def _get(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.get")
        return self._answer(request, self.events.find(calendar, request.match_info["eventId"]), calendar, actor)

    async def _insert(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.insert")
        event = self.events.insert(calendar, await body_of(request), actor.email, extras_of(request))
        self._quota.made("events", actor)
        return self._answer(request, event, calendar, actor)

    async def _import(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.import")
        event = self.events.import_(calendar, await body_of(request), actor.email, extras_of(request))
        return self._answer(request, event, calendar, actor)

    async def _update(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.update")
        event_id, body = request.match_info["eventId"], await body_of(request)
        extras, etag = extras_of(request), etag_of(request)
        event = self.events.update(calendar, event_id, body, actor.email, extras=extras, etag=etag)
        return self._answer(request, event, calendar, actor)

    async def _patch(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.patch")
        event_id, body = request.match_info["eventId"], await body_of(request)
        extras, etag = extras_of(request), etag_of(request)
        event = self.events.patch(calendar, event_id, body, actor.email, extras=extras, etag=etag)
        return self._answer(request, event, calendar, actor)

    async def _delete(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.delete")
        self.events.delete(calendar, request.match_info["eventId"], actor.email, etag_of(request))
        return web.Response(status=204)

    async def _move(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.move")
        if "destination" not in request.query:
            raise required("Missing destination.")
        target = self._world.calendar(request.query["destination"], actor.email)
        require_writer(target, actor)
        event = self.events.move(calendar, request.match_info["eventId"], target, actor.email)
        return self._answer(request, event, target, actor)

    async def _watch(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "events.watch")
        uri = f"{request.scheme}://{request.host}{BASE}/calendars/{calendar.id}/events?alt=json"
        return web.json_response(self._channels.open(calendar, await body_of(request), actor, uri))


def extras_of(request: web.Request) -> Extras:
    """Which parts of an event the caller says that it knows."""
    version = request.query.get("conferenceDataVersion", "0")
    if version not in ("0", "1"):
        raise invalid(parameter="conferenceDataVersion")
    if request.query.get("sendUpdates", "none") not in ("all", "externalOnly", "none"):
        raise invalid(parameter="sendUpdates")
    return Extras(version == "1", flag(request.query, "supportsAttachments"))
