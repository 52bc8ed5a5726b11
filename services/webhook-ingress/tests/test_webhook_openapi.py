"""The description is valid, and says what the code does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient
from openapi_spec_validator import validate

from recordsync.testing.memory import FakePublisher
from synckit.service.server import Health, add_shell
from webhook_ingress.domain.openapi import document
from webhook_ingress.domain.paths import PUSH_PATH
from webhook_ingress.routes import MAX_BODY, Limits

Client = TestClient[web.Request, web.Application]
PAIR = b'{"leftType":"CBeteiligte","leftId":"p1","rightType":"CAdressen","rightId":"a1","link":"adressens"}'
Start = Callable[[web.Application], Awaitable[Client]]


def test_the_description_is_valid() -> None:
    validate(document())
    assert document()["openapi"] == "3.1.0"


def test_every_route_is_described_and_nothing_else(make_app: Callable[..., web.Application]) -> None:
    app = add_shell(make_app(FakePublisher()), Health())
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}
    assert routes == described


async def test_each_described_status_is_answered_and_no_other(
    aiohttp_client: Start, make_app: Callable[..., web.Application], sign: Callable[..., dict[str, str]]
) -> None:
    publisher = FakePublisher()
    client = await aiohttp_client(make_app(publisher))
    busy = await aiohttp_client(make_app(publisher, limits=Limits(in_flight=0)))
    large = b"x" * (MAX_BODY + 1)
    for path, methods in document()["paths"].items():
        if "post" not in methods or path == PUSH_PATH:
            continue
        body = PAIR if "/entity/" in path else b'{"id":"a"}'
        requests: list[tuple[Client, bytes, dict[str, str]]] = [
            (client, body, sign(body)),
            (client, b"malformed", sign(b"malformed")),
            (client, body, {}),
            (client, large, sign(large)),
            (busy, body, sign(body)),
        ]
        seen = set()
        for asked, sent, headers in requests:
            answer = await asked.post(path, data=BytesIO(sent), headers=headers)
            seen.add(str(answer.status))
            _like(methods["post"]["responses"][str(answer.status)], await answer.json(), answer.headers)
        assert seen == set(methods["post"]["responses"])


async def test_the_description_is_served(aiohttp_client: Start, make_app: Callable[..., web.Application]) -> None:
    client = await aiohttp_client(make_app(FakePublisher()))
    answer = await client.get("/openapi.json")
    assert await answer.json() == document()


def _like(response: dict[str, Any], body: dict[str, Any], headers: Any) -> None:
    name = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(body) == set(document()["components"]["schemas"][name]["required"])
    assert set(response.get("headers", {})) <= set(headers)
