"""The API's routes for Termine and Mitarbeiter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.advoware.answers import told
from sandbox.advoware.api import BASE, body_of, local_time
from sandbox.advoware.diary import Diary
from sandbox.advoware.lies import list_as, shown_as
from sandbox.advoware.refusal import invalid, not_found
from sandbox.advoware.switches import Switches
from sandbox.control import RECORD

FIRST_MOMENT = datetime(1, 1, 1)  # noqa: DTZ001 - local times have no zone
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001


class DiaryRoutes:
    """One resource with the number in the body (PUT) or in the query (GET, DELETE), as Advoware has it."""

    def __init__(self, diary: Diary, switches: Switches) -> None:
        self._diary = diary
        self._switches = switches

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        app.router.add_get(BASE + "/Termine", self._read)
        app.router.add_post(BASE + "/Termine", self._post)
        app.router.add_put(BASE + "/Termine", self._put)
        app.router.add_delete(BASE + "/Termine", self._delete)
        app.router.add_get(BASE + "/Mitarbeiter", self._employees)

    async def _read(self, request: web.Request) -> web.Response:
        query = request.query
        if "frnr" in query:
            request[RECORD] = str(number := _fr_nr(query))
            if not self._switches.frnr_ignored:
                return self._one(number)
            if "from" not in query and "to" not in query:
                return self._several(query.get("kuerzel", ""), FIRST_MOMENT, LAST_MOMENT)
        return self._several(query.get("kuerzel", ""), _edge(query, "from"), _edge(query, "to"))

    def _one(self, number: int) -> web.Response:
        termin = None if self._switches.empty_lists or self._switches.lie == "empty_list" else self._diary.seen(number)
        if termin is None:
            if not self._switches.single_as_list:
                raise not_found()
            return told(self._switches, [])
        other = self._diary.another(number) or termin
        shown = shown_as(self._switches.lie, termin.as_json(self._switches), other.as_json(self._switches))
        return told(self._switches, [shown] if self._switches.single_as_list else shown)

    def _several(self, kuerzel: str, start: datetime, end: datetime) -> web.Response:
        if self._switches.empty_lists:
            return web.json_response([])
        rows = [termin.as_json(self._switches) for termin in self._diary.listed(kuerzel, start, end)]
        return told(self._switches, list_as(self._switches.lie, rows))

    async def _post(self, request: web.Request) -> web.Response:
        termin = self._diary.post(await body_of(request))
        request[RECORD] = str(termin.fr_nr)
        shown = termin.as_json(self._switches)
        if not self._switches.post_row_id:
            shown.pop("rowId")
        return web.json_response(shown, status=201)

    async def _put(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        request[RECORD] = str(given.get("frNr"))
        shown = self._diary.put(given).as_json(self._switches)
        return web.json_response([shown] if self._switches.single_as_list else shown)

    async def _delete(self, request: web.Request) -> web.Response:
        number = _fr_nr(request.query)
        request[RECORD] = str(number)
        self._diary.delete(number)
        return web.Response(status=204)

    async def _employees(self, request: web.Request) -> web.Response:
        if self._switches.empty_lists:
            return web.json_response([])
        wanted = request.query.get("aktiv", "").lower()
        rows: list[dict[str, Any]] = [asdict(each) for each in self._diary.staff()]
        found = [row for row in rows if wanted in ("", str(row["aktiv"]).lower())]
        return told(self._switches, list_as(self._switches.lie, found))


def _fr_nr(query: Mapping[str, str]) -> int:
    number = query.get("frnr", "")
    if not number.isdecimal():
        raise invalid("frnr", "Zahl erwartet.")
    return int(number)


def _edge(query: Mapping[str, str], name: str) -> datetime:
    if (at := local_time(query, name)) is None:
        raise invalid(name, "Pflichtangabe.")
    return at
