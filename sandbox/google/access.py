"""Who calls, whether the token's scopes open the method, and what the calendar's rights allow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.google.accounts import ADDRESS
from sandbox.google.errors import insufficient_scopes, invalid, needs_access, unauthorized
from sandbox.google.quota import Quota
from sandbox.google.scopes import APP_CREATED, METHODS
from sandbox.google.tokens import Actor, TokenService
from sandbox.google.world import ROLES, WRITERS, Calendar, World

PERSON = "sandbox:"
GLOBAL_PARAMETERS = frozenset(
    {"alt", "fields", "key", "access_token", "oauth_token", "prettyPrint", "quotaUser", "userIp", "callback"}
)
Route = Callable[[web.Request, Actor], Awaitable[web.StreamResponse]]


def bearer_of(request: web.Request) -> str:
    """The token of the request, or "" """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def person_of(token: str) -> str | None:
    """The address in `sandbox:<address>`."""
    address = token.removeprefix(PERSON).lower() if token.startswith(PERSON) else ""
    return address if ADDRESS.match(address) else None


class Access:
    """Wraps the handlers of the API."""

    def __init__(self, world: World, tokens: TokenService, quota: Quota) -> None:
        self._world = world
        self._tokens = tokens
        self._quota = quota

    def actor(self, request: web.Request) -> Actor:
        """401 where the token is none, or over."""
        token = bearer_of(request)
        address = person_of(token)
        actor = Actor(address, None) if address else self._tokens.actor(token)
        if actor is None:
            raise unauthorized()
        return actor

    def caller_of(self, request: web.Request) -> str | None:
        """Under which name the call log has a call."""
        named = request.headers.get("X-Sandbox-Caller")
        if named:
            return named
        token = bearer_of(request)
        actor = self._tokens.actor(token)
        return person_of(token) or (actor.email if actor else request.headers.get("User-Agent"))

    def opened(
        self, method: str, parameters: frozenset[str], handler: Route
    ) -> Callable[..., Awaitable[web.StreamResponse]]:
        """The handler behind token, scopes, known query parameters and quota."""

        async def answer(request: web.Request) -> web.StreamResponse:
            actor = self.actor(request)
            if actor.scopes is not None and not actor.scopes & METHODS[method]:
                raise insufficient_scopes()
            unknown = set(request.query) - parameters - GLOBAL_PARAMETERS
            if unknown:
                name = min(unknown)
                raise invalid(f'Invalid query parameter. Unknown name "{name}".', name)
            self._quota.take(method, actor, request.match_info.get("calendarId", ""))
            return await handler(request, actor)

        return answer

    def calendar(self, request: web.Request, actor: Actor, method: str) -> Calendar:
        """The calendar in the path, where this account may see it and the app may open it."""
        found = self._world.calendar(request.match_info["calendarId"], actor.email)
        self.check_app(found, actor, method)
        return found

    @staticmethod
    def check_app(calendar: Calendar, actor: Actor, method: str) -> None:
        """`calendar.app.created` opens what the app itself has made, and nothing else."""
        if actor.scopes is None or actor.scopes & METHODS[method] != {APP_CREATED}:
            return
        if calendar.app != actor.app:
            raise insufficient_scopes()


def require_writer(calendar: Calendar, actor: Actor) -> None:
    """403 for whoever may only read."""
    if calendar.role_of(actor.email) not in WRITERS:
        raise needs_access("writer")


def require_owner(calendar: Calendar, actor: Actor) -> None:
    """403 for whoever is no owner."""
    if calendar.role_of(actor.email) != "owner":
        raise needs_access("owner")


def at_least(role: str, wanted: str) -> bool:
    return ROLES.index(role) >= ROLES.index(wanted)
