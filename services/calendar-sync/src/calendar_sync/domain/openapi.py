"""What the way in by hand promises, as OpenAPI 3.1. The file beside the README is this document; tests hold both."""

from __future__ import annotations

from typing import Any

from calendar_sync.domain.problem import CONTENT_TYPE, KINDS, TYPE
from synckit.service.openapi import RETRY_AFTER, explain_paths, shell_paths

SYNC = "/advoware/calendar/sync"
RUN = "/advoware/calendar/sync/{run_id}"
STATES = ("queued", "running", "done", "skipped", "failed")
POST_REFUSALS = (400, 401, 403, 404, 413, 429, 503)
GET_REFUSALS = (401, 403, 404, 429, 503)
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}]
_TEXT = {"type": "string"}


def document() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Calendar sync", "version": "1", "description": "Asks for runs, and about them."},
        "paths": {SYNC: {"post": _ask()}, RUN: {"get": _look()}, **explain_paths(), **shell_paths()},
        "components": {
            "schemas": {"Asked": _asked(), "Runs": _runs(), "Run": _run(), "Problem": _problem()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _ask() -> dict[str, Any]:
    return {
        "operationId": "sync",
        "summary": "One employee's calendar, or all of them, now.",
        "description": "Needs the grant `POST /advoware/calendar/sync`.",
        "security": _SECURITY,
        "requestBody": {"required": True, "content": _json("Asked")},
        "responses": {
            "202": {"description": "The broker has it: one run an employee.", "content": _json("Runs")},
            **_refusals(POST_REFUSALS),
        },
    }


def _look() -> dict[str, Any]:
    return {
        "operationId": "run",
        "summary": "What became of a run.",
        "description": "Needs the same grant, `POST /advoware/calendar/sync`. Runs are kept for 90 days.",
        "security": _SECURITY,
        "parameters": [{"name": "run_id", "in": "path", "required": True, "schema": {**_TEXT, "maxLength": 64}}],
        "responses": {
            "200": {"description": "How it stands.", "content": _json("Run")},
            **_refusals(GET_REFUSALS),
        },
    }


def _refusals(statuses: tuple[int, ...]) -> dict[str, Any]:
    told = {}
    for status in statuses:
        titles = [title for of_kind, title in KINDS.values() if of_kind == status]
        told[str(status)] = {
            "description": " ".join(titles),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            "headers": RETRY_AFTER if status in (429, 503) else {},
        }
    return told


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _asked() -> dict[str, Any]:
    kuerzel = {**_TEXT, "minLength": 1, "maxLength": 40, "description": "A Kürzel, or ALL."}
    return {
        "type": "object",
        "required": ["kuerzel"],
        "properties": {"kuerzel": kuerzel},
        "additionalProperties": False,
    }


def _runs() -> dict[str, Any]:
    one = {"type": "object", "required": ["kuerzel", "run_id"], "properties": {"kuerzel": _TEXT, "run_id": _TEXT}}
    return {"type": "object", "required": ["runs"], "properties": {"runs": {"type": "array", "items": one}}}


def _run() -> dict[str, Any]:
    moment = {"type": ["string", "null"], "format": "date-time"}
    return {
        "type": "object",
        "required": ["run_id", "kuerzel", "state", "counts", "reason", "queued_at", "started_at", "ended_at"],
        "properties": {
            "run_id": _TEXT,
            "kuerzel": _TEXT,
            "state": {**_TEXT, "enum": list(STATES)},
            "counts": {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "description": "What was written; `done` and `to_do` while a long run goes on.",
            },
            "reason": {
                **_TEXT,
                "description": "In German, for the person who asks: why it ended so, or how far it is, or empty.",
            },
            "queued_at": {**_TEXT, "format": "date-time"},
            "started_at": moment,
            "ended_at": moment,
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
            "reason": _TEXT,
        },
        "additionalProperties": False,
    }
