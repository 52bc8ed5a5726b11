"""The answer to a read, unless the whole of it is a lie."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.advoware.lies import HTML
from sandbox.advoware.refusal import not_found
from sandbox.advoware.switches import Switches


def told(switches: Switches, answer: list[dict[str, Any]] | dict[str, Any]) -> web.Response:
    """JSON with 200, or what the lie makes of it."""
    if switches.lie == "not_found":
        raise not_found()
    if switches.lie == "truncated":
        text = json.dumps(answer)
        return web.Response(text=text[: len(text) // 2], content_type="application/json")
    if switches.lie == "html":
        return web.Response(text=HTML, content_type="text/html")
    return web.json_response(answer)
