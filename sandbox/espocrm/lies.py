"""Answers that look right and are not, given to API users only: people in the office see the records as they are.

`POST /_sandbox/lie {"lie": name}` begins one, null ends it. Reads of the office's own types lie; writes go through.
`{"times": name}` is a lie about `modifiedAt` alone, in the answers to writes too.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.clocks import TIME_LIES, lying
from sandbox.control import bad_request, json_body
from sandbox.espocrm.clock import FORMAT
from sandbox.espocrm.errors import not_found
from sandbox.espocrm.exchange import HTML, Answer, Request, answer_error
from sandbox.espocrm.phpjson import dumps
from sandbox.espocrm.rest import RestApi
from sandbox.espocrm.users import User
from sandbox.espocrm.world import World

Row = dict[str, Any]
KEPT = ("id", "deleted", "createdAt", "modifiedAt")
NAMES = ("firstName", "lastName", "name", "firmenname")
LIES = {
    "empty_list": "every list is empty, and a single read answers an empty list",
    "half_list": "every other record is missing from lists",
    "not_found": "every record does not exist",
    "null_fields": "all fields but id and times are null",
    "another_record": "another record, with that one's id",
    "swapped_ids": "another record under the id that was asked for",
    "equal_names": "all records have the same names",
    "zero_dates": "all dates are 0000-00-00",
    "wrong_entity": "the body of a task",
    "truncated": "the JSON text ends in the middle",
    "html": "a page for people, with 200",
    "old_snapshot": "every record as it was when the lie began, times too",
}
PAGE = b"<!DOCTYPE html><html><body><h1>Wartungsarbeiten</h1></body></html>"


class Lies:
    """Stands between the REST API and its API users."""

    def __init__(self, world: World, rest: RestApi) -> None:
        self.world = world
        self.rest = rest
        self.lie: str | None = None
        self.times: str | None = None
        self._kept: dict[tuple[str, str], Row] = {}

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/_sandbox/lie", self._show)
        app.router.add_post("/_sandbox/lie", self._begin)

    def told(self, request: Request, user: User, answer: Answer) -> Answer:
        """The answer, or what the lies make of it."""
        answer = self._told(request, user, answer)
        segments = request.path.strip("/").split("/")
        if self.times is None or answer.status != 200 or not user.is_api or self.world.entity(segments[0]) is None:
            return answer
        if len(segments) > 2 or not segments[0].startswith("C") or answer.content_type == HTML:
            return answer
        return Answer(200, dumps(self._retimed(json.loads(answer.body))).encode(), record_id=answer.record_id)

    def _retimed(self, body: Any) -> Any:
        """A record, or the records of a list."""
        if isinstance(body, dict) and isinstance(body.get("list"), list):
            return {**body, "list": [self._retimed(row) for row in body["list"]]}
        if not isinstance(body, dict) or not isinstance(body.get("modifiedAt"), str):
            return body
        told = lying(self.times, datetime.strptime(body["modifiedAt"], FORMAT))  # noqa: DTZ007 -- as EspoCRM has it
        return {**body, "modifiedAt": told and told.strftime(FORMAT)}

    def _told(self, request: Request, user: User, answer: Answer) -> Answer:
        segments = request.path.strip("/").split("/")
        is_read = request.method == "GET" and len(segments) < 3 and segments[0].startswith("C")
        if self.lie is None or not (is_read and user.is_api) or self.world.entity(segments[0]) is None:
            return answer
        if self.lie == "html":
            return Answer(200, PAGE, HTML, record_id=answer.record_id)
        if answer.status != 200:
            return answer
        if self.lie == "truncated":
            return Answer(200, answer.body[: len(answer.body) // 2], record_id=answer.record_id)
        body = json.loads(answer.body)
        if len(segments) == 1:
            return Answer(200, dumps(self._list(segments[0], body)).encode())
        if self.lie == "not_found":
            return answer_error(not_found(f"Record {segments[1]} does not exist."))
        return Answer(200, dumps(self._single(segments[0], body)).encode(), record_id=answer.record_id)

    def _list(self, entity_type: str, body: Row) -> Row:
        rows: list[Row] = body["list"]
        if self.lie in ("empty_list", "not_found"):
            return {**body, "total": 0, "list": []}
        if self.lie == "half_list":
            rows = rows[::2]
        shown = [{name: value for name, value in self._one(entity_type, row).items() if name in row} for row in rows]
        return {**body, "list": shown}

    def _single(self, entity_type: str, body: Row) -> Any:
        return [] if self.lie == "empty_list" else self._one(entity_type, body)

    def _one(self, entity_type: str, row: Row) -> Row:
        match self.lie:
            case "null_fields":
                return {name: value if name in KEPT else None for name, value in row.items()}
            case "another_record":
                return self._another(entity_type, row)
            case "swapped_ids":
                return {**self._another(entity_type, row), "id": row["id"]}
            case "equal_names":
                return {**row, **{name: "Unbekannt" for name in NAMES if row.get(name)}}
            case "zero_dates":
                fields = self.world.metadata.entities[entity_type].fields
                dates = [name for name, spec in fields.items() if spec.get("type") == "date" and row.get(name)]
                return {**row, **dict.fromkeys(dates, "0000-00-00")}
            case "wrong_entity":
                return {"id": row["id"], "name": "Wiedervorlage", "status": "Not Started", "dateEnd": None}
            case "old_snapshot":
                return self._kept.get((entity_type, str(row["id"])), row)
        return row

    def _another(self, entity_type: str, row: Row) -> Row:
        """The next record of the type, the first after the last; the same one where there is no other."""
        everybody = self._everybody(entity_type)
        ids = [each["id"] for each in everybody]
        following = (ids.index(row["id"]) + 1) % len(ids) if row["id"] in ids else 0
        return everybody[following] if everybody else row

    def _everybody(self, entity_type: str) -> list[Row]:
        entity = self.world.metadata.entities[entity_type]
        return [self.rest.views.whole(entity, record) for record in self.world.store.live(entity_type)]

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response({"lie": self.lie, "times": self.times, "lies": LIES})

    async def _begin(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        lie, times = given.get("lie"), given.get("times")
        if times is not None and times not in TIME_LIES:
            raise bad_request(f"times must be null or one of {', '.join(TIME_LIES)}")
        if lie is not None and lie not in LIES:
            raise bad_request(f"lie must be null or one of {', '.join(LIES)}")
        self.lie, self.times = lie, times
        types = [name for name in self.world.metadata.entities if name.startswith("C")] if lie == "old_snapshot" else []
        self._kept = {(name, str(row["id"])): row for name in types for row in self._everybody(name)}
        return web.json_response({"lie": self.lie, "times": self.times})
