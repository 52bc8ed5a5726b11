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


def _plain(name: str, what: str, kind: str = "application/json") -> dict[str, Any]:
    return {"operationId": name, "summary": what, "responses": {"200": {"description": what, "content": {kind: {}}}}}


def _ready() -> dict[str, Any]:
    body: dict[str, Any] = {"application/json": {}}
    return {
        "200": {"description": "Ready.", "content": body},
        "503": {"description": "Not ready; `failing` names why.", "content": body},
    }
