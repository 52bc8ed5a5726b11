"""The host of the management key: documents of a collection."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.control import RECORD
from sandbox.xai.access import MANAGEMENT, admit
from sandbox.xai.api_collections import asked
from sandbox.xai.errors import XaiError, invalid, not_found
from sandbox.xai.forms import form, optional_object
from sandbox.xai.lists import Listing
from sandbox.xai.shapes import document_row, document_values
from sandbox.xai.world import Document, World

BASE = "/v1/collections/{collection_id}/documents"
MOST_AT_ONCE = 100


class DocumentRoutes:
    """Handlers below /v1/collections/{collection_id}/documents."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router = app.router
        router.add_get(BASE, self._list)
        router.add_post(BASE, self._upload)
        router.add_get(BASE + ":batchGet", self._batch)
        router.add_get(BASE + "/{file_id}", self._get)
        router.add_post(BASE + "/{file_id}", self._attach)
        router.add_patch(BASE + "/{file_id}", self._reindex)
        router.add_delete(BASE + "/{file_id}", self._detach)

    async def _list(self, request: web.Request) -> web.Response:
        found, now = asked(self._world, request), self._world.now
        listing = Listing(
            "documents",
            {
                "DOCUMENTS_SORT_BY_AGE": lambda one: one.added,
                "DOCUMENTS_SORT_BY_NAME": lambda one: (one.file.name, one.added),
                "DOCUMENTS_SORT_BY_SIZE": lambda one: (len(one.file.content), one.added),
            },
            lambda one: document_values(one, now),
            lambda one: document_row(one, now),
            by="DOCUMENTS_SORT_BY_AGE",
        )
        query = dict(request.query)
        if name := query.get("name"):
            query["filter"] = " AND ".join(filter(None, (query.get("filter"), f"name:{json.dumps(name)}")))
        return web.json_response(listing.page(list(found.documents.values()), query, self._world.switches))

    async def _batch(self, request: web.Request) -> web.Response:
        found, now = asked(self._world, request), self._world.now
        wanted = request.query.getall("file_ids", [])
        if not 0 < len(wanted) <= MOST_AT_ONCE:
            raise invalid(f"file_ids are 1 to {MOST_AT_ONCE}")
        rows = [document_row(found.documents[each], now) for each in dict.fromkeys(wanted) if each in found.documents]
        return web.json_response({"documents": rows})

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(document_row(self._asked(request), self._world.now))

    async def _attach(self, request: web.Request) -> web.Response:
        admit(request, MANAGEMENT, self._world.switches)
        fields = _fields((await optional_object(request)).get("fields"))
        if self._world.switches.lie == "not_found":
            raise not_found("Collection", request.match_info["collection_id"])
        self._world.attach(request.match_info["collection_id"], request.match_info["file_id"], fields)
        return web.json_response({})

    async def _upload(self, request: web.Request) -> web.Response:
        """A file and its place in one call. The file goes where it has no place."""
        found = asked(self._world, request)
        parts = {part.name: part for part in await form(request)}
        if "name" not in parts or "data" not in parts:
            raise invalid("The form has no `name` or no `data`")
        told = parts["fields"].text if "fields" in parts else "{}"
        try:
            fields = _fields(json.loads(told))
        except ValueError:
            raise invalid("`fields` is no JSON") from None
        kind = parts["content_type"].text if "content_type" in parts else parts["data"].content_type
        content = parts["data"].content
        file = self._world.keep(parts["name"].text, content, kind or "application/octet-stream", "", None)
        try:
            made = self._world.attach(found.id, file.id, fields)
        except XaiError:
            self._world.delete_file(file.id)
            raise
        request[RECORD] = file.id
        return web.json_response(document_row(made, self._world.now))

    async def _reindex(self, request: web.Request) -> web.Response:
        found = self._asked(request)
        if await request.read():
            raise invalid("A document can only be indexed again: the body must be empty")
        self._world.reindex(request.match_info["collection_id"], found.file.id)
        return web.json_response({})

    async def _detach(self, request: web.Request) -> web.Response:
        self._world.detach(request.match_info["collection_id"], self._asked(request).file.id)
        return web.json_response({})

    def _asked(self, request: web.Request) -> Document:
        found = asked(self._world, request)
        return self._world.document(found.id, request.match_info["file_id"])


def _fields(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise XaiError(422, "`fields` are texts by their keys")
    return dict(given)
