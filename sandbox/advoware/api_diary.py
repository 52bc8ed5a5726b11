"""The API's routes for Termine and Mitarbeiter."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from sandbox.advoware.api import BASE, body_of, local_time
from sandbox.advoware.diary import Diary
from sandbox.advoware.office import Office
from sandbox.advoware.refusal import invalid
from sandbox.control import RECORD


class DiaryRoutes:
    """One resource with the number in the body (PUT) or in the query (DELETE), as Advoware has it."""

    def __init__(self, diary: Diary, office: Office) -> None:
        self._diary = diary
        self._office = office

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        app.router.add_get(BASE + "/Termine", self._find)
        app.router.add_post(BASE + "/Termine", self._post)
        app.router.add_put(BASE + "/Termine", self._put)
        app.router.add_delete(BASE + "/Termine", self._delete)
        app.router.add_get(BASE + "/Mitarbeiter", self._employees)

    async def _find(self, request: web.Request) -> web.Response:
        query = request.query
        found = self._diary.find(query.get("kuerzel", ""), local_time(query, "from"), local_time(query, "to"))
        return web.json_response([] if self._office.switches.empty_lists else [termin.as_json() for termin in found])

    async def _post(self, request: web.Request) -> web.Response:
        termin = self._diary.post(await body_of(request))
        request[RECORD] = str(termin.fr_nr)
        shown = termin.as_json()
        if not self._office.switches.post_row_id:
            shown.pop("rowId")
        return web.json_response(shown, status=201)

    async def _put(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        request[RECORD] = str(given.get("frNr"))
        shown = self._diary.put(given).as_json()
        return web.json_response([shown] if self._office.switches.single_as_list else shown)

    async def _delete(self, request: web.Request) -> web.Response:
        number = request.query.get("frnr", "")
        if not number.isdecimal():
            raise invalid("frnr", "Zahl erwartet.")
        request[RECORD] = number
        self._diary.delete(int(number))
        return web.Response(status=204)

    async def _employees(self, request: web.Request) -> web.Response:
        wanted = request.query.get("aktiv", "").lower()
        found = [each for each in self._diary.employees.values() if wanted in ("", str(each.aktiv).lower())]
        return web.json_response([] if self._office.switches.empty_lists else [asdict(each) for each in found])
