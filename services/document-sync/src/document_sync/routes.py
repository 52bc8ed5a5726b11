"""HTTP in: explanations. Every refusal is a problem document; no way in without a key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from aiohttp import hdrs, web

from document_sync.domain.decide_record import RecordLook
from document_sync.domain.events import DOCUMENTS
from document_sync.domain.explained import document_memory, document_text, record_memory, record_text
from document_sync.domain.look import Look
from document_sync.domain.openapi import RECORD, document
from document_sync.domain.problem import Refused
from document_sync.domain.record_steps import RecordPlan
from document_sync.domain.steps import Plan
from document_sync.domain.values import RecordKey
from document_sync.handlers.parts import word_of
from kanzlei.nouns import BY_TYPE
from synckit.errors import PermanentError, RateLimited, TransientError
from synckit.events import ENTITY_ID
from synckit.service import tracing

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RETRY_SECONDS = 30.0
NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}


class Gate(Protocol):
    """Who may come in."""

    async def admit(self, credential: str | None, path: str) -> None:
        """Refused: unauthenticated, not_allowed, rate. RemoteUnavailable where nobody can tell."""


class Documents(Protocol):
    """`handlers.DocumentLooks`."""

    async def plan(self, document: str) -> tuple[Look, Plan]: ...


class Records(Protocol):
    """`handlers.RecordLooks`."""

    async def plan(self, key: RecordKey) -> tuple[RecordLook, RecordPlan]: ...


class ExplainRoutes:
    """`GET /explain/{noun}/{id}`: what a look would do, by the function that decides it."""

    def __init__(self, gate: Gate, documents: Documents, records: Records, types: frozenset[str]) -> None:
        self._gate = gate
        self._documents = documents
        self._records = records
        self._kinds = {noun.name: kind for kind, noun in BY_TYPE.items() if kind in types}

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(RECORD, self._explain, allow_head=False)
        app.router.add_get("/openapi.json", _openapi, allow_head=False)

    async def _explain(self, request: web.Request) -> web.Response:
        noun, one = request.match_info["noun"], request.match_info["id"]
        await self._gate.admit(credential(request), f"/explain/{noun}/{one}")
        if not ENTITY_ID.match(one) or (noun != DOCUMENTS and noun not in self._kinds):
            raise Refused("unknown")
        told = await self._document(one) if noun == DOCUMENTS else await self._record(noun, one)
        return web.json_response(told, headers=NO_STORE)

    async def _document(self, one: str) -> dict[str, Any]:
        look, plan = await self._documents.plan(one)
        row = look.document
        if look.view is None and not row.is_known:
            raise Refused("unknown")
        return {
            "noun": DOCUMENTS,
            "id": one,
            "state": str(row.state),
            "reason": row.reason,
            "text": document_text(look),
            "steps": [word_of(step) for step in plan.steps],
            "memory": document_memory(look),
        }

    async def _record(self, noun: str, one: str) -> dict[str, Any]:
        look, plan = await self._records.plan(RecordKey(self._kinds[noun], one))
        if look.view is None and look.row.looked_at is None:
            raise Refused("unknown")
        return {
            "noun": noun,
            "id": one,
            "state": str(look.row.phase),
            "reason": look.row.reason,
            "text": record_text(look),
            "steps": [word_of(step) for step in plan.steps],
            "memory": record_memory(look.row, sorted(look.out)),
        }


def credential(request: web.Request) -> str | None:
    """From one of the two headers; two that differ are none."""
    bearers = [value.partition(" ") for value in request.headers.getall(hdrs.AUTHORIZATION, [])]
    found = {key.strip() for scheme, _, key in bearers if scheme.lower() == "bearer"}
    found |= {value.strip() for value in request.headers.getall("X-Api-Key", [])}
    return found.pop() if len(found) == 1 else None


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals, the router's own and our own trouble, in one form."""
    trace = tracing.carried(request.headers.get("traceparent"))
    try:
        return await handler(request)
    except Refused as refused:
        return _answer(refused, trace.trace_id)
    except web.HTTPMethodNotAllowed as error:
        response = _answer(Refused("method"), trace.trace_id)
        response.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
        return response
    except web.HTTPNotFound:
        return _answer(Refused("not_found"), trace.trace_id)
    except (TransientError, PermanentError) as error:
        wish = error.retry_after if isinstance(error, RateLimited) else None
        log.warning("documents.unavailable", reason=error.code, error=str(error), trace_id=trace.trace_id)
        return _answer(Refused("unavailable", wish or RETRY_SECONDS), trace.trace_id)


def _answer(refused: Refused, trace_id: str) -> web.Response:
    body = json.dumps(refused.document(trace_id), ensure_ascii=False).encode()
    return web.Response(body=body, status=refused.status, headers=refused.headers())


async def _openapi(_: web.Request) -> web.Response:
    return web.json_response(document())
