"""A bare reverse proxy on aiohttp: a request through, its answer streamed back, no more. And what stands behind it.

With BENCH {"upstream": url} it is the proxy; without, this benchmark's Advoware: one party, and a token for anybody.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

UPSTREAM = json.loads(os.environ["BENCH"]).get("upstream", "")
SESSION = web.AppKey("SESSION", ClientSession)
PARTY = json.dumps([{"betNr": 4711, "rowId": "AAAAAAAB", "name": "x" * 60, "bemerkung": "y" * 1800}]).encode()
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "te", "trailer", "upgrade"})


async def forward(request: web.Request) -> web.StreamResponse:
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
    url = f"{UPSTREAM}/api/v1/advonet{request.query['path']}"
    body = await request.read() or None
    async with request.app[SESSION].request(request.method, url, headers=headers, data=body) as answer:
        response = web.StreamResponse(status=answer.status)
        response.headers["Content-Type"] = answer.headers["Content-Type"]
        response.content_length = answer.content_length
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def opened(app: web.Application) -> AsyncIterator[None]:
    app[SESSION] = ClientSession(connector=TCPConnector(limit=64), cookie_jar=DummyCookieJar(), auto_decompress=False)
    yield
    await app[SESSION].close()


async def party(_: web.Request) -> web.Response:
    return web.Response(body=PARTY, content_type="application/json")


async def token(_: web.Request) -> web.Response:
    return web.json_response({"access_token": "of-no-value", "expires_in": 3600})


def make() -> web.Application:
    app = web.Application()
    if UPSTREAM:
        app.cleanup_ctx.append(opened)
        app.router.add_route("*", "/advoware/proxy", forward)
    else:
        app.router.add_get("/api/v1/advonet/Beteiligte/{number}", party)
        app.router.add_post("/api/v1/Token", token)
    return app


if __name__ == "__main__":
    web.run_app(make(), host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
