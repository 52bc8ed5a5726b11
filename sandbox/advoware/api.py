"""The API's routes under /api/v1/: token, Beteiligte and their children, in the answer shapes of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.advoware.answers import told
from sandbox.advoware.lies import list_as, rows_as, shown_as
from sandbox.advoware.office import Office, Query
from sandbox.advoware.records import Child
from sandbox.advoware.refusal import RefusedError, forbidden, invalid
from sandbox.advoware.tokens import TokenService
from sandbox.control import RECORD, Handler

BASE = "/api/v1/advonet"
LARGEST_PAGE = 100
CHILD_PATHS = {"Kommunikationen": "kommunikation", "Adressen": "adressen", "Bankverbindungen": "bankverbindungen"}


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that was sent; anything else is a 400."""
    try:
        given = json.loads(await request.read())
    except ValueError as error:
        raise RefusedError(400, "Der Inhalt ist kein JSON.") from error
    if not isinstance(given, dict):
        raise RefusedError(400, "Ein Objekt wird erwartet.")
    return given


def local_time(query: Mapping[str, str], name: str) -> datetime | None:
    """A local time in the query, or None where it is left out."""
    if not (given := query.get(name, "")):
        return None
    try:
        parsed = datetime.fromisoformat(given)
    except ValueError as error:
        raise invalid(name, "Kein gültiger Zeitpunkt.") from error
    if parsed.tzinfo is not None:
        raise invalid(name, "Ortszeit ohne Zeitzone erwartet.")
    return parsed


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not given.isdecimal():
        raise invalid(name, "Zahl erwartet.")
    return int(given)


class PartyRoutes:
    """Beteiligte, Kommunikationen, Adressen, Bankverbindungen, and the token that all of them need."""

    def __init__(self, office: Office, tokens: TokenService) -> None:
        self._office = office
        self._tokens = tokens

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router, one = app.router, BASE + "/Beteiligte/{betNr:[0-9]+}"
        router.add_post("/api/v1/Token", self._token)
        router.add_get(BASE + "/Beteiligte", self._list)
        router.add_post(BASE + "/Beteiligte", self._post)
        router.add_get(one, self._get)
        router.add_put(one, self._put)
        router.add_delete(one, self._delete)
        for path in CHILD_PATHS:
            router.add_post(f"{one}/{{kind:{path}}}", self._post_child)
            router.add_put(f"{one}/{{kind:{path}}}/{{id:[0-9]+}}", self._put_child)
            router.add_delete(f"{one}/{{kind:{path}}}/{{id:[0-9]+}}", self._never_delete_child)
        for path in ("Adressen", "Bankverbindungen"):
            router.add_get(f"{one}/{{kind:{path}}}", self._list_children)

    @web.middleware
    async def require_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """401 for an API call without a living token."""
        if request.path.startswith(BASE):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not self._tokens.is_alive(token):
                raise RefusedError(401, "Das Token ist ungültig oder abgelaufen.")
        return await handler(request)

    async def _token(self, request: web.Request) -> web.Response:
        lifetime = self._office.switches.expires_in
        answer: dict[str, Any] = {"access_token": self._tokens.issue(await body_of(request), lifetime)}
        if lifetime is not None:
            answer["expires_in"] = lifetime
        return web.json_response(answer)

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = Query(
            name=query.get("name", ""),
            vorname=query.get("vorname", ""),
            rechtsform=query.get("rechtsform", ""),
            changed_since=local_time(query, "geaendertSeit"),
            skip=_count(query, "skip", 0),
            take=min(_count(query, "take", LARGEST_PAGE), LARGEST_PAGE),
        )
        rows = [party.as_json(self._office.switches) for party in self._office.page(wanted)]
        return told(self._office.switches, list_as(self._office.switches.lie, rows))

    async def _get(self, request: web.Request) -> web.Response:
        office, number = self._office, _bet_nr(request)
        shown = office.seen(number).as_json(office.switches)
        if office.switches.lie is not None:
            shown = shown_as(office.switches.lie, shown, office.another(number).as_json(office.switches))
        if office.switches.lie == "empty_list":
            return told(self._office.switches, [])
        return told(self._office.switches, [shown] if office.switches.single_as_list else shown)

    async def _post(self, request: web.Request) -> web.Response:
        party = self._office.post(await body_of(request))
        request[RECORD] = str(party.bet_nr)
        return self._created(party.as_json(self._office.switches))

    async def _put(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        return self._single(self._office.put(_bet_nr(request), given).as_json(self._office.switches))

    async def _delete(self, request: web.Request) -> web.Response:
        self._office.delete(_bet_nr(request))
        return web.Response(status=204)

    async def _list_children(self, request: web.Request) -> web.Response:
        party = self._office.seen(_bet_nr(request))
        if self._office.switches.empty_lists:
            return web.json_response([])
        rows = [self._child(child) for child in party.children[_kind(request)]]
        return told(self._office.switches, rows_as(self._office.switches.lie, rows))

    async def _post_child(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        return self._created(self._child(self._office.post_child(_bet_nr(request), _kind(request), given)))

    async def _put_child(self, request: web.Request) -> web.Response:
        if _kind(request) == "bankverbindungen":
            raise forbidden("Bankverbindungen können über die API nicht geändert werden.")
        given, number = await body_of(request), int(request.match_info["id"])
        child = self._office.put_child(_bet_nr(request), _kind(request), number, given)
        return self._single(self._child(child))

    async def _never_delete_child(self, request: web.Request) -> web.Response:
        raise forbidden(f"{request.match_info['kind']} können über die API nicht gelöscht werden.")

    def _child(self, child: Child) -> dict[str, Any]:
        return child.as_json(zero_kz=self._office.switches.komm_kz_zero)

    def _single(self, shown: dict[str, Any]) -> web.Response:
        return web.json_response([shown] if self._office.switches.single_as_list else shown)

    def _created(self, shown: dict[str, Any]) -> web.Response:
        if not self._office.switches.post_row_id:
            shown.pop("rowId")
        return web.json_response(shown, status=201)


def _bet_nr(request: web.Request) -> int:
    return int(request.match_info["betNr"])


def _kind(request: web.Request) -> str:
    return CHILD_PATHS[request.match_info["kind"]]
