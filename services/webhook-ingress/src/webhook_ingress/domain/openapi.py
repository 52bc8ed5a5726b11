"""What the ingress promises, as OpenAPI 3.1. A test holds it to the routes and to the statuses that are answered."""

from __future__ import annotations

from typing import Any

from synckit.events import Action
from synckit.service.openapi import RETRY_AFTER, shell_paths
from webhook_ingress.domain.links import MAX_PAIRS, NOUNS
from webhook_ingress.domain.paths import PUSH_PATH, link_paths, webhook_paths

_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


def document() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {path: {"post": _webhook(entity, action)} for path, entity, action in webhook_paths()}
    paths |= {path: {"post": _link(action)} for path, _, action in link_paths()}
    paths[PUSH_PATH] = {"post": _push()}
    paths |= shell_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Webhook ingress",
            "version": "1",
            "description": "Takes EspoCRM's webhooks and Google's push into Kafka.",
        },
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
            "description": "At most 4 MiB.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}},
        },
        "responses": {
            "200": {
                "description": "The broker has acknowledged every record. Items that are not what EspoCRM sends are "
                "not counted; they leave a dead letter.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
            },
            "401": {"description": "Unsigned, wrongly signed, or signed by an unknown webhook.", "content": _ERROR},
            "413": {"description": "More than 4 MiB.", "content": _ERROR},
            "503": {"description": "Trouble of our own: send it again.", "headers": RETRY_AFTER, "content": _ERROR},
        },
    }


def _link(action: Action) -> dict[str, Any]:
    described = _webhook("entity", action)
    wrong = {"application/json": {"schema": {"$ref": "#/components/schemas/WrongPair"}}}
    return {
        **described,
        "summary": f"{action.value} of two records, or of up to {MAX_PAIRS} pairs: an event for each record.",
        "requestBody": {
            "required": True,
            "description": "At most 4 MiB. Sent by our hook in EspoCRM, signed as EspoCRM signs its webhooks.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pairs"}}},
        },
        "responses": {
            **described["responses"],
            "200": {**described["responses"]["200"], "description": "The broker has acknowledged every record."},
            "400": {
                "description": "A wrong pair: nothing of the body is published. It leaves a dead letter.",
                "content": wrong,
            },
        },
    }


def _push() -> dict[str, Any]:
    """Google's own form: all is in the headers."""
    text = {"type": "string"}
    names = ("X-Goog-Channel-ID", "X-Goog-Channel-Token", "X-Goog-Resource-State")
    return {
        "operationId": "google_push",
        "summary": "A message of a Google channel (events.watch): that employee's calendar is synced.",
        "parameters": [{"name": name, "in": "header", "required": True, "schema": text} for name in names],
        "responses": {
            "200": {
                "description": "The broker has acknowledged the event; of a `sync` message there is none.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Nothing"}}},
            },
            "404": {"description": "The token is not ours, of another channel, or over.", "content": _ERROR},
            "503": {"description": "Trouble of our own: send it again.", "headers": RETRY_AFTER, "content": _ERROR},
        },
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
        **_pair_schemas(),
        "Item": item,
        "Batch": {"oneOf": [{"type": "array", "items": {"$ref": "#/components/schemas/Item"}}, item]},
        "Receipt": {
            "type": "object",
            "required": ["accepted", "records"],
            "properties": {"accepted": count, "records": count},
            "additionalProperties": False,
        },
        "Nothing": {"type": "object", "required": [], "additionalProperties": False},
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    }


def _pair_schemas() -> dict[str, Any]:
    names: dict[str, Any] = {"link": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,99}$"}}
    for side in ("left", "right"):
        names[f"{side}Type"] = {"type": "string", "enum": sorted(NOUNS)}
        names[f"{side}Id"] = {"type": "string", "pattern": "^[A-Za-z0-9-]{1,36}$"}
    pair = {"type": "object", "required": sorted(names), "properties": names, "additionalProperties": True}
    several = {"type": "array", "items": {"$ref": "#/components/schemas/Pair"}, "maxItems": MAX_PAIRS}
    place = {"item": {"type": "integer", "minimum": 0}, "name": {"type": "string", "enum": sorted(names)}}
    return {
        "Pair": pair,
        "Pairs": {"oneOf": [several, {"$ref": "#/components/schemas/Pair"}]},
        "WrongPair": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}, **place}},
    }


def _schemes() -> dict[str, Any]:
    return {
        "signature": {"type": "apiKey", "in": "header", "name": "Signature", "description": "Since EspoCRM 9.0."},
        "xSignature": {"type": "apiKey", "in": "header", "name": "X-Signature", "description": "Before EspoCRM 11.0."},
    }
