"""The Google part of /_sandbox/: accounts, delegation, sync tokens, quota, rights taken away, channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.control import bad_request, json_body
from sandbox.google import scopes
from sandbox.google.channels import Channels
from sandbox.google.event_list import MOST_RESULTS, Lister
from sandbox.google.quota import Quota
from sandbox.google.service_account import ROLE_ACCOUNT
from sandbox.google.tokens import TokenService
from sandbox.google.world import Calendar, World

BASE = "/_sandbox/google"


class ControlRoutes:
    """Handlers; the README of the sandboxes lists them."""

    def __init__(self, world: World, tokens: TokenService, quota: Quota, channels: Channels, lister: Lister) -> None:
        self._world = world
        self._tokens = tokens
        self._quota = quota
        self._channels = channels
        self._lister = lister

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router = app.router
        router.add_get(BASE + "/accounts", self._accounts)
        router.add_post(BASE + "/accounts", self._add_account)
        router.add_delete(BASE + "/accounts/{email}", self._remove_account)
        router.add_post(BASE + "/delegation", self._delegate)
        router.add_post(BASE + "/expire-sync-tokens", self._expire)
        router.add_get(BASE + "/quota", self._show_quota)
        router.add_post(BASE + "/quota", self._change_quota)
        router.add_post(BASE + "/revoke", self._revoke)
        router.add_get(BASE + "/calendars", self._calendars)
        router.add_get(BASE + "/channels", self._list_channels)
        router.add_post(BASE + "/channels", self._lose)
        router.add_post(BASE + "/pages", self._pages)
        router.add_get("/_sandbox/tokens", self._count_tokens)
        router.add_post("/_sandbox/tokens/kill", self._kill_tokens)

    # -- accounts ---------------------------------------------------------------------------------------------------

    async def _accounts(self, _: web.Request) -> web.Response:
        return web.json_response({"accounts": self._world.accounts.as_rows(), "role_account": ROLE_ACCOUNT})

    async def _add_account(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        try:
            email = self._world.accounts.add(given.get("email"), given.get("name"))
        except ValueError as error:
            raise bad_request(str(error)) from error
        return web.json_response({"email": email}, status=201)

    async def _remove_account(self, request: web.Request) -> web.Response:
        if not self._world.accounts.remove(request.match_info["email"]):
            raise web.HTTPNotFound
        return web.Response(status=204)

    async def _delegate(self, request: web.Request) -> web.Response:
        """`scopes`: what domain-wide delegation grants from now on; null grants all, [] none."""
        given = (await json_body(request)).get("scopes")
        if given is not None and not isinstance(given, list):
            raise bad_request("scopes is a list, or null for all")
        granted = scopes.KNOWN if given is None else scopes.short(" ".join(map(str, given)))
        self._tokens.granted = granted
        return web.json_response({"scopes": sorted(granted)})

    # -- tokens of lists --------------------------------------------------------------------------------------------

    def _chosen(self, given: Mapping[str, Any]) -> list[Calendar]:
        name = given.get("calendar")
        if name is None:
            return list(self._world.calendars.values())
        if name not in self._world.calendars:
            raise bad_request(f"there is no calendar {name}")
        return [self._world.calendars[name]]

    async def _expire(self, request: web.Request) -> web.Response:
        """All sync tokens and the pages of syncs are over, of one calendar or of all; with them the tombstones go.

        `while_paging`: not now, but at the second page of the next sync.
        """
        given = await json_body(request)
        answer = given.get("answer", 410)
        if answer not in (400, 410):
            raise bad_request("answer is 410 or 400")
        chosen = self._chosen(given)
        for calendar in chosen:
            if given.get("while_paging"):
                calendar.dies_in_paging = True
                continue
            calendar.epoch += 1
            calendar.token_answer = answer
            if given.get("purge", True):
                _bury(calendar)
        if given.get("calendar") is None and not given.get("while_paging"):
            self._world.list_epoch += 1
        return web.json_response({"expired": len(chosen)})

    async def _pages(self, request: web.Request) -> web.Response:
        """`limit`: most events of a page; `empty`: the second page of a long list is empty."""
        given = await json_body(request)
        limit, empty = given.get("limit", self._lister.page_limit), given.get("empty", self._lister.empty_pages)
        if not isinstance(limit, int) or not 1 <= limit <= MOST_RESULTS or not isinstance(empty, bool):
            raise bad_request(f"limit is a number up to {MOST_RESULTS}, empty is true or false")
        self._lister.page_limit, self._lister.empty_pages = limit, empty
        return web.json_response({"limit": limit, "empty": empty})

    # -- quota and rights -------------------------------------------------------------------------------------------

    async def _show_quota(self, _: web.Request) -> web.Response:
        return web.json_response(self._quota.as_row())

    async def _change_quota(self, request: web.Request) -> web.Response:
        try:
            self._quota.change(await json_body(request))
        except (ValueError, TypeError) as error:
            raise bad_request(str(error)) from error
        return web.json_response(self._quota.as_row())

    async def _revoke(self, request: web.Request) -> web.Response:
        """`calendar` alone: it is deleted by its owner. With `email`: that account's right in it is taken away."""
        given = await json_body(request)
        if "calendar" not in given:
            raise bad_request("calendar is missing")
        calendar = self._chosen(given)[0]
        email = given.get("email")
        if email is None:
            self._world.drop(calendar, calendar.owner)
            return web.json_response({"calendar": calendar.id, "deleted": True})
        rule = f"user:{str(email).lower()}"
        if rule not in calendar.rules:
            raise bad_request(f"{email} has no right of its own there")
        self._world.revoke(calendar, rule)
        self._world.changed(calendar, "acl", rule, "delete", calendar.owner)
        return web.json_response({"calendar": calendar.id, "deleted": False})

    # -- looking ----------------------------------------------------------------------------------------------------

    async def _calendars(self, _: web.Request) -> web.Response:
        """All of them, with rights and number of events, whoever may see them."""
        rows = [
            {
                "id": calendar.id,
                "summary": calendar.fields["summary"],
                "description": calendar.fields.get("description", ""),
                "owner": calendar.owner,
                "primary": calendar.primary,
                "acl": {rule.id: rule.role for rule in calendar.rules.values()},
                "events": sum(not event.cancelled for event in calendar.events.values()),
            }
            for calendar in self._world.calendars.values()
        ]
        return web.json_response({"calendars": rows})

    async def _list_channels(self, _: web.Request) -> web.Response:
        return web.json_response({"channels": self._channels.as_rows()})

    async def _lose(self, request: web.Request) -> web.Response:
        """`lose_every`: every n-th message is lost; 0 loses none."""
        every = (await json_body(request)).get("lose_every", 0)
        if not isinstance(every, int) or every < 0:
            raise bad_request("lose_every is a number")
        self._channels.lossy = every
        return web.json_response({"lose_every": every})

    async def _count_tokens(self, _: web.Request) -> web.Response:
        return web.json_response(self._tokens.counts())

    async def _kill_tokens(self, _: web.Request) -> web.Response:
        return web.json_response({"killed": self._tokens.kill()})


def _bury(calendar: Calendar) -> None:
    """After an expiry no list shows what was deleted before it; exceptions of a living series stay."""
    for event in calendar.events.values():
        if event.cancelled and event.master_id is None:
            event.hidden = True
