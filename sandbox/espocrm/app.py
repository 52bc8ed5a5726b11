"""The aiohttp app: REST under /api/v1, control under /_sandbox, a page at /."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from sandbox.clocks import tell_the_date
from sandbox.control import RECORD, Control
from sandbox.espocrm.auth import Authenticator, LoginFailed
from sandbox.espocrm.control_api import ControlApi
from sandbox.espocrm.dispatch import Dispatcher
from sandbox.espocrm.exchange import Answer, Request, answer_login
from sandbox.espocrm.lies import Lies
from sandbox.espocrm.page import Page
from sandbox.espocrm.rest import RestApi
from sandbox.espocrm.settings import API_PREFIX, Settings
from sandbox.espocrm.world import World

MAX_BODY = 64 * 1024 * 1024
WORLD = web.AppKey("world", World)
DISPATCHER = web.AppKey("dispatcher", Dispatcher)


def _record_of(request: web.Request) -> str | None:
    segments = request.path.removeprefix(API_PREFIX).strip("/").split("/")
    return segments[1] if len(segments) > 1 and segments[0] not in ("App", "Attachment") else None


class Server:
    """Turns HTTP into requests of the REST API and back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rest = RestApi(world)
        self.auth = Authenticator(world)
        self.lies = Lies(world, self.rest)

    def caller_of(self, request: web.Request) -> str | None:
        """Who is counted: a header of the tests, else the name that belongs to the credentials."""
        headers = request.headers
        if named := headers.get("X-Sandbox-Caller"):
            return named
        key = headers.get("X-Api-Key") or _first_part(headers.get("X-Hmac-Authorization"))
        if key and (user := self.world.users.with_key(key)) is not None:
            return user.user_name
        basic = headers.get("Espo-Authorization") or headers.get("Authorization", "").partition(" ")[2]
        return _first_part(basic) or headers.get("User-Agent")

    async def handle(self, request: web.Request) -> web.Response:
        """Any method on any path below /api/v1."""
        path = request.path.removeprefix(API_PREFIX)
        body = await request.read()
        try:
            user = self.auth.login(request.headers, request.method, path, request.remote or "")
        except LoginFailed as error:
            return _response(answer_login(error))
        asked = Request(request.method, path, request.query_string, request.headers, body)
        answer = self.lies.told(asked, user, self.rest.handle(asked, user))
        if answer.record_id:
            request[RECORD] = answer.record_id
        return _response(answer)


def _first_part(encoded: str | None) -> str | None:
    if not encoded:
        return None
    try:
        return base64.b64decode(encoded).partition(b":")[0].decode("utf-8", "replace") or None
    except (binascii.Error, ValueError):
        return None


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def build(settings: Settings) -> web.Application:
    """The app of one sandbox; its state is at app[WORLD]."""
    world = World(settings)
    server = Server(world)
    control = Control("espocrm", record_of=_record_of, caller_of=server.caller_of, empty_list={"total": 0, "list": []})
    world.changes = control.changes
    app = web.Application(middlewares=[control.middleware], client_max_size=MAX_BODY)
    dispatcher = Dispatcher(world)
    app[WORLD], app[DISPATCHER] = world, dispatcher
    control.add_routes(app)
    tell_the_date(app, world.clock.running)
    ControlApi(world, server.rest, dispatcher).add_routes(app)
    server.lies.add_routes(app)
    Page(world, server.rest).add_routes(app)
    app.router.add_route("*", API_PREFIX + "/{rest:.*}", server.handle)

    async def start(_: web.Application) -> None:
        await dispatcher.start()

    async def stop(_: web.Application) -> None:
        await dispatcher.stop()

    app.on_startup.append(start)
    app.on_shutdown.append(stop)
    return app
