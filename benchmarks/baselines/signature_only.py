"""The ceiling of the HTTP layer: an aiohttp handler that checks the signature and answers."""

import base64
import hmac
import json
import os

from aiohttp import web

KEYS = json.loads(os.environ["BENCH"])["keys"]


async def receive(request: web.Request) -> web.Response:
    body = await request.read()
    name, _, digest = base64.b64decode(request.headers["X-Signature"]).partition(b":")
    if not hmac.compare_digest(digest, hmac.digest(KEYS[name.decode()].encode(), body, "sha256")):
        raise web.HTTPUnauthorized
    return web.Response(body=b'{"accepted": 1, "records": 1}', content_type="application/json")


app = web.Application(client_max_size=4 << 20)
app.router.add_post("/vmh/webhook/beteiligte/update", receive)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
