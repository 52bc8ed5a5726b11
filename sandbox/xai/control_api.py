"""The xAI part of /_sandbox/: indexing, switches, all that is there, a burst of 429."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from sandbox.control import Control, bad_request, json_body
from sandbox.xai.indexing import PREFIX
from sandbox.xai.world import World

BASE = "/_sandbox/xai"


class ControlRoutes:
    """Handlers; the README of the sandboxes lists them. They are the same on both ports."""

    def __init__(self, world: World, control: Control) -> None:
        self._world = world
        self._control = control

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router = app.router
        router.add_get(BASE + "/indexing", self._indexing)
        router.add_post(BASE + "/indexing", self._change_indexing)
        router.add_delete(BASE + "/indexing", self._reset_indexing)
        router.add_get(BASE + "/switches", self._switches)
        router.add_post(BASE + "/switches", self._change_switches)
        router.add_get(BASE + "/state", self._state)
        router.add_delete(BASE + "/files/{file_id}", self._delete_file)
        router.add_delete(BASE + "/collections/{collection_id}", self._delete_collection)
        router.add_delete(BASE + "/collections/{collection_id}/documents/{file_id}", self._detach)
        router.add_post(BASE + "/burst", self._burst)
        router.add_post("/_sandbox/reset", self._reset)

    async def _indexing(self, _: web.Request) -> web.Response:
        return web.json_response(self._world.indexing.as_row())

    async def _change_indexing(self, request: web.Request) -> web.Response:
        """`seconds, stuck, fail, match`; what is on its way follows."""
        await _changed(request, self._world.indexing.change)
        self._world.follow_rules()
        return web.json_response(self._world.indexing.as_row())

    async def _reset_indexing(self, _: web.Request) -> web.Response:
        self._world.indexing.reset()
        self._world.follow_rules()
        return web.json_response(self._world.indexing.as_row())

    async def _switches(self, _: web.Request) -> web.Response:
        return web.json_response(self._world.switches.as_row())

    async def _change_switches(self, request: web.Request) -> web.Response:
        await _changed(request, self._world.switches.change)
        return web.json_response(self._world.switches.as_row())

    async def _burst(self, request: web.Request) -> web.Response:
        """429 for the next `calls` (10) calls, with `retry_after` seconds where it is given."""
        given = await json_body(request)
        rule = {
            "times": given.get("calls", 10),
            "match": {"path_regex": "^/v1/"},
            "fault": {"kind": "status", "status": 429, "retry_after": given.get("retry_after")},
        }
        row = await _changed(request, lambda _: self._control.faults.add(rule).as_row())
        return web.json_response(row, status=201)

    async def _state(self, _: web.Request) -> web.Response:
        """Everything, whatever the switches say: for whoever checks what is really there."""
        now = self._world.now
        files = [
            {"id": one.id, "name": one.name, "bytes": len(one.content), "content_type": one.content_type,
             "created_at": one.created_at, "sha256": hashlib.sha256(one.content).hexdigest()}
            for one in self._world.files.values()
        ]  # fmt: skip
        collections = [
            {"id": one.id, "name": one.name, "description": one.description, "documents": [
                {"file_id": file_id, "name": each.file.name, "fields": each.fields,
                 "status": PREFIX + each.run.status(now), "found": self._world.is_found(each)}
                for file_id, each in one.documents.items()]}
            for one in self._world.collections.values()
        ]  # fmt: skip
        return web.json_response({"files": files, "collections": collections})

    # -- a person in the console of xAI -------------------------------------------------------------------------------

    async def _delete_file(self, request: web.Request) -> web.Response:
        self._world.delete_file(request.match_info["file_id"])
        return web.Response(status=204)

    async def _delete_collection(self, request: web.Request) -> web.Response:
        self._world.delete_collection(request.match_info["collection_id"])
        return web.Response(status=204)

    async def _detach(self, request: web.Request) -> web.Response:
        self._world.detach(request.match_info["collection_id"], request.match_info["file_id"])
        return web.Response(status=204)

    async def _reset(self, _: web.Request) -> web.Response:
        self._world.reset()
        return web.json_response({"status": "ok"})


async def _changed(request: web.Request, change: Callable[[Mapping[str, Any]], Any]) -> Any:
    try:
        return change(await json_body(request))
    except (ValueError, TypeError) as error:
        raise bad_request(str(error)) from error
