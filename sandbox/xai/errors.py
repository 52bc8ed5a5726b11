"""How xAI says no: a status, and `{"code", "error"}` where the code is gRPC's description of its own status."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.control import Handler

WORDS = {
    400: "Client specified an invalid argument",
    401: "The request does not have valid authentication credentials",
    403: "The caller does not have permission to execute the specified operation",
    404: "Some requested entity was not found",
    405: "The method is not allowed",
    409: "Some entity that we attempted to create already exists",
    413: "The request is too large",
    415: "The media type is not supported",
    422: "The request could not be understood",
    429: "Some resource has been exhausted",
    503: "The service is currently unavailable",
}


class XaiError(Exception):
    """A request that is not carried out."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.headers = headers or {}


def body_of(status: int, error: str = "") -> dict[str, Any]:
    """The body of an answer with this status."""
    code = WORDS.get(status, "Internal error")
    return {"code": code, "error": error or code}


def invalid(error: str) -> XaiError:
    return XaiError(400, error)


def not_found(what: str, name: str) -> XaiError:
    return XaiError(404, f"{what} {name} not found")


@web.middleware
async def errors_as_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the handlers and aiohttp's own (404, 405, 413), in xAI's shape."""
    try:
        return await handler(request)
    except XaiError as error:
        return web.json_response(body_of(error.status, error.error), status=error.status, headers=error.headers)
    except web.HTTPException as error:
        if error.status < 400 or request.path.startswith(("/_", "/favicon")):
            raise
        return web.json_response(body_of(error.status), status=error.status)
