"""The host of the management key: collections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox.control import RECORD
from sandbox.xai.access import MANAGEMENT, admit
from sandbox.xai.errors import XaiError, invalid, not_found
from sandbox.xai.forms import json_object
from sandbox.xai.lists import Listing
from sandbox.xai.shapes import collection_row, moment
from sandbox.xai.world import Collection, World

LONGEST_NAME = 255
SETTINGS = ("index_configuration", "chunk_configuration", "metric_space")
FLAGS = ("required", "unique", "inject_into_chunk")
ADD, DELETE = "FIELD_DEFINITION_ADD", "FIELD_DEFINITION_DELETE"
LISTING = Listing(
    "collections",
    {
        "COLLECTIONS_SORT_BY_AGE": lambda one: (one.created_at, one.id),
        "COLLECTIONS_SORT_BY_NAME": lambda one: (one.name, one.id),
    },
    lambda one: {
        "collection_id": one.id,
        "collection_name": one.name,
        "collection_description": one.description,
        "created_at": moment(one.created_at),
        "documents_count": len(one.documents),
    },
    collection_row,
    by="COLLECTIONS_SORT_BY_AGE",
    descending=True,
)


class CollectionRoutes:
    """Handlers of /v1/collections and /v1/collections/{collection_id}."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router = app.router
        router.add_post("/v1/collections", self._create)
        router.add_get("/v1/collections", self._list)
        router.add_get("/v1/collections/{collection_id}", self._get)
        router.add_put("/v1/collections/{collection_id}", self._update)
        router.add_delete("/v1/collections/{collection_id}", self._delete)

    async def _create(self, request: web.Request) -> web.Response:
        admit(request, MANAGEMENT, self._world.switches)
        given = await json_object(request)
        name, description = _names(given)
        definitions = given.get("field_definitions") or []
        if not isinstance(definitions, list):
            raise XaiError(422, "`field_definitions` is a list")
        fields = [_definition(each) for each in definitions]
        if len({each["key"] for each in fields}) < len(fields):
            raise invalid("A field is defined twice")
        settings = _settings(given)
        made = self._world.new_collection(name, description, fields)
        made.settings.update(settings)
        request[RECORD] = made.id
        return web.json_response(collection_row(made))

    async def _list(self, request: web.Request) -> web.Response:
        admit(request, MANAGEMENT, self._world.switches)
        found = list(self._world.collections.values())
        return web.json_response(LISTING.page(found, request.query, self._world.switches))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(collection_row(asked(self._world, request)))

    async def _update(self, request: web.Request) -> web.Response:
        found, given = asked(self._world, request), await json_object(request)
        name, description = _names({"collection_name": found.name, "collection_description": found.description} | given)
        settings = _settings(given)
        definitions = _updated(found, given.get("field_definition_updates") or [])
        kept = {each["key"] for each in definitions}
        lost = {each["key"] for each in found.field_definitions} - kept
        for document in found.documents.values():
            document.fields = {key: value for key, value in document.fields.items() if key not in lost}
        found.name, found.description, found.field_definitions = name, description, definitions
        found.settings.update(settings)
        self._world.changed("collection", found.id, "update", name=name)
        return web.json_response(collection_row(found))

    async def _delete(self, request: web.Request) -> web.Response:
        self._world.delete_collection(asked(self._world, request).id)
        return web.json_response({})


def asked(world: World, request: web.Request) -> Collection:
    """The collection of the path, for who may see it."""
    admit(request, MANAGEMENT, world.switches)
    collection_id = request.match_info["collection_id"]
    if world.switches.lie == "not_found":
        raise not_found("Collection", collection_id)
    return world.collection(collection_id)


def _names(given: Mapping[str, Any]) -> tuple[str, str]:
    name, description = given.get("collection_name"), given.get("collection_description") or ""
    if not isinstance(name, str) or not isinstance(description, str):
        raise XaiError(422, "`collection_name` is required, and a text")
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise invalid(f"`collection_name` has 1 to {LONGEST_NAME} characters")
    return name, description


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    chunks = given.get("chunk_configuration")
    if chunks is not None:
        kinds = [key for key in chunks if key.endswith("_configuration")] if isinstance(chunks, dict) else []
        if len(kinds) != 1:
            raise invalid("`chunk_configuration` has exactly one of chars, tokens and bytes")
    return {name: given[name] for name in SETTINGS if given.get(name) is not None}


def _definition(given: object) -> dict[str, Any]:
    key = given.get("key") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(key, str) or not key:
        raise XaiError(422, "A field definition has a `key`")
    flags = {name: bool(given.get(name, False)) for name in FLAGS}
    return {"key": key, **flags, "description": str(given.get("description") or "")}


def _updated(found: Collection, updates: object) -> list[dict[str, Any]]:
    if not isinstance(updates, list):
        raise XaiError(422, "`field_definition_updates` is a list")
    definitions = {each["key"]: each for each in found.field_definitions}
    for update in updates:
        operation = update.get("operation") if isinstance(update, dict) else None
        if operation not in (ADD, DELETE):
            raise invalid(f"`operation` is {ADD} or {DELETE}")
        definition = _definition(update.get("field_definition"))
        if operation == ADD:
            definitions[definition["key"]] = definition
        elif definitions.pop(definition["key"], None) is None:
            raise invalid(f"There is no field {definition['key']}")
    return list(definitions.values())
