"""A prebuilt answer is, byte for byte, what aiohttp would have sent."""

from __future__ import annotations

import asyncio
import re

import pytest
from aiohttp import web

from deploy.local.waiting import LONG
from synckit.service.prebuilt import PrebuiltAnswer

BODY = b'{"error": "overloaded"}'


async def own(_: web.Request) -> web.StreamResponse:
    return PrebuiltAnswer(BODY, 503, "30")


async def aiohttps(_: web.Request) -> web.StreamResponse:
    headers = {"Content-Type": "application/json", "Retry-After": "30"}
    return web.Response(body=BODY, status=503, headers=headers)


async def raw(port: int, request: bytes) -> bytes:
    """The answer; all until the end where the connection has to end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(LONG):
            return await reader.read() if b"close" in request else await reader.readuntil(BODY)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("version", "connection"),
    [
        ("1.1", ""),
        ("1.1", "Connection: close\r\n"),
        ("1.0", "Connection: close\r\n"),
        ("1.0", "Connection: keep-alive\r\n"),
    ],
)
async def test_it_is_what_aiohttp_would_have_sent(version: str, connection: str) -> None:
    """Headers, their order and the connection's fate; all but the date."""
    app = web.Application()
    app.router.add_post("/own", own)
    app.router.add_post("/aiohttps", aiohttps)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    port = runner.addresses[0][1]
    tail = f" HTTP/{version}\r\nHost: a\r\n{connection}Content-Length: 2\r\n\r\n{{}}"
    found = [await raw(port, f"POST /{path}{tail}".encode()) for path in ("own", "aiohttps")]
    await runner.cleanup()
    dated = [re.sub(rb"Date: [^\r]+", b"Date: then", each) for each in found]
    assert b"Date: then" in dated[0]
    assert dated[0] == dated[1]


async def test_a_connection_stays_for_the_next_request() -> None:
    app = web.Application()
    app.router.add_post("/own", own)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    request = b"POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    async with asyncio.timeout(LONG):
        for _ in range(3):
            writer.write(request)
            assert (await reader.readuntil(BODY)).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    writer.close()
    await writer.wait_closed()
    await runner.cleanup()
