"""What the ingress promises, as OpenAPI 3.1. A test holds it to the routes and to the statuses that are answered."""

from __future__ import annotations

from typing import Any

from synckit.events import Action
from webhook_ingress.domain.paths import webhook_paths

_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}


def document() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {path: {"post": _webhook(entity, action)} for path, entity, action in webhook_paths()}
    paths["/health/live"] = {"get": _plain("live", "The process runs.")}
    paths["/health/ready"] = {"get": {**_plain("ready", "Ready."), "responses": _ready()}}
    paths["/metrics"] = {"get": _plain("metrics", "Prometheus text.", "text/plain")}
    paths["/openapi.json"] = {"get": _plain("openapi", "This description.")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Webhook ingress", "version": "1", "description": "Takes EspoCRM's webhooks into Kafka."},
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _schemes()},
    }


def _webhook(entity: str, action: Action) -> dict[str, Any]:
    return {
        "operationId": f"{entity}_{action.value}",
        "summary": f"{entity} {action.value}: a batch of EspoCRM, or one object.",
        "security": [{"signature": []}, {"xSignature": []}],
        "requestBody": {
            "required": True,
            "description": "At most 1 MiB.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}},
        },
        "responses": {
            "200": {
                "description": "The broker has acknowledged every record. Items that are not what EspoCRM sends are "
                "not counted; they leave a dead letter.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
            },
            "401": {"description": "Unsigned, wrongly signed, or signed by an unknown webhook.", "content": _ERROR},
            "413": {"description": "More than 1 MiB.", "content": _ERROR},
            "503": {"description": "Trouble of our own: send it again.", "headers": _RETRY, "content": _ERROR},
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


def _schemas() -> dict[str, Any]:
    item = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,36}$"}},
        "additionalProperties": True,
    }
    count = {"type": "integer", "minimum": 0}
    return {
        "Item": item,
        "Batch": {"oneOf": [{"type": "array", "items": {"$ref": "#/components/schemas/Item"}}, item]},
        "Receipt": {
            "type": "object",
            "required": ["accepted", "records"],
            "properties": {"accepted": count, "records": count},
            "additionalProperties": False,
        },
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    }


def _schemes() -> dict[str, Any]:
    return {
        "signature": {"type": "apiKey", "in": "header", "name": "Signature", "description": "Since EspoCRM 9.0."},
        "xSignature": {"type": "apiKey", "in": "header", "name": "X-Signature", "description": "Before EspoCRM 11.0."},
    }
