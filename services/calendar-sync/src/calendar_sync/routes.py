"""HTTP in: a run by hand, and what became of it. Every refusal is a problem document; no way in without a key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog
from aiohttp import hdrs, web

from calendar_sync.by_hand import Queued, UnknownKuerzel
from calendar_sync.domain.openapi import SYNC, document
from calendar_sync.domain.problem import Refused
from kanzlei.callers.credential import credential
from synckit.errors import PermanentError, RateLimited, TransientError
from synckit.ports import Clock
from synckit.service import tracing

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_BODY = 4096
LONGEST_KUERZEL = 40
LONGEST_RUN_ID = 64
RETRY_SECONDS = 30.0
NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}


class Gate(Protocol):
    """Who may come in."""

    async def admit(self, credential: str | None) -> str:
        """The id of the key. Refused: unauthenticated, not_allowed, rate. RemoteUnavailable where nobody can tell."""


class Asking(Protocol):
    """`by_hand.ByHand`."""

    async def ask(self, kuerzel: str, *, origin: str = ..., traceparent: str | None = ...) -> Sequence[Queued]: ...


class Run(Protocol):
    """One run as it stands."""

    @property
    def run_id(self) -> str: ...
    @property
    def kuerzel(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def queued_at(self) -> datetime: ...
    @property
    def started_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...


class Runs(Protocol):
    """What is remembered of runs."""

    async def run(self, run_id: str) -> Run | None: ...


class CalendarRoutes:
    """The routes of `/advoware/calendar/sync`."""

    def __init__(self, gate: Gate, asking: Asking, runs: Runs, clock: Clock) -> None:
        self._gate = gate
        self._asking = asking
        self._runs = runs
        self._clock = clock

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(SYNC, self._ask)
        app.router.add_get(f"{SYNC}/{{run_id}}", self._look, allow_head=False)
        app.router.add_get("/openapi.json", _openapi, allow_head=False)

    async def _ask(self, request: web.Request) -> web.Response:
        caller = await self._gate.admit(credential(request))
        kuerzel = await _kuerzel(request)
        trace = tracing.carried(request.headers.get("traceparent"))
        try:
            queued = await self._asking.ask(kuerzel, traceparent=str(trace))
        except UnknownKuerzel:
            raise Refused("unknown_kuerzel") from None
        log.info("calendar.asked", caller=caller, count=len(queued), trace_id=trace.trace_id)
        told = {"runs": [{"kuerzel": one.kuerzel, "run_id": one.run_id} for one in queued]}
        return web.json_response(told, status=202, headers=NO_STORE)

    async def _look(self, request: web.Request) -> web.Response:
        run_id = request.match_info["run_id"]
        await self._gate.admit(credential(request))
        found = await self._runs.run(run_id) if len(run_id) <= LONGEST_RUN_ID and "\x00" not in run_id else None
        if found is None:
            raise Refused("unknown_run")
        return web.json_response(as_json(found), headers=NO_STORE)


def as_json(run: Run) -> dict[str, Any]:
    """A run as HTTP and the command show it."""
    return {
        "run_id": run.run_id,
        "kuerzel": run.kuerzel,
        "state": run.state,
        "counts": dict(run.counts),
        "reason": run.reason,
        "queued_at": run.queued_at.isoformat(timespec="milliseconds"),
        "started_at": run.started_at.isoformat(timespec="milliseconds") if run.started_at else None,
        "ended_at": run.ended_at.isoformat(timespec="milliseconds") if run.ended_at else None,
    }


async def _kuerzel(request: web.Request) -> str:
    if (request.content_length or 0) > MAX_BODY:
        raise Refused("too_large")
    body = await request.content.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Refused("too_large")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("bad_request") from None
    kuerzel = told.get("kuerzel") if isinstance(told, dict) and set(told) == {"kuerzel"} else None
    if not isinstance(kuerzel, str) or not 0 < len(kuerzel) <= LONGEST_KUERZEL or not kuerzel.isprintable():
        raise Refused("bad_request")
    return kuerzel


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
    except web.HTTPRequestEntityTooLarge:
        return _answer(Refused("too_large"), trace.trace_id)
    except (TransientError, PermanentError) as error:
        wish = error.retry_after if isinstance(error, RateLimited) else None
        log.warning("calendar.unavailable", reason=error.code, error=str(error), trace_id=trace.trace_id)
        return _answer(Refused("unavailable", error.code, wish or RETRY_SECONDS), trace.trace_id)


def _answer(refused: Refused, trace_id: str) -> web.Response:
    body = json.dumps(refused.document(trace_id), ensure_ascii=False).encode()
    return web.Response(body=body, status=refused.status, headers=refused.headers())


async def _openapi(_: web.Request) -> web.Response:
    return web.json_response(document())
