"""The routes of a calendar's rights, and channels/stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.control import RECORD
from sandbox.google.access import Access, require_owner
from sandbox.google.accounts import ADDRESS
from sandbox.google.api_calendars import CALENDARS, MOST_RESULTS
from sandbox.google.api_events import BASE, body_of
from sandbox.google.channels import Channels
from sandbox.google.errors import forbidden, invalid, not_found, required
from sandbox.google.event_list import flag, results
from sandbox.google.list_tokens import Mark, Place, encoded, read_mark, read_place
from sandbox.google.tokens import Actor
from sandbox.google.world import ROLES, Calendar, Rule, World

SCOPES = ("default", "user", "group", "domain")
ACL = CALENDARS + "/{calendarId}/acl"
PAGED = frozenset({"maxResults", "pageToken", "showDeleted", "syncToken"})


class AclRoutes:
    """acl.* and channels.stop."""

    def __init__(self, world: World, access: Access, channels: Channels) -> None:
        self._world = world
        self._access = access
        self._channels = channels

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        none: frozenset[str] = frozenset()
        told, one = frozenset({"sendNotifications"}), ACL + "/{ruleId}"
        for verb, path, method, parameters, handler in (
            ("GET", ACL, "acl.list", PAGED, self._list),
            ("POST", ACL, "acl.insert", told, self._insert),
            ("GET", one, "acl.get", none, self._get),
            ("PUT", one, "acl.update", told, self._update),
            ("PATCH", one, "acl.patch", told, self._update),
            ("DELETE", one, "acl.delete", none, self._delete),
            ("POST", BASE + "/channels/stop", "channels.stop", none, self._stop),
        ):
            app.router.add_route(verb, path, self._access.opened(method, parameters, handler))

    def _calendar(self, request: web.Request, actor: Actor, method: str) -> Calendar:
        calendar = self._access.calendar(request, actor, method)
        require_owner(calendar, actor)
        return calendar

    async def _list(self, request: web.Request, actor: Actor) -> web.Response:
        calendar, query = self._calendar(request, actor, "acl.list"), request.query
        now = Mark(f"acl {calendar.id}", 0, self._world.seq, "", self._world.clock().timestamp())
        if query.get("pageToken"):
            place = read_place(query["pageToken"], now)
        else:
            place = Place(now, [], 1, read_mark(query["syncToken"], now).seq if "syncToken" in query else None)
        rules = sorted(calendar.rules.items())
        if place.since is not None:
            rules = [each for each in rules if each[1].seq > place.since]
        elif not flag(query, "showDeleted"):
            rules = [each for each in rules if each[1].role != "none"]
        left = [each for each in rules if [each[0]] > place.key]
        most = results(query, 100, MOST_RESULTS)
        page: dict[str, Any] = {"kind": "calendar#acl", "etag": f'"{self._world.seq}"'}
        page["items"] = [_shown(rule) for _, rule in left[:most]]
        if len(left) > most:
            page["nextPageToken"] = encoded(Place(place.mark, [left[most - 1][0]], place.number + 1, place.since))
        else:
            page["nextSyncToken"] = encoded(place.mark)
        return web.json_response(page)

    async def _insert(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "acl.insert")
        given = await body_of(request)
        scope = _scope(given)
        self._guard(calendar, scope, given)
        rule = self._set(calendar, scope, _role(given), actor)
        request[RECORD] = rule.id
        return web.json_response(_shown(rule))

    async def _get(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "acl.get")
        return web.json_response(_shown(_rule(calendar, request)))

    async def _update(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "acl.update")
        rule, given = _rule(calendar, request), await body_of(request)
        if "scope" in given and _scope(given) != rule.scope:
            raise invalid("The scope of a rule cannot be changed.")
        self._guard(calendar, rule.scope, given)
        return web.json_response(_shown(self._set(calendar, rule.scope, _role(given), actor)))

    async def _delete(self, request: web.Request, actor: Actor) -> web.Response:
        calendar = self._calendar(request, actor, "acl.delete")
        rule = _rule(calendar, request)
        self._guard(calendar, rule.scope, {"role": "none"})
        self._world.revoke(calendar, rule.id)
        self._world.changed(calendar, "acl", rule.id, "delete", actor.email)
        return web.Response(status=204)

    async def _stop(self, request: web.Request, _: Actor) -> web.Response:
        self._channels.stop(await body_of(request))
        return web.Response(status=204)

    def _set(self, calendar: Calendar, scope: Mapping[str, str], role: str, actor: Actor) -> Rule:
        rule = self._world.set_rule(calendar, scope, role)
        if scope["type"] == "user" and role == "none":
            self._world.revoke(calendar, rule.id)
        self._world.changed(calendar, "acl", rule.id, "update", actor.email, role=role)
        return rule

    @staticmethod
    def _guard(calendar: Calendar, scope: Mapping[str, str], given: Mapping[str, Any]) -> None:
        """Nobody takes the data owner's right away."""
        if scope.get("value") == calendar.owner and given.get("role") != "owner":
            raise forbidden("cannotChangeOwnAcl", "Cannot change your own access level.", "calendar")


def _shown(rule: Rule) -> dict[str, Any]:
    return {
        "kind": "calendar#aclRule",
        "etag": f'"{rule.version}"',
        "id": rule.id,
        "scope": dict(rule.scope),
        "role": rule.role,
    }


def _rule(calendar: Calendar, request: web.Request) -> Rule:
    rule = calendar.rules.get(request.match_info["ruleId"].lower())
    if rule is None or rule.role == "none":
        raise not_found()
    return rule


def _role(given: Mapping[str, Any]) -> str:
    role = given.get("role")
    if role is None:
        raise required("Missing role.")
    if role not in ROLES:
        raise invalid("Invalid role.")
    return str(role)


def _scope(given: Mapping[str, Any]) -> dict[str, str]:
    scope = given.get("scope")
    if not isinstance(scope, Mapping) or "type" not in scope:
        raise required("Missing scope.")
    kind, value = scope["type"], scope.get("value")
    if kind not in SCOPES or (kind == "default") != (value is None):
        raise invalid("Invalid scope.")
    if kind in ("user", "group") and not ADDRESS.match(str(value)):
        raise invalid("Invalid scope value.")
    return {"type": kind} | ({} if value is None else {"value": str(value).lower()})
