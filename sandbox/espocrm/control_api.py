"""The EspoCRM part of /_sandbox/: state, users, clock, settings, metadata, notes, webhook queue, edits as a user."""

from __future__ import annotations

import base64
import json
from typing import Any

from aiohttp import web

from sandbox.control import bad_request, json_body
from sandbox.espocrm.dispatch import Dispatcher
from sandbox.espocrm.events import Item
from sandbox.espocrm.exchange import Request
from sandbox.espocrm.rest import RestApi
from sandbox.espocrm.seeding import Seeder
from sandbox.espocrm.world import World

SHOWN_ITEMS = 1000


class ControlApi:
    """Handlers; README of the sandbox lists them."""

    def __init__(self, world: World, rest: RestApi, dispatcher: Dispatcher) -> None:
        self.world = world
        self.rest = rest
        self.dispatcher = dispatcher
        self.seeder = Seeder(rest.records)

    def add_routes(self, app: web.Application) -> None:
        """Mount them."""
        router = app.router
        router.add_get("/_sandbox/settings", self._settings)
        router.add_post("/_sandbox/settings", self._change_settings)
        router.add_post("/_sandbox/reset", self._reset)
        router.add_get("/_sandbox/state", self._state)
        router.add_post("/_sandbox/state", self._seed)
        router.add_delete("/_sandbox/state/{entity}/{id}", self._erase)
        router.add_post("/_sandbox/snapshots", self._snapshot)
        router.add_post("/_sandbox/snapshots/{number:[0-9]+}", self._restore)
        router.add_delete("/_sandbox/snapshots/{number:[0-9]+}", self._forget)
        router.add_post("/_sandbox/users/{name}", self._user)
        router.add_delete("/_sandbox/users/{name}", self._forget_user)
        router.add_get("/_sandbox/metadata", self._show_metadata)
        router.add_post("/_sandbox/metadata", self._metadata)
        router.add_post("/_sandbox/clock", self._clock)
        router.add_delete("/_sandbox/failed-logins", self._forgive)
        router.add_post("/_sandbox/failed-logins", self._failed_logins)
        router.add_get("/_sandbox/notes", self._notes)
        router.add_get("/_sandbox/webhooks", self._webhooks)
        router.add_post("/_sandbox/webhooks", self._change_webhooks)
        router.add_post("/_sandbox/webhooks/run", self._run)
        router.add_post("/_sandbox/as-user", self._as_user)

    async def _settings(self, _: web.Request) -> web.Response:
        return web.json_response(self.world.settings_row())

    def _configure(self, changes: dict[str, Any]) -> None:
        try:
            self.world.configure(changes)
        except ValueError as error:
            raise bad_request(str(error)) from error
        if "dispatch_interval" in changes:
            self.dispatcher.settings_changed()

    async def _change_settings(self, request: web.Request) -> web.Response:
        self._configure(await json_body(request))
        return web.json_response(self.world.settings_row())

    async def _reset(self, request: web.Request) -> web.Response:
        changes = await json_body(request)
        self._configure({})
        try:
            self.world.reset(changes)
        except ValueError as error:
            raise bad_request(str(error)) from error
        self.dispatcher.settings_changed()
        return web.json_response(self.world.settings_row())

    async def _state(self, request: web.Request) -> web.Response:
        dumped = self.seeder.dump()
        wanted = request.query.get("entity")
        return web.json_response({wanted: dumped.get(wanted, [])} if wanted else dumped)

    async def _seed(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        unknown = [name for name in given if self.world.entity(name) is None]
        if unknown:
            raise bad_request(f"unknown entity type: {', '.join(unknown)}")
        return web.json_response({"seeded": self.seeder.seed(given)})

    async def _erase(self, request: web.Request) -> web.Response:
        """Delete as if nobody had done it: no event."""
        record = self.world.store.find(request.match_info["entity"], request.match_info["id"])
        if record is None:
            raise web.HTTPNotFound
        record.deleted = True
        return web.json_response({"deleted": record.id})

    async def _snapshot(self, _: web.Request) -> web.Response:
        return web.json_response({"snapshot": self.world.snapshot()}, status=201)

    async def _restore(self, request: web.Request) -> web.Response:
        keep = (await json_body(request)).get("keep", False)
        try:
            self.world.restore(int(request.match_info["number"]), keep=bool(keep))
        except KeyError as error:
            raise web.HTTPNotFound from error
        return web.json_response({"restored": int(request.match_info["number"])})

    async def _forget(self, request: web.Request) -> web.Response:
        self.world.forget(int(request.match_info["number"]))
        return web.json_response({})

    async def _user(self, request: web.Request) -> web.Response:
        patch = await json_body(request)
        user = self.world.users.change(self.world.store, request.match_info["name"], patch, self.world.clock.stamp())
        return web.json_response({"id": user.id, "userName": user.user_name, "name": user.name, "type": user.kind})

    async def _forget_user(self, request: web.Request) -> web.Response:
        """As if the login had never been."""
        user = self.world.users.named(request.match_info["name"])
        if user is None:
            raise web.HTTPNotFound
        self.world.users.by_id.pop(user.id)
        self.world.store.records["User"].pop(user.id, None)
        return web.json_response({"forgotten": user.id})

    async def _show_metadata(self, _: web.Request) -> web.Response:
        """Per entity type: fields, links, flags, and the keys that its records have in the API, with their fields."""
        shown = {
            name: {
                "fields": each.fields,
                "links": each.links,
                "flags": each.flags,
                "attributes": {key: attribute.field for key, attribute in each.attributes.items()},
            }
            for name, each in self.world.metadata.entities.items()
        }
        return web.json_response(shown)

    async def _metadata(self, request: web.Request) -> web.Response:
        for entity_type, patch in (await json_body(request)).items():
            self.world.metadata.change(entity_type, patch)
        return web.json_response({})

    async def _clock(self, request: web.Request) -> web.Response:
        try:
            given = await json_body(request)
            self.world.clock.running.shift(given.get("offset", 0))
            self.world.clock.set(given.get("now"))
        except ValueError as error:
            raise bad_request("now is YYYY-MM-DD HH:MM:SS or null, offset a number of seconds") from error
        return web.json_response({"now": self.world.clock.stamp()})

    async def _forgive(self, _: web.Request) -> web.Response:
        self.world.users.failures.clear()
        return web.json_response({})

    async def _failed_logins(self, request: web.Request) -> web.Response:
        """As if the caller's address had failed to log in so often just now."""
        count, now = int((await json_body(request)).get("count", 0)), self.world.clock.monotonic()
        self.world.users.failures.clear()
        self.world.users.failures[request.remote or ""] = [now] * count
        return web.json_response({"count": count})

    async def _notes(self, request: web.Request) -> web.Response:
        views, entity = self.rest.views, self.world.metadata.entities["Note"]
        wanted = request.query.get("type", "Post")
        notes = [
            views.whole(entity, note) for note in self.world.store.live("Note") if note.values.get("type") == wanted
        ]
        parent = request.query.get("parent")
        return web.json_response({"notes": [note for note in notes if parent in (None, note["parentId"])]})

    async def _webhooks(self, _: web.Request) -> web.Response:
        events = self.world.events
        waiting = [_item_row(item) for queue in events.queues.values() for item in queue]
        return web.json_response(
            {
                "enabled": self.world.settings.webhooks_enabled,
                "events": [
                    {"event": each.name, "record": each.record_id} for each in list(events.pending)[:SHOWN_ITEMS]
                ],
                "events_pending": len(events.pending),
                "queue": waiting[:SHOWN_ITEMS],
                "queue_pending": len(waiting),
                **events.counts,
                "links_pending": len(events.link_jobs),
                **{f"links_{name}": number for name, number in events.link_counts.items()},
                "done": [_item_row(item) for item in list(events.done)[-SHOWN_ITEMS:]],
            }
        )

    async def _change_webhooks(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        if "enabled" in given:
            given["webhooks_enabled"] = bool(given.pop("enabled"))
        if given.pop("clear", False):
            self.world.events.pending.clear()
            self.world.events.queues.clear()
        self._configure(given)
        return await self._webhooks(request)

    async def _run(self, request: web.Request) -> web.Response:
        await self.dispatcher.run()
        await self.dispatcher.links.run()
        return await self._webhooks(request)

    async def _as_user(self, request: web.Request) -> web.Response:
        """A REST request in a user's name; neither logged nor faulted."""
        given = await json_body(request)
        user = self.world.users.named(str(given.get("user", "anna")))
        if user is None or not given.get("path"):
            raise bad_request("needs user, method, path, body")
        path, _, raw_query = str(given["path"]).removeprefix("/api/v1").partition("?")
        body = b"" if given.get("body") is None else json.dumps(given["body"]).encode()
        headers = {"Content-Type": "application/json", **given.get("headers", {})}
        answer = self.rest.handle(Request(str(given.get("method", "GET")), path, raw_query, headers, body), user)
        text = answer.body if answer.content_type.startswith("application/json") else base64.b64encode(answer.body)
        return web.json_response(
            {
                "status": answer.status,
                "reason": answer.headers.get("X-Status-Reason"),
                "body": json.loads(text) if _is_json(text) else text.decode(),
            }
        )


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _item_row(item: Item) -> dict[str, Any]:
    return {
        "number": item.number,
        "webhook": item.webhook_id,
        "event": item.event,
        "record": item.record_id,
        "status": item.status,
        "attempts": item.attempts,
        "code": item.code,
        "attributes": sorted(item.item),
    }
