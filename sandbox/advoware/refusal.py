"""How the API says no: a status with {"message", "errors"?}."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sandbox.control import Handler


class RefusedError(Exception):
    """A request that the API does not carry out."""

    def __init__(self, status: int, message: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors

    def as_response(self) -> web.Response:
        """The answer that the client gets."""
        body: dict[str, object] = {"message": self.message}
        if self.errors:
            body["errors"] = dict(self.errors)
        return web.json_response(body, status=self.status)


def not_found() -> RefusedError:
    """No such record."""
    return RefusedError(404, "Der Datensatz wurde nicht gefunden.")


def forbidden(message: str) -> RefusedError:
    """Something that this API never does."""
    return RefusedError(403, message)


def invalid(field: str, message: str) -> RefusedError:
    """One field that can't be stored as it is."""
    return RefusedError(400, "Die Eingabe ist ungültig.", {field: [message]})


@web.middleware
async def refusals_as_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a refusal into its answer."""
    try:
        return await handler(request)
    except RefusedError as refused:
        return refused.as_response()
