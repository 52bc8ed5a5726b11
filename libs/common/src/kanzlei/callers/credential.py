"""Where a request carries its caller's key."""

from __future__ import annotations

from aiohttp import hdrs, web


def credential(request: web.Request) -> str | None:
    """From one of the two headers; two that differ are none."""
    bearers = [value.partition(" ") for value in request.headers.getall(hdrs.AUTHORIZATION, [])]
    found = {key.strip() for scheme, _, key in bearers if scheme.lower() == "bearer"}
    found |= {value.strip() for value in request.headers.getall("X-Api-Key", [])}
    return found.pop() if len(found) == 1 else None
