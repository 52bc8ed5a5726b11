"""The control routes for Termine and Mitarbeiter: what a person at a desk sees and does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.advoware.diary import Diary, Mitarbeiter
from sandbox.advoware.refusal import not_found
from sandbox.advoware.switches import Switches
from sandbox.advoware.termin import Termin
from sandbox.control import bad_request, json_body

HONEST = Switches()
TERMINE = "/_sandbox/desk/termine"
STAFF = "/_sandbox/desk/mitarbeiter"


class DiaryDeskRoutes:
    """Records are shown as they are, whatever the switches say."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router, one = app.router, TERMINE + "/{frNr:[0-9]+}"
        router.add_get(TERMINE, self._list)
        router.add_post(TERMINE, self._create)
        router.add_get(one, self._get)
        router.add_post(one, self._change)
        router.add_delete(one, self._delete)
        router.add_get(one + "/history", self._history)
        router.add_get(STAFF, self._staff)
        router.add_post(STAFF, self._employ)
        router.add_delete(STAFF + "/{kuerzel}", self._dismiss)

    async def _list(self, request: web.Request) -> web.Response:
        found = [shown(termin) for termin in self._diary.everything(request.query.get("kuerzel", ""))]
        return web.json_response({"total": len(found), "list": found})

    async def _create(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        if "items" in given:
            made = [self._diary.desk_create(item).fr_nr for item in given["items"]]
            return web.json_response({"frNr": made}, status=201)
        return web.json_response(shown(self._diary.desk_create(given)), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(shown(self._diary.termin(_fr_nr(request))))

    async def _change(self, request: web.Request) -> web.Response:
        return web.json_response(shown(self._diary.desk_change(_fr_nr(request), await json_body(request))))

    async def _delete(self, request: web.Request) -> web.Response:
        self._diary.desk_delete(_fr_nr(request))
        return web.json_response({"deleted": True})

    async def _history(self, request: web.Request) -> web.Response:
        versions = self._diary.history.get(_fr_nr(request), ())
        return web.json_response({"versions": [version.as_json() for version in versions]})

    async def _staff(self, _: web.Request) -> web.Response:
        everybody = [asdict(each) for each in self._diary.employees.values()]
        return web.json_response({"total": len(everybody), "list": everybody})

    async def _employ(self, request: web.Request) -> web.Response:
        try:
            employee = Mitarbeiter(**await json_body(request))
        except TypeError as error:
            raise bad_request("kuerzel, name, vorname, email?, aktiv?") from error
        self._diary.employees[employee.kuerzel] = employee
        return web.json_response(asdict(employee), status=201)

    async def _dismiss(self, request: web.Request) -> web.Response:
        if self._diary.employees.pop(request.match_info["kuerzel"], None) is None:
            raise not_found()
        return web.json_response({"deleted": True})


def shown(termin: Termin) -> dict[str, Any]:
    """As the desk sees it."""
    return termin.as_json(HONEST)


def _fr_nr(request: web.Request) -> int:
    return int(request.match_info["frNr"])
