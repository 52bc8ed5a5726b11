"""The tool that posts recorded webhooks: true to the recording, and honest about what an ingress answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox import webhook_vectors
from sandbox.espocrm.signature import signatures

VECTORS = webhook_vectors.load()


class Ingress:
    """A small one: verifies the hex form, counts paths. `careless` takes everything."""

    def __init__(self, *, careless: bool = False) -> None:
        self.careless = careless
        self.keys = webhook_vectors.secrets(VECTORS)
        self.paths: set[str] = set()

    async def receive(self, request: web.Request) -> web.Response:
        self.paths.add(request.path)
        body = await request.read()
        header = request.headers.get("Signature") or request.headers["X-Signature"]
        webhook, _, digest = base64.b64decode(header).partition(b":")
        expected = hmac.new(self.keys[webhook.decode()].encode(), body, hashlib.sha256)
        right = digest in (expected.hexdigest().encode(), expected.digest())
        return web.Response(status=200 if right or self.careless else 401)


@pytest.fixture
async def start() -> AsyncIterator[Callable[[Ingress], asyncio.Future[str]]]:
    servers: list[TestServer] = []

    async def starting(ingress: Ingress) -> str:
        app = web.Application()
        app.router.add_post("/{path:.*}", ingress.receive)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/"))

    yield lambda ingress: asyncio.ensure_future(starting(ingress))
    for server in servers:
        await server.close()


def test_every_recorded_request_is_signed_as_the_sandbox_signs() -> None:
    assert len(VECTORS) == 46
    for vector in VECTORS:
        expected = signatures(vector.webhook_id, vector.key, vector.body)
        assert vector.headers["signature"] == expected["Signature"]
        assert vector.headers["x-signature"] == expected["X-Signature"]


@pytest.mark.parametrize("header", [None, "signature", "x-signature"])
async def test_an_ingress_that_verifies_takes_all_and_none_with_one_byte_changed(
    start: Callable[[Ingress], asyncio.Future[str]], header: str | None
) -> None:
    ingress = Ingress()
    url = await start(ingress)
    verdicts = await asyncio.to_thread(webhook_vectors.post, url, VECTORS, only_header=header)
    assert all(verdict.good for verdict in verdicts)
    assert ingress.paths == {f"/vmh/webhook/beteiligte/{action}" for action in ("create", "update", "delete")}


async def test_a_careless_ingress_is_found_out(
    start: Callable[[Ingress], asyncio.Future[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    url = await start(Ingress(careless=True))
    assert await asyncio.to_thread(webhook_vectors.main, ["--url", url]) == 1
    printed = capsys.readouterr().out
    assert "NOT REFUSED (200)" in printed
    assert "46 requests, 46 accepted, 0 refused with one byte changed" in printed


def test_the_keys_can_be_printed_for_the_ingress(capsys: pytest.CaptureFixture[str]) -> None:
    assert webhook_vectors.main(["--secrets"]) == 0
    keys = json.loads(capsys.readouterr().out)
    assert keys == {vector.webhook_id: vector.key for vector in VECTORS}


def test_a_file_that_is_no_recording_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"event": 1}]', encoding="utf-8")
    assert webhook_vectors.main(["--url", "http://127.0.0.1:9", str(path)]) == 2
    assert "not a recording of webhooks" in capsys.readouterr().err
