"""The part of an OpenAPI 3.1 description that is the same for every service: the shell's own paths. Pure."""

from __future__ import annotations

from typing import Any

RETRY_AFTER: dict[str, Any] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def shell_paths() -> dict[str, Any]:
    """Health, metrics, and the description itself."""
    return {
        "/health/live": {"get": _plain("live", "The process runs.")},
        "/health/ready": {"get": {**_plain("ready", "Ready."), "responses": _ready()}},
        "/metrics": {"get": _plain("metrics", "Prometheus text.", "text/plain")},
        "/openapi.json": {"get": _plain("openapi", "This description.")},
    }


def explain_paths() -> dict[str, Any]:
    """What a sync would do, of services that own records."""
    noun = {"name": "noun", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 100}}
    one = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 100}}
    names = {"name": "names", "in": "query", "schema": {"type": "string"}, "description": "1: with all names."}
    return {
        "/explain/{noun}": {"get": _explained("explainNoun", "Whether a sync would be begun now.", [noun, names])},
        "/explain/{noun}/{id}": {"get": _explained("explain", "What a sync would do. Writes nothing.", [noun, one])},
    }


def _explained(name: str, what: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    problem: dict[str, Any] = {"application/problem+json": {}}
    refusals = {"401": "No key.", "403": "Not allowed.", "404": "Unknown.", "429": "Too many.", "503": "Unavailable."}
    return {
        "operationId": name,
        "summary": what,
        "description": "From the same host, or with the grant `GET /explain/:word/:word`. No client's values.",
        "parameters": parameters,
        "responses": {
            "200": {"description": what, "content": {"application/json": {}}},
            **{status: {"description": title, "content": problem} for status, title in refusals.items()},
        },
    }


def _plain(name: str, what: str, kind: str = "application/json") -> dict[str, Any]:
    return {"operationId": name, "summary": what, "responses": {"200": {"description": what, "content": {kind: {}}}}}


def _ready() -> dict[str, Any]:
    body: dict[str, Any] = {"application/json": {}}
    return {
        "200": {"description": "Ready.", "content": body},
        "503": {"description": "Not ready; `failing` names why.", "content": body},
    }
