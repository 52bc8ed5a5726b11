"""What the explanations promise, as OpenAPI 3.1. The file beside the README is this document; tests hold both."""

from __future__ import annotations

from typing import Any

from document_sync.domain.problem import CONTENT_TYPE, KINDS, TYPE
from synckit.service.openapi import RETRY_AFTER, shell_paths

RECORD = "/explain/{noun}/{id}"
REFUSALS = (401, 403, 404, 429, 503)
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}


def document() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Document sync", "version": "1", "description": "Explains documents and collections."},
        "paths": {RECORD: {"get": _explain()}, **shell_paths()},
        "components": {
            "schemas": {"Explained": _explained(), "Problem": _problem()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _explain() -> dict[str, Any]:
    parameters = [
        {
            "name": "noun",
            "in": "path",
            "required": True,
            "description": "`dokumente`, or the noun of a record with a collection, e.g. `raeumungsklagen`.",
            "schema": {**_TEXT, "maxLength": 40},
        },
        {"name": "id", "in": "path", "required": True, "schema": {**_TEXT, "maxLength": 36}},
    ]
    return {
        "operationId": "explain",
        "summary": "How a document or a collection stands, and what the next look would do.",
        "description": "Needs the grant `GET /explain/:word/:word`. Holds ids and hashes, never a name.",
        "security": [{"bearer": []}, {"apiKey": []}],
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "What is remembered, and the plan.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Explained"}}},
            },
            **{str(status): _refusal(status) for status in REFUSALS},
        },
    }


def _refusal(status: int) -> dict[str, Any]:
    titles = [title for of_kind, title in KINDS.values() if of_kind == status]
    return {
        "description": " ".join(titles),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "headers": RETRY_AFTER if status in (429, 503) else {},
    }


def _explained() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["noun", "id", "state", "reason", "text", "steps", "memory"],
        "properties": {
            "noun": _TEXT,
            "id": _TEXT,
            "state": {**_TEXT, "description": "Of a document its state, of a record the phase of its collection."},
            "reason": {**_TEXT, "description": "A word of ours; empty where nothing is wrong."},
            "text": {**_TEXT, "description": "In German, for people."},
            "steps": {**_TEXTS, "description": "What the next look would do; none: everything is as it must be."},
            "memory": {"type": "object", "description": "What is remembered, as it is kept."},
        },
        "additionalProperties": False,
    }


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "RFC 9457. Nothing in it is a client's.",
        "required": ["type", "title", "status", "instance", "code"],
        "properties": {
            "type": {**_TEXT, "enum": [TYPE + code for code in KINDS]},
            "title": _TEXT,
            "status": {"type": "integer"},
            "instance": _TEXT,
            "code": {**_TEXT, "enum": list(KINDS)},
        },
        "additionalProperties": False,
    }
