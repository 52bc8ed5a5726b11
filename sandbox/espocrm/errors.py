"""The ways in which EspoCRM refuses: text in X-Status-Reason, body mostly empty."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer other than 2xx. `reason` None: no X-Status-Reason header at all."""

    def __init__(self, status: int, reason: str | None = None, body: Any = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.body = body


class SlimError(Exception):
    """An answer of the framework below EspoCRM: a JSON message, no reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_request(reason: str) -> ApiError:
    """400."""
    return ApiError(400, reason)


def forbidden(reason: str = "") -> ApiError:
    """403."""
    return ApiError(403, reason)


def not_found(reason: str = "") -> ApiError:
    """404."""
    return ApiError(404, reason)


def server_error() -> ApiError:
    """500 with nothing in it: a PHP or database error."""
    return ApiError(500)


def translated(status: int, reason: str, label: str, given: dict[str, Any]) -> ApiError:
    """An error whose body the web client translates."""
    return ApiError(status, reason, {"messageTranslation": {"label": label, "scope": None, "data": given}})


def invalid(entity_type: str, field: str, kind: str) -> ApiError:
    """The first field that failed validation."""
    reason = f"Field validation failure; entityType: {entity_type}, field: {field}, type: {kind}."
    return translated(400, reason, "validationFailure", {"field": field, "type": kind})


def conflict(reason: str, label: str, scope: str, given: dict[str, Any]) -> ApiError:
    """409 that the web client translates."""
    return ApiError(409, reason, {"messageTranslation": {"label": label, "scope": scope, "data": given}})
