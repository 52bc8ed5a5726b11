"""HTTP in: tickets are opened, listed, explained, and acted on. An action is answered once the broker has it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from synckit.errors import TransientError
from ticketing import metrics
from ticketing.domain import ACTIONS, DESK, Ticket
from ticketing.handlers import NOUN, Asking, Tickets


class NewTicket(msgspec.Struct):
    """The body that opens one."""

    title: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]


@dataclass(frozen=True, slots=True)
class TicketRoutes:
    """`within`: a ticket has to be triaged after so long."""

    tickets: Tickets
    asking: Asking
    within: timedelta

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/tickets", self._open)
        app.router.add_get("/tickets", self._list)
        app.router.add_post(f"/tickets/{{id}}/{{action:{'|'.join(ACTIONS)}}}", self._act)
        app.router.add_get(f"/explain/{NOUN}/{{id}}", self._explain)

    async def _open(self, request: web.Request) -> web.Response:
        given = msgspec.json.decode(await request.read(), type=NewTicket)
        ticket = await self.tickets.add(given.title, self.within)
        metrics.OPENED.inc()
        return web.json_response(msgspec.to_builtins(ticket), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        found = await self.tickets.newest(request.query.get("state"))
        return web.json_response({"list": msgspec.to_builtins(found)})

    async def _act(self, request: web.Request) -> web.Response:
        ticket, action = await self._one(request), request.match_info["action"]
        await self.asking.ask(ticket.id, action, DESK)
        return web.json_response({"id": ticket.id, "action": action}, status=202)

    async def _explain(self, request: web.Request) -> web.Response:
        """Its history says why it is as it is."""
        return web.json_response(msgspec.to_builtins(await self._one(request)))

    async def _one(self, request: web.Request) -> Ticket:
        if found := await self.tickets.load(request.match_info["id"]):
            return found[0]
        raise web.HTTPNotFound


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as problem details. Trouble of our own is a 503: nothing was promised, the caller may ask again."""
    try:
        return await handler(request)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _problem(400, "title is text of 1 to 200 characters")
    except web.HTTPNotFound:
        return _problem(404, "no such ticket, or path")
    except TransientError as error:
        return _problem(503, error.code)


def _problem(status: int, title: str) -> web.Response:
    told = {"title": title, "status": status}
    return web.json_response(told, status=status, content_type="application/problem+json")
