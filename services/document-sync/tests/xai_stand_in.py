"""xAI's two hosts over HTTP, in one process with a test: as small as document-sync's adapter needs them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from fake_xai import FakeXai

from document_sync.domain.values import Indexing, StoredFile
from synckit.clock import SystemClock
from synckit.errors import RemoteRejected
from synckit.testing.faults import Faults

API_KEY, MANAGEMENT_KEY = "xai-api-key", "xai-management-key"


class XaiStandIn:
    """Routes over a `FakeXai`. Keys are refused when they are swapped, with a 400 as xAI has it."""

    def __init__(self) -> None:
        self.xai = FakeXai(SystemClock(), Faults())
        self.answers_500_after_upload = 0

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=64 * 1024 * 1024)
        one = "/v1/collections/{cid}/documents/{fid}"
        app.add_routes(
            [
                web.post("/v1/files", self._upload),
                web.get("/v1/files", self._files),
                web.get("/v1/files/{fid}", self._file),
                web.delete("/v1/files/{fid}", self._delete_file),
                web.post("/v1/collections", self._create),
                web.get("/v1/collections", self._collections),
                web.get("/v1/collections/{cid}", self._collection),
                web.delete("/v1/collections/{cid}", self._delete_collection),
                web.post(one, self._attach),
                web.get(one, self._document),
                web.delete(one, self._detach),
                web.get("/v1/collections/{cid}/documents", self._documents),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        wanted = MANAGEMENT_KEY if request.path.startswith("/v1/collections") else API_KEY
        if request.headers.get("Authorization") != f"Bearer {wanted}":
            return web.json_response({"code": "x", "error": "Incorrect API key provided"}, status=400)
        try:
            told: web.StreamResponse = await handler(request)
        except RemoteRejected as error:
            return web.json_response({"error": error.reason}, status=error.status)
        return told

    async def _upload(self, request: web.Request) -> web.Response:
        field = await (await request.multipart()).next()
        content = bytes(await field.read())  # type: ignore[union-attr]
        stored = StoredFile("", "", "", len(content), "")
        file_id = await self.xai.files.upload(str(field.filename), stored, once(content))  # type: ignore[union-attr]
        if self.answers_500_after_upload:
            self.answers_500_after_upload -= 1
            return web.json_response({"error": "internal"}, status=500)
        return web.json_response({"id": file_id, "object": "file", "bytes": len(content)})

    async def _files(self, _: web.Request) -> web.Response:
        rows = [{"id": one.id, "filename": one.name, "created_at": 4_000_000_000} for one in self.xai.all.values()]
        return web.json_response({"data": rows, "pagination_token": "t"})

    async def _file(self, request: web.Request) -> web.Response:
        found = await self.xai.files.exists(request.match_info["fid"])
        return web.json_response({"id": request.match_info["fid"]}, status=200 if found else 404)

    async def _delete_file(self, request: web.Request) -> web.Response:
        await self.xai.files.delete(request.match_info["fid"])
        return web.json_response({"deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        told = json.loads(await request.read())
        made = await self.xai.collections.create(told["collection_name"], told["collection_description"])
        return web.json_response({"collection_id": made})

    async def _collections(self, _: web.Request) -> web.Response:
        rows = [{"collection_id": one.id, "collection_name": one.name} for one in self.xai.sammlungen.values()]
        return web.json_response({"collections": rows})

    async def _collection(self, request: web.Request) -> web.Response:
        found = await self.xai.collections.exists(request.match_info["cid"])
        return web.json_response({}, status=200 if found else 404)

    async def _delete_collection(self, request: web.Request) -> web.Response:
        await self.xai.collections.delete(request.match_info["cid"])
        return web.json_response({})

    async def _attach(self, request: web.Request) -> web.Response:
        fields = json.loads(await request.read())["fields"]
        await self.xai.collections.attach(request.match_info["cid"], request.match_info["fid"], fields)
        return web.json_response({})

    async def _document(self, request: web.Request) -> web.Response:
        found = await self.xai.collections.indexed(request.match_info["cid"], request.match_info["fid"])
        if found is None:
            return web.json_response({}, status=404)
        word = "PROCESSED" if found.status is Indexing.PROCESSED else "PROCESSING"
        return web.json_response({"status": f"DOCUMENT_STATUS_{word}"})

    async def _detach(self, request: web.Request) -> web.Response:
        await self.xai.collections.detach(request.match_info["cid"], request.match_info["fid"])
        return web.json_response({})

    async def _documents(self, request: web.Request) -> web.Response:
        found = self.xai.collection(request.match_info["cid"])
        rows = [
            {"file_metadata": {"file_id": file_id, "name": self.xai.all[file_id].name}, "fields": dict(one.fields)}
            for file_id, one in found.documents.items()
        ]
        return web.json_response({"documents": rows})


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content
