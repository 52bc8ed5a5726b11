"""A stand-in that answers what a test tells it to: for what no faithful sandbox would do on request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = tuple[int, Any]
CLOSE: Answer = (0, None)
"""Takes the request and closes the connection before its status line."""


class NoCredential:
    """Acts for everybody, with a token that nobody checks."""

    def before_request(self, request: Any, method: str, url: str, headers: Any) -> None:
        headers["authorization"] = "Bearer none"

    def refresh(self, request: Any) -> None:
        """Nothing to do."""


class Everybody:
    """`client.Accounts`; remembers who acted."""

    def __init__(self) -> None:
        self.acted: list[str] = []

    def acting_for(self, account: str) -> NoCredential:
        self.acted.append(account)
        return NoCredential()


@dataclass
class Free:
    """`client.Prices` that cost nothing, and remember what they were."""

    taken: list[tuple[str, str, int]] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)

    async def take(self, account: str, calendar: str, price: int, makes: str = "") -> None:
        self.taken.append((account, calendar, price))

    async def block(self, account: str) -> None:
        self.blocked.append(account)


@dataclass
class StandIn:
    """`answers`: one for each request, the last one for all that follow; or a function of the request."""

    answers: list[Answer] = field(default_factory=list)
    rule: Callable[[web.Request], Answer] | None = None
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        text = await request.text()
        self.bodies.append(json.loads(text) if text else None)
        await asyncio.sleep(0)
        if self.rule is not None:
            status, body = self.rule(request)
        else:
            status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if status == 204:
            return web.Response(status=204)
        return web.json_response(body, status=status, headers={"Date": "Tue, 01 Dec 2026 09:00:05 GMT"})


def refusal(status: int, reason: str, message: str = "said by Google, naming Zwiebelfisch") -> Answer:
    """In Google's own form."""
    inner = {"domain": "global", "reason": reason, "message": message}
    return status, {"error": {"errors": [inner], "code": status, "message": message}}
