"""The routes of calendars and of somebody's list of calendars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from sandbox.control import RECORD
from sandbox.google import times
from sandbox.google.access import Access, at_least, require_owner
from sandbox.google.api_events import BASE, body_of, etag_of
from sandbox.google.errors import GoogleError, condition_not_met, duplicate, forbidden, invalid, not_found, required
from sandbox.google.event_list import flag, results
from sandbox.google.list_tokens import Mark, Place, encoded, read_mark, read_place
from sandbox.google.quota import Quota
from sandbox.google.tokens import Actor
from sandbox.google.world import ROLES, Calendar, Entry, World

CALENDARS = BASE + "/calendars"
LIST = BASE + "/users/me/calendarList"
WRITABLE = {"summary": 254, "description": 8192, "location": 1024, "timeZone": 64}
ECHOED = frozenset(
    {
        "kind",
        "etag",
        "id",
        "dataOwner",
        "conferenceProperties",
        "autoAcceptInvitations",
        "labelProperties",
        "workingHours",
    }
)
LOOK = frozenset(
    {
        "backgroundColor",
        "foregroundColor",
        "colorId",
        "defaultReminders",
        "hidden",
        "notificationSettings",
        "selected",
        "summaryOverride",
    }
)
LIST_ECHOED = ECHOED | frozenset(WRITABLE) | {"accessRole", "primary", "deleted"}
LIST_PARAMETERS = frozenset(
    {"maxResults", "minAccessRole", "pageToken", "showDeleted", "showHidden", "showOwnOrganizationOnly", "syncToken"}
)
DEFAULT_RESULTS, MOST_RESULTS = 100, 250


class CalendarRoutes:
    """calendars.* and calendarList.*"""

    def __init__(self, world: World, access: Access, quota: Quota) -> None:
        self._world = world
        self._access = access
        self._quota = quota

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        none: frozenset[str] = frozenset()
        one, entry, look = CALENDARS + "/{calendarId}", LIST + "/{calendarId}", frozenset({"colorRgbFormat"})
        for verb, path, method, parameters, handler in (
            ("POST", CALENDARS, "calendars.insert", none, self._insert),
            ("GET", one, "calendars.get", none, self._get),
            ("PUT", one, "calendars.update", none, self._update),
            ("PATCH", one, "calendars.patch", none, self._patch),
            ("DELETE", one, "calendars.delete", none, self._delete),
            ("POST", one + "/clear", "calendars.clear", none, self._clear),
            ("GET", LIST, "calendarList.list", LIST_PARAMETERS, self._list),
            ("POST", LIST, "calendarList.insert", look, self._show),
            ("GET", entry, "calendarList.get", none, self._entry),
            ("PUT", entry, "calendarList.update", look, self._look_update),
            ("PATCH", entry, "calendarList.patch", look, self._look_patch),
            ("DELETE", entry, "calendarList.delete", none, self._hide),
        ):
            app.router.add_route(verb, path, self._access.opened(method, parameters, handler))

    # -- calendars --------------------------------------------------------------------------------------------------

    async def _insert(self, request: web.Request, actor: Actor) -> web.Response:
        fields = _checked(await body_of(request))
        if not fields.get("summary"):
            raise required("Missing summary.")
        calendar = self._world.create(fields, actor)
        self._quota.made("calendars", actor)
        request[RECORD] = calendar.id
        return web.json_response(shown(calendar))

    async def _get(self, request: web.Request, actor: Actor) -> web.Response:
        return web.json_response(shown(self._access.calendar(request, actor, "calendars.get")))

    async def _update(self, request: web.Request, actor: Actor) -> web.Response:
        return await self._change(request, actor, "calendars.update")

    async def _patch(self, request: web.Request, actor: Actor) -> web.Response:
        return await self._change(request, actor, "calendars.patch")

    async def _change(self, request: web.Request, actor: Actor, method: str) -> web.Response:
        calendar = self._access.calendar(request, actor, method)
        require_owner(calendar, actor)
        if etag_of(request) not in (None, "*", f'"{calendar.version}"'):
            raise condition_not_met()
        given = await body_of(request)
        fields = _checked(given)
        if method == "calendars.patch":
            kept = {name: value for name, value in calendar.fields.items() if given.get(name, value) is not None}
            fields = kept | fields
        if not fields.get("summary"):
            raise required("Missing summary.")
        calendar.fields = {"timeZone": calendar.zone} | fields
        calendar.version = self._world.next_version()
        self._world.changed(calendar, "calendar", calendar.id, "update", actor.email, **fields)
        return web.json_response(shown(calendar))

    async def _delete(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._access.calendar(request, actor, "calendars.delete")
        if calendar.primary:
            raise GoogleError(400, "cannotDeletePrimaryCalendar", "Cannot delete primary calendar.", "calendar")
        if calendar.owner != actor.email:
            raise forbidden("forbidden", "Only the data owner can delete this calendar.")
        self._world.drop(calendar, actor.email)
        return web.Response(status=204)

    async def _clear(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._access.calendar(request, actor, "calendars.clear")
        if not calendar.primary:
            raise invalid("Only primary calendars can be cleared.", "calendarId")
        calendar.events.clear()
        calendar.epoch += 1
        self._world.changed(calendar, "event", calendar.id, "delete", actor.email)
        return web.Response(status=204)

    # -- lists ------------------------------------------------------------------------------------------------------

    async def _list(self, request: web.Request, actor: Actor) -> web.Response:
        query = request.query
        if "syncToken" in query and ("minAccessRole" in query or query.get("showDeleted") == "false"):
            raise invalid("minAccessRole and showDeleted cannot be specified together with syncToken.", "syncToken")
        entries = self._world.entries(actor.email)
        now = Mark(f"list {actor.email}", self._world.list_epoch, self._world.seq, "", self._world.clock().timestamp())
        if query.get("pageToken"):
            place = read_place(query["pageToken"], now)
        else:
            since = read_mark(query["syncToken"], now).seq if "syncToken" in query else None
            place = Place(now, [], 1, since)
        rows = sorted((entry for entry in entries.values() if self._listed(entry, query, place, actor)), key=_key)
        left = [entry for entry in rows if [entry.calendar_id] > place.key]
        most = results(query, DEFAULT_RESULTS, MOST_RESULTS)
        page: dict[str, Any] = {"kind": "calendar#calendarList", "etag": f'"{self._world.seq}"'}
        page["items"] = [self._row(entry, actor.email) for entry in left[:most]]
        if len(left) > most:
            page["nextPageToken"] = encoded(
                Place(place.mark, [left[most - 1].calendar_id], place.number + 1, place.since)
            )
        else:
            page["nextSyncToken"] = encoded(place.mark)
        return web.json_response(page)

    def _listed(self, entry: Entry, query: MultiMapping[str], place: Place, actor: Actor) -> bool:
        if place.since is not None:
            return entry.seq > place.since
        if entry.deleted and not flag(query, "showDeleted"):
            return False
        if entry.look.get("hidden") and not flag(query, "showHidden"):
            return False
        calendar = self._world.calendars.get(entry.calendar_id)
        least = query.get("minAccessRole", "none")
        if least not in ROLES:
            raise invalid(parameter="minAccessRole")
        return calendar is None or at_least(calendar.role_of(actor.email), least)

    def _row(self, entry: Entry, email: str) -> dict[str, Any]:
        head = {"kind": "calendar#calendarListEntry", "etag": f'"{entry.version}"', "id": entry.calendar_id}
        calendar = self._world.calendars.get(entry.calendar_id)
        if entry.deleted or calendar is None:
            return head | {"deleted": True}
        look = {"selected": True, "colorId": "14", "defaultReminders": []} | entry.look
        told = head | calendar.fields | look | {"accessRole": calendar.role_of(email)}
        told |= {"dataOwner": calendar.owner} if not calendar.primary else {"primary": True}
        return told

    def _own_entry(self, request: web.Request, actor: Actor, method: str) -> Entry:
        name = request.match_info["calendarId"]
        wanted = actor.email if name == "primary" else name
        entry = self._world.entries(actor.email).get(wanted)
        calendar = self._world.calendars.get(wanted)
        if entry is None or entry.deleted or calendar is None or calendar.role_of(actor.email) == "none":
            raise not_found()
        self._access.check_app(calendar, actor, method)
        return entry

    async def _show(self, request: web.Request, actor: Actor) -> web.Response:
        given = await body_of(request)
        if not isinstance(given.get("id"), str):
            raise required("Missing calendar id.")
        calendar = self._world.calendar(given["id"], actor.email)
        known = self._world.entries(actor.email).get(calendar.id)
        if known is not None and not known.deleted:
            raise duplicate()
        entry = self._world.show(calendar, actor.email, _look(given))
        self._world.changed(calendar, "calendarList", calendar.id, "create", actor.email)
        request[RECORD] = calendar.id
        return web.json_response(self._row(entry, actor.email))

    async def _entry(self, request: web.Request, actor: Actor) -> web.Response:
        return web.json_response(self._row(self._own_entry(request, actor, "calendarList.get"), actor.email))

    async def _look_update(self, request: web.Request, actor: Actor) -> web.Response:
        entry = self._own_entry(request, actor, "calendarList.update")
        return self._looking(entry, _look(await body_of(request)), actor)

    async def _look_patch(self, request: web.Request, actor: Actor) -> web.Response:
        entry = self._own_entry(request, actor, "calendarList.patch")
        return self._looking(entry, entry.look | _look(await body_of(request)), actor)

    def _looking(self, entry: Entry, look: Mapping[str, Any], actor: Actor) -> web.Response:
        calendar = self._world.calendars[entry.calendar_id]
        return web.json_response(self._row(self._world.show(calendar, actor.email, look), actor.email))

    async def _hide(self, request: web.Request, actor: Actor) -> web.Response:
        self._world.hide(self._own_entry(request, actor, "calendarList.delete"))
        return web.Response(status=204)


def shown(calendar: Calendar) -> dict[str, Any]:
    """A calendar as calendars.get shows it."""
    head: dict[str, Any] = {"kind": "calendar#calendar", "etag": f'"{calendar.version}"', "id": calendar.id}
    owner = {} if calendar.primary else {"dataOwner": calendar.owner}
    properties = {"conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]}}
    return head | calendar.fields | owner | properties


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(given) - set(WRITABLE) - ECHOED
    if unknown:
        raise GoogleError(400, "badRequest", f'Invalid JSON payload received. Unknown name "{min(unknown)}".')
    fields = {name: given[name] for name in WRITABLE if given.get(name) is not None}
    for name, value in fields.items():
        if not isinstance(value, str) or len(value) > WRITABLE[name]:
            raise invalid()
    if "timeZone" in fields:
        times.zone_of(fields["timeZone"])
    return fields


def _look(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(given) - LOOK - LIST_ECHOED
    if unknown:
        raise GoogleError(400, "badRequest", f'Invalid JSON payload received. Unknown name "{min(unknown)}".')
    return {name: given[name] for name in LOOK if given.get(name) is not None}


def _key(entry: Entry) -> str:
    return entry.calendar_id
