"""Callers of the sandbox xAI for its tests: both hosts, each with its key, on a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.xai.access import API_KEY, MANAGEMENT_KEY
from sandbox.xai.app import build

AppClient = TestClient[web.Request, web.Application]
Answer = tuple[int, Any]


class TickingClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Caller:
    """Speaks to both hosts."""

    def __init__(self, api: AppClient, management: AppClient, clock: TickingClock) -> None:
        self.hosts = {"api": (api, API_KEY), "management": (management, MANAGEMENT_KEY)}
        self.clock = clock

    async def ask(
        self, host: str, method: str, path: str, *, key: str | None = None, query: Any = None, **more: Any
    ) -> Answer:
        """One call; the answer's JSON, or its text where it is none."""
        client, own = self.hosts[host]
        told = own if key is None else key
        headers = {**({"Authorization": f"Bearer {told}"} if told else {}), **more.pop("headers", {})}
        async with client.request(method, path, params=query, headers=headers, **more) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, json.loads(text) if is_json and text else text

    async def api(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.ask("api", method, path, json=body, **more)

    async def management(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.ask("management", method, "/v1/collections" + path, json=body, **more)

    async def control(self, method: str, path: str, body: Any = None) -> Answer:
        return await self.ask("api", method, "/_sandbox" + path, key="", json=body)

    async def upload(self, content: bytes, name: str = "Klage.txt", **fields: str) -> Answer:
        """`fields` come before the file."""
        form = FormData(quote_fields=False)
        for each, value in fields.items():
            form.add_field(each.replace("__", "[") + ("]" if "__" in each else ""), value)
        form.add_field("file", content, filename=name, content_type="text/plain")
        return await self.ask("api", "POST", "/v1/files", data=form)

    async def file(self, content: bytes, name: str = "Klage.txt") -> str:
        status, made = await self.upload(content, name)
        assert status == 200, made
        return str(made["id"])

    async def collection(self, name: str = "Klage 1", *fields: Mapping[str, Any]) -> str:
        status, made = await self.management("POST", "", {"collection_name": name, "field_definitions": list(fields)})
        assert status == 200, made
        return str(made["collection_id"])

    async def attach(self, collection: str, file: str, **fields: str) -> Answer:
        return await self.management("POST", f"/{collection}/documents/{file}", {"fields": fields})

    async def status(self, collection: str, file: str) -> str:
        status, told = await self.management("GET", f"/{collection}/documents/{file}")
        assert status == 200, told
        return str(told["status"]).removeprefix("DOCUMENT_STATUS_")

    async def search(self, query: str, *collections: str, **more: Any) -> list[dict[str, Any]]:
        body = {"query": query, "source": {"collection_ids": list(collections)}, **more}
        status, told = await self.api("POST", "/v1/documents/search", body)
        assert status == 200, told
        return list(told["matches"])

    async def page(self, path: str = "/") -> str:
        status, text = await self.ask("management", "GET", path, key="")
        assert status == 200
        return str(text)


@asynccontextmanager
async def xai(indexing_seconds: float = 8.0) -> AsyncIterator[Caller]:
    """A fresh sandbox."""
    clock = TickingClock()
    sandbox = build(clock=clock, indexing_seconds=indexing_seconds)
    async with TestClient(TestServer(sandbox.api)) as api, TestClient(TestServer(sandbox.management)) as management:
        yield Caller(api, management, clock)
