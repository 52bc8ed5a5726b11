"""What both sandboxes share: the middleware that logs calls and applies faults, and the routes under /_sandbox/."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.calls import CAPACITY, Call, CallFilter, CallLog
from sandbox.changes import CURRENT_CALL, ChangeLog
from sandbox.faults import KINDS_AFTER, Attempt, Fault, Faults, Rule

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Hook = Callable[[web.Request], "str | None"]

RECORD = web.RequestKey("RECORD", str)
"""A handler sets request[RECORD] to the record's id where the path does not have it (POST)."""

HANG_SECONDS = 120.0
HTML = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def _no_record(_: web.Request) -> str | None:
    return None


def _user_agent(request: web.Request) -> str | None:
    return request.headers.get("X-Sandbox-Caller") or request.headers.get("User-Agent")


def _message(status: int) -> dict[str, str]:
    return {"message": f"Sandbox fault {status}"}


class Control:
    """Call log and faults of one sandbox app. Hooks: which record and which caller a request is about, and what the
    body of a status is that a rule asks for.

    The sandbox's own HTML page (/, /_page) and /_sandbox/ are neither logged nor faulted.
    """

    def __init__(
        self,
        app_name: str,
        *,
        record_of: Hook = _no_record,
        caller_of: Hook = _user_agent,
        empty_list: Any = (),
        error_body: Callable[[int], Any] = _message,
        capacity: int = CAPACITY,
    ) -> None:
        self.app_name = app_name
        self.calls = CallLog(capacity)
        self.changes = ChangeLog()
        self.faults = Faults(time.monotonic)
        self.closing = asyncio.Event()
        self._record_of = record_of
        self._caller_of = caller_of
        self._error_body = error_body
        self._empty_list = list(empty_list) if empty_list == () else empty_list
        self._own = ("/_sandbox", "/_page")

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log the request and let it pass, or let it go wrong as a rule says."""
        if request.path in ("/", "/favicon.ico") or request.path.startswith(self._own):
            return await handler(request)
        call = self.calls.begin(
            request.method, request.path, request.query_string, self._record_of(request), self._caller_of(request)
        )
        call.agent = request.headers.get("User-Agent")
        CURRENT_CALL.set(call.seq)
        status: int | None = None
        try:
            rule = await self._rule_for(request, call)
            response = await (self._faulty(request, handler, call, rule) if rule else _effect(request, handler, call))
            if response is None:
                _reset(request)
                return web.Response(status=500)
            status = response.status
        finally:
            CURRENT_CALL.set(None)
            self.calls.end(call, status)
        if isinstance(response, web.HTTPException):
            raise response
        return response

    async def _rule_for(self, request: web.Request, call: Call) -> Rule | None:
        if not self.faults:
            return None
        body = (await request.read()).decode("utf-8", "replace") if self.faults.needs_body else ""
        attempt = Attempt(call.method, call.path, request.path_qs, call.record, call.caller, body)
        return self.faults.choose(attempt)

    async def _faulty(
        self, request: web.Request, handler: Handler, call: Call, rule: Rule
    ) -> web.StreamResponse | None:
        """The answer that the client gets, or None where its connection is to be reset."""
        fault = rule.fault
        call.fault = fault.kind
        if fault.kind == "slow":
            await request.read()  # it is done in any case, also where the client is gone by then
            await self._wait(rule, fault.seconds if fault.seconds is not None else 1.0)
            return await _effect(request, handler, call)
        done = await _effect(request, handler, call) if fault.kind in KINDS_AFTER else None
        if fault.kind == "hold_after":
            await self._wait(rule, fault.seconds)
            return done
        if fault.kind.startswith("timeout"):
            await self._wait(rule, fault.seconds if fault.seconds is not None else HANG_SECONDS)
            return None
        if fault.kind.startswith("reset"):
            return None
        return self._answer_instead(fault)

    def _answer_instead(self, fault: Fault) -> web.Response:
        headers = dict(fault.headers)
        if fault.retry_after is not None:
            headers["Retry-After"] = f"{fault.retry_after:g}"
        if fault.kind == "html":
            text = HTML if fault.body is None else str(fault.body)
            return web.Response(status=fault.status or 502, text=text, content_type="text/html", headers=headers)
        if fault.kind == "empty_list":
            return web.json_response(self._empty_list, status=fault.status or 200, headers=headers)
        status = fault.status or {"status": 503, "status_after": 500}.get(fault.kind, 200)
        if isinstance(fault.body, str):
            return web.Response(status=status, text=fault.body, content_type="application/json", headers=headers)
        body = self._error_body(status) if fault.body is None else fault.body
        return web.json_response(body, status=status, headers=headers)

    async def _wait(self, rule: Rule, seconds: float | None) -> None:
        """Wait until the time is over, the rule is removed, or the sandbox ends."""
        ends = [asyncio.ensure_future(event.wait()) for event in (rule.released, self.closing)]
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def close(self) -> None:
        """Let go of everything that is held, because the sandbox ends."""
        self.closing.set()

    def add_routes(self, app: web.Application) -> None:
        """Mount the control API."""
        router = app.router
        router.add_get("/_sandbox/health", self._health)
        router.add_get("/_sandbox/calls", self._list_calls)
        router.add_delete("/_sandbox/calls", self._clear_calls)
        router.add_get("/_sandbox/calls/count", self._count_calls)
        router.add_get("/_sandbox/changes", self._list_changes)
        router.add_get("/_sandbox/faults", self._list_faults)
        router.add_post("/_sandbox/faults", self._add_fault)
        router.add_delete("/_sandbox/faults", self._remove_faults)
        router.add_delete("/_sandbox/faults/{id:[0-9]+}", self._remove_faults)
        app.on_shutdown.append(self._on_shutdown)

    async def _on_shutdown(self, _: web.Application) -> None:
        self.close()

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "app": self.app_name, "last_seq": self.calls.last_seq})

    async def _list_calls(self, request: web.Request) -> web.Response:
        rows = self.calls.as_rows(_filter_of(request))
        return web.json_response({"last_seq": self.calls.last_seq, "dropped": self.calls.dropped, "calls": rows})

    async def _count_calls(self, request: web.Request) -> web.Response:
        return web.json_response(self.calls.count(_filter_of(request)))

    async def _clear_calls(self, _: web.Request) -> web.Response:
        self.calls.clear()
        return web.json_response({"last_seq": self.calls.last_seq})

    async def _list_changes(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(self.changes.as_answer(request.query))
        except ValueError as error:
            raise bad_request(str(error)) from error

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": self.faults.as_rows()})

    async def _add_fault(self, request: web.Request) -> web.Response:
        given = await json_body(request)
        try:
            rule = self.faults.add(given)
        except (ValueError, TypeError) as error:
            raise bad_request(str(error)) from error
        return web.json_response(rule.as_row(), status=201)

    async def _remove_faults(self, request: web.Request) -> web.Response:
        wanted = request.match_info.get("id")
        removed = self.faults.remove(None if wanted is None else int(wanted))
        if wanted is not None and not removed:
            raise web.HTTPNotFound
        return web.json_response({"removed": removed})


async def _effect(request: web.Request, handler: Handler, call: Call) -> web.StreamResponse:
    """Let the handler do its work; an HTTP error that it raises is an answer as well."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = error
    except Exception:
        call.effect = 500
        raise
    call.effect = response.status
    call.record = request.get(RECORD, call.record)
    return response


def _reset(request: web.Request) -> None:
    """Cut the connection with an RST, so the client sees a reset and not a clean end."""
    if (transport := request.transport) is None:
        return
    if (sock := transport.get_extra_info("socket")) is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _filter_of(request: web.Request) -> CallFilter:
    try:
        return CallFilter.from_query(request.query)
    except ValueError as error:
        raise bad_request(str(error)) from error


def bad_request(message: str) -> web.HTTPBadRequest:
    """A 400 of the control API that says why."""
    return web.HTTPBadRequest(text=json.dumps({"message": message}), content_type="application/json")


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object in a control request; raises 400 for anything else. An empty body is {}."""
    raw = await request.read()
    try:
        given = json.loads(raw or b"{}")
    except ValueError as error:
        raise bad_request("body is not JSON") from error
    if not isinstance(given, dict):
        raise bad_request("body is not a JSON object")
    return given
