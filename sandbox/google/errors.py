"""How Google says no: a status, and a body with Google's own words."""

from __future__ import annotations

from aiohttp import web

from sandbox.control import Handler

GLOBAL, USAGE = "global", "usageLimits"


class GoogleError(Exception):
    """A request that is not carried out. `where` is (locationType, location) as Google names it."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        domain: str = GLOBAL,
        *,
        where: tuple[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.where = where
        self.retry_after = retry_after

    def as_response(self) -> web.Response:
        """The answer that the client gets."""
        detail = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.where:
            detail |= {"locationType": self.where[0], "location": self.where[1]}
        body: dict[str, object] = {"errors": [detail], "code": self.status, "message": self.message}
        if self.status == 401:
            body["status"] = "UNAUTHENTICATED"
        headers = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'} if self.status == 401 else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return web.json_response({"error": body}, status=self.status, headers=headers)


def not_found() -> GoogleError:
    """No such thing, or no access to it: Google does not tell which."""
    return GoogleError(404, "notFound", "Not Found")


def deleted() -> GoogleError:
    """A second delete."""
    return GoogleError(410, "deleted", "Resource has been deleted")


def duplicate() -> GoogleError:
    """An id or iCalUID that there is, dead or alive."""
    return GoogleError(409, "duplicate", "The requested identifier already exists.")


def condition_not_met() -> GoogleError:
    """The etag of If-Match is not the newest."""
    return GoogleError(412, "conditionNotMet", "Precondition Failed", where=("header", "If-Match"))


def full_sync_required() -> GoogleError:
    """A sync token, or the page token of a sync, that is over."""
    message = "Sync token is no longer valid, a full sync is required."
    return GoogleError(410, "fullSyncRequired", message, "calendar", where=("parameter", "syncToken"))


def invalid_sync_token() -> GoogleError:
    """A sync token that Google does not know."""
    return GoogleError(400, "invalid", "Invalid sync token value.", where=("parameter", "syncToken"))


def invalid(message: str = "Invalid Value", parameter: str | None = None) -> GoogleError:
    """A value that can't be."""
    return GoogleError(400, "invalid", message, where=("parameter", parameter) if parameter else None)


def required(message: str) -> GoogleError:
    """A value that is missing."""
    return GoogleError(400, "required", message)


def too_big() -> GoogleError:
    """More than Google stores in one event."""
    return GoogleError(400, "invalid", "A provided value exceeds the allowed size limit.")


def forbidden(reason: str = "forbidden", message: str = "Forbidden", domain: str = GLOBAL) -> GoogleError:
    """Known, but not allowed."""
    return GoogleError(403, reason, message, domain)


def needs_access(role: str) -> GoogleError:
    """Too low a role in this calendar."""
    return forbidden("requiredAccessLevel", f"You need to have {role} access to this calendar.", "calendar")


def insufficient_scopes() -> GoogleError:
    """The token was given for less."""
    return forbidden("insufficientPermissions", "Request had insufficient authentication scopes.")


def unauthorized() -> GoogleError:
    """No token, or one that is over."""
    return GoogleError(401, "authError", "Invalid Credentials", where=("header", "Authorization"))


@web.middleware
async def errors_as_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a refusal into its answer."""
    try:
        return await handler(request)
    except GoogleError as error:
        return error.as_response()
