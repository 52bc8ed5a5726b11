"""The control routes of this sandbox: work as a person at a desk, switches, token death, history."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.advoware.diary import Diary
from sandbox.advoware.office import CHILD_FIELDS, Office
from sandbox.advoware.records import Party
from sandbox.advoware.switches import Switches
from sandbox.advoware.tokens import TokenService
from sandbox.control import bad_request, json_body

HONEST = Switches(komm_kz_zero=False)


class DeskRoutes:
    """Everything under /_sandbox/ that is Advoware's own. Records are shown as they are, whatever the switches say."""

    def __init__(self, office: Office, diary: Diary, tokens: TokenService) -> None:
        self._office = office
        self._diary = diary
        self._tokens = tokens

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router, many = app.router, "/_sandbox/desk/beteiligte"
        one = many + "/{betNr:[0-9]+}"
        kinds = "|".join(CHILD_FIELDS)
        router.add_get(many, self._everybody)
        router.add_post(many, self._create)
        router.add_get(one, self._get)
        router.add_post(one, self._change)
        router.add_delete(one, self._delete)
        router.add_post(one + "/in-use", self._in_use)
        router.add_get(one + "/history", self._history)
        router.add_post(f"{one}/{{kind:{kinds}}}", self._add_child)
        router.add_post(f"{one}/{{kind:{kinds}}}/{{id:[0-9]+}}", self._change_child)
        router.add_delete(f"{one}/{{kind:{kinds}}}/{{id:[0-9]+}}", self._delete_child)
        router.add_get("/_sandbox/desk/open", self._opened)
        router.add_post("/_sandbox/desk/{verb:open|close}", self._open_or_close)
        router.add_get("/_sandbox/switches", self._switches)
        router.add_post("/_sandbox/switches", self._switch)
        router.add_get("/_sandbox/tokens", self._token_figures)
        router.add_post("/_sandbox/tokens/kill", self._kill_tokens)

    async def _everybody(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "").casefold()
        found = [party for party in self._office.everybody() if name in party.values["name"].casefold()]
        return web.json_response({"total": len(found), "list": [_shown(party) for party in found]})

    async def _create(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        if "items" in given:
            made = [self._office.desk_create(item) for item in given["items"]]
            return web.json_response({"betNr": [party.bet_nr for party in made]}, status=201)
        return web.json_response(_shown(self._office.desk_create(given)), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._office.party(_bet_nr(request))))

    async def _change(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._office.desk_change(_bet_nr(request), await json_body(request))))

    async def _delete(self, request: web.Request) -> web.Response:
        self._office.desk_delete(_bet_nr(request))
        return web.json_response({"deleted": True})

    async def _in_use(self, request: web.Request) -> web.Response:
        in_use = bool((await json_body(request)).get("in_use", True))
        return web.json_response(_shown(self._office.desk_in_use(_bet_nr(request), in_use)))

    async def _history(self, request: web.Request) -> web.Response:
        versions = self._office.history.get(_bet_nr(request), ())
        return web.json_response({"versions": [version.as_json() for version in versions]})

    async def _add_child(self, request: web.Request) -> web.Response:
        given, kind = await json_body(request), request.match_info["kind"]
        child = self._office.desk_add_child(_bet_nr(request), kind, given)
        return web.json_response(child.as_json(), status=201)

    async def _change_child(self, request: web.Request) -> web.Response:
        given, kind = await json_body(request), request.match_info["kind"]
        child = self._office.desk_change_child(_bet_nr(request), kind, int(request.match_info["id"]), given)
        return web.json_response(child.as_json())

    async def _delete_child(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        self._office.desk_delete_child(_bet_nr(request), request.match_info["kind"], number)
        return web.json_response({"deleted": True})

    async def _opened(self, _: web.Request) -> web.Response:
        return web.json_response({"open": self._office.opened(), "termine": self._diary.opened()})

    async def _open_or_close(self, request: web.Request) -> web.Response:
        given, opens = await json_body(request), request.match_info["verb"] == "open"
        match given:
            case {"betNr": int(number)}:
                (self._office.desk_open if opens else self._office.desk_close)(number)
            case {"frNr": int(number)}:
                (self._diary.desk_open if opens else self._diary.desk_close)(number)
            case _:
                raise bad_request("betNr, or frNr, is a number")
        return await self._opened(request)

    async def _switches(self, _: web.Request) -> web.Response:
        return web.json_response(vars(self._office.switches))

    async def _switch(self, request: web.Request) -> web.Response:
        try:
            self._office.set_switches(await json_body(request))
        except ValueError as error:
            raise bad_request(str(error)) from error
        return web.json_response(vars(self._office.switches))

    async def _token_figures(self, _: web.Request) -> web.Response:
        tokens = self._tokens
        return web.json_response({"issued": tokens.issued, "denied": tokens.denied, "alive": tokens.alive})

    async def _kill_tokens(self, _: web.Request) -> web.Response:
        return web.json_response({"killed": self._tokens.kill_all()})


def _shown(party: Party) -> dict[str, Any]:
    return {**party.as_json(HONEST), "inUse": party.in_use}


def _bet_nr(request: web.Request) -> int:
    return int(request.match_info["betNr"])
