"""The host of the API key: files and search."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from sandbox.control import RECORD
from sandbox.xai.access import API, admit
from sandbox.xai.errors import XaiError, invalid, not_found
from sandbox.xai.forms import Part, form, json_object, optional_object
from sandbox.xai.lists import Listing
from sandbox.xai.search import search
from sandbox.xai.shapes import file_row, moment
from sandbox.xai.world import File, World

EXPIRES = range(3600, 2_592_001)
MOST_PUBLIC = 1000
MODES = ("hybrid", "semantic", "keyword")


class FileRoutes:
    """Handlers below /v1/files and /v1/documents/search."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Mount the routes."""
        router = app.router
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files", self._list)
        router.add_get("/v1/files/{file_id}", self._get)
        router.add_delete("/v1/files/{file_id}", self._delete)
        router.add_get("/v1/files/{file_id}/content", self._content)
        router.add_post("/v1/files/{file_id}/public-url", self._publish)
        router.add_post("/v1/files/{file_id}/public-url/revoke", self._revoke)
        router.add_post("/v1/documents/search", self._search)

    async def _upload(self, request: web.Request) -> web.Response:
        admit(request, API, self._world.switches)
        parts = await form(request)
        key = request.headers.get("Idempotency-Key", "")
        if self._world.switches.idempotency_key and self._world.by_key.get(key) in self._world.files:
            return self._shown(request, self._world.file(self._world.by_key[key]))
        file, before = _the_file(parts)
        expires_after, purpose = _expiry(before), next((each.text for each in before if each.name == "purpose"), "")
        content_type = file.content_type or "application/octet-stream"
        made = self._world.keep(file.filename or "", file.content, content_type, purpose, expires_after)
        if key:
            self._world.by_key[key] = made.id
        return self._shown(request, made)

    async def _list(self, request: web.Request) -> web.Response:
        admit(request, API, self._world.switches)
        shape = self._world.switches.file_shape
        listing = Listing(
            "data",
            {
                "created_at": lambda file: (file.created_at, file.id),
                "filename": lambda file: (file.name, file.id),
                "size": lambda file: (len(file.content), file.id),
            },
            _values,
            lambda file: file_row(file, shape),
            by="created_at",
            descending=True,
        )
        return web.json_response(listing.page(self._world.listed_files(), request.query, self._world.switches))

    async def _get(self, request: web.Request) -> web.Response:
        return self._shown(request, self._asked(request))

    async def _delete(self, request: web.Request) -> web.Response:
        file = self._asked(request)
        self._world.delete_file(file.id)
        return web.json_response({"id": file.id, "deleted": True, "object": "file"})

    async def _content(self, request: web.Request) -> web.Response:
        file, wanted = self._asked(request), request.query.get("format", "original")
        if wanted not in ("original", "text"):
            raise invalid("format is original or text")
        body = file.content if wanted == "original" else "\n".join(page.text for page in file.pages).encode()
        return web.Response(body=body, content_type="application/octet-stream")

    async def _publish(self, request: web.Request) -> web.Response:
        file, given = self._asked(request), await optional_object(request)
        expires_after = given.get("expires_after")
        if expires_after is not None and not (isinstance(expires_after, int) and expires_after > 0):
            raise invalid("expires_after is a number of seconds")
        if sum(each.public_url is not None for each in self._world.files.values()) >= MOST_PUBLIC:
            raise XaiError(429, "Too many public URLs are active")
        file.public_url = f"https://files.sandbox.example/{uuid.uuid4()}"
        expires = None if expires_after is None else self._world.now + expires_after
        return web.json_response({"public_url": file.public_url, "expires_at": moment(expires)})

    async def _revoke(self, request: web.Request) -> web.Response:
        file = self._asked(request)
        was, file.public_url = file.public_url, None
        return web.json_response({"id": file.id, "revoked": was is not None, **({"public_url": was} if was else {})})

    async def _search(self, request: web.Request) -> web.Response:
        admit(request, API, self._world.switches)
        given = await json_object(request)
        ids = _checked(given)
        if self._world.switches.lie == "empty_list":
            return web.json_response({"matches": []})
        return web.json_response(
            {"matches": search(self._world, [self._world.collection(each) for each in ids], given)}
        )

    def _asked(self, request: web.Request) -> File:
        admit(request, API, self._world.switches)
        file_id = request.match_info["file_id"]
        if self._world.switches.lie == "not_found":
            raise not_found("File", file_id)
        return self._world.file(file_id)

    def _shown(self, request: web.Request, file: File) -> web.Response:
        request[RECORD] = file.id
        return web.json_response(file_row(file, self._world.switches.file_shape))


def _the_file(parts: Sequence[Part]) -> tuple[Part, Sequence[Part]]:
    """The file, and what came before it: what comes behind it comes too late."""
    for number, part in enumerate(parts):
        if part.name == "file":
            if part.filename is None:
                raise invalid("The field `file` has no filename")
            late = [each.name for each in parts[number + 1 :] if each.name.startswith("expires_after")]
            if late:
                raise invalid("`expires_after` must precede `file`")
            return part, parts[:number]
    raise invalid("The form has no field `file`")


def _expiry(parts: Sequence[Part]) -> int | None:
    """In xAI's form or in OpenAI's (`expires_after[anchor]`, `expires_after[seconds]`)."""
    for part in parts:
        if part.name in ("expires_after", "expires_after[seconds]"):
            if not part.text.isdigit() or int(part.text) not in EXPIRES:
                raise invalid(f"`expires_after` is between {EXPIRES[0]} and {EXPIRES[-1]} seconds")
            return int(part.text)
    return None


def _values(file: File) -> dict[str, Any]:
    """What a filter sees."""
    return {
        "name": file.name,
        "filename": file.name,
        "file_id": file.id,
        "size_bytes": len(file.content),
        "content_type": file.content_type,
        "created_at": moment(file.created_at),
        "expires_at": moment(file.expires_at),
        "upload_status": "Complete",
    }


def _checked(given: Mapping[str, Any]) -> list[str]:
    """The collections of a search; 422 for a body of another shape."""
    query, source, limit = given.get("query"), given.get("source"), given.get("limit", 10)
    ids = source.get("collection_ids") if isinstance(source, dict) else None
    if not isinstance(query, str) or not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise XaiError(422, "`query` and `source.collection_ids` are required")
    mode = given.get("retrieval_mode") or {}
    if not isinstance(mode, dict) or mode.get("type", "hybrid") not in MODES:
        raise invalid("Unknown retrieval_mode")
    if not query.strip() or not ids:
        raise invalid("`query` and `source.collection_ids` must not be empty")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 100:
        raise invalid("`limit` is between 1 and 100")
    return list(dict.fromkeys(ids))
