"""What the proxy promises, as OpenAPI 3.1. A test holds it to the routes, and one calls it with all that it allows."""

from __future__ import annotations

from typing import Any

from advoware_proxy.domain.problem import ADVOWARE, CONTENT_TYPE, KINDS, PROXY, TYPE
from kanzlei.callers.grants import METHODS
from synckit.service.openapi import RETRY_AFTER, shell_paths

PATH = "/advoware/proxy"
REFUSALS = (400, 401, 403, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504)
_WITH_BODY = frozenset({"POST", "PUT"})


def document() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Advoware proxy", "version": "1", "description": "Advoware, for callers with a key."},
        "paths": {
            PATH: {method.lower(): _operation(method) for method in METHODS},
            **shell_paths(),
        },
        "components": {"schemas": {"Problem": _problem()}, "securitySchemes": _schemes()},
    }


def _operation(method: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": method.lower(),
        "summary": f"{method} of what `path` names, below Advoware's API.",
        "description": "Old callers say `endpoint` for `path`; both is a 400. All other parameters go to Advoware.",
        "security": [{"bearer": []}, {"apiKey": []}],
        "parameters": [_path(), *([_idempotency_key()] if method == "POST" else [])],
        "responses": _responses(method),
    }
    if method in _WITH_BODY:
        operation["requestBody"] = {
            "description": "JSON in UTF-8, at most 1 MiB where the settings say no more.",
            "content": {"application/json": {"schema": {}}},
        }
    return operation


def _path() -> dict[str, Any]:
    segment = "[A-Za-z0-9_~-]([A-Za-z0-9._~-]{0,62}[A-Za-z0-9_~-])?"
    pattern = f"^/?{segment}(/{segment}){{0,11}}$"
    return {
        "name": "path",
        "in": "query",
        "required": True,
        "description": "e.g. `/Beteiligte/4711`; nothing in it is encoded, `.` does not begin or end a segment.",
        "schema": {"type": "string", "maxLength": 512, "pattern": pattern},
    }


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and request get the first answer for 24 h.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    }


def _responses(method: str) -> dict[str, Any]:
    problem = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told: dict[str, Any] = {
        "2XX": {"description": "Advoware's answer, as it came.", "content": {"application/json": {"schema": {}}}},
        "4XX": {"description": "Advoware refused, with its own status.", "content": problem},
    }
    for status in REFUSALS:
        titles = [f"{kind.refused_by}: {kind.title}" for kind in KINDS.values() if kind.status == status]
        told[str(status)] = {
            "description": " ".join(titles) or "The body came too slowly.",
            "content": problem,
            "headers": RETRY_AFTER if status in (429, 503) else {},
        }
    if method == "GET":
        told["304"] = {"description": "Not changed since."}
    return told


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457. Nothing in it is a client's.",
        "required": ["type", "title", "status", "instance", "code", "refused_by"],
        "properties": {
            "type": {"type": "string", "enum": [TYPE + code for code in KINDS]},
            "title": text,
            "status": {"type": "integer"},
            "instance": {"type": "string", "description": "The call, as log and audit have it."},
            "code": {"type": "string", "enum": list(KINDS)},
            "refused_by": {"type": "string", "enum": [PROXY, ADVOWARE]},
            "reason": text,
            "fields": {"type": "array", "items": text, "description": "Fields that Advoware complains of."},
            "maybe_applied": {"type": "boolean", "description": "Advoware may have carried it out."},
        },
        "additionalProperties": False,
    }


def _schemes() -> dict[str, Any]:
    return {
        "bearer": {"type": "http", "scheme": "bearer"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
