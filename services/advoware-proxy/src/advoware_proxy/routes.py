"""HTTP in and out: one address, four methods, answers streamed, every refusal a problem document."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import hdrs, web

from advoware_proxy import metrics
from advoware_proxy.domain import header_rules
from advoware_proxy.domain.calls import Call, Reply
from advoware_proxy.domain.openapi import PATH, document
from advoware_proxy.domain.problem import Refused
from advoware_proxy.handlers.proxy import CallerGone, CutShort, Done, Proxy
from kanzlei.callers.grants import METHODS
from synckit.body import Body
from synckit.ports import Clock
from synckit.service import tracing

log = structlog.get_logger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WITH_BODY = frozenset({"POST", "PUT"})
BODILESS = frozenset({204, 304})
HELD = 1 << 20
"""Bytes of a body that are read before a shared place is taken. What is larger takes one while it comes."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Requests at once in whatever state, bytes of a body, seconds in which it has to be here, and how fast it has to
    come: bytes a second, after the first `grace` seconds.
    """

    in_flight: int = 512
    body: int = 1 << 20
    body_seconds: float = 10.0
    body_rate: int = 4096
    grace: float = 2.0

    def until(self, received: int) -> float:
        """Seconds from its beginning within which a body has to go on."""
        return min(self.body_seconds, self.grace + received / self.body_rate)


class ProxyRoutes:
    """The routes of `/advoware/proxy`."""

    def __init__(self, proxy: Proxy, clock: Clock, limits: RequestLimits | None = None) -> None:
        self._proxy = proxy
        self._clock = clock
        self.limits = limits or RequestLimits()
        self._in_flight = 0

    def add_to(self, app: web.Application) -> None:
        for method in METHODS:
            app.router.add_route(method, PATH, self._receive, expect_handler=_not_yet)
        app.router.add_get("/openapi.json", _openapi, allow_head=False)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        trace = tracing.carried(request.headers.get("traceparent"))
        if self._in_flight >= self.limits.in_flight:
            return self._overloaded(request.method)
        self._in_flight += 1
        exchange, done = _Exchange(request, self.limits), list[Done]()
        try:
            await self._proxy.carry_out(exchange.call(trace.trace_id), done)
        except CutShort:
            exchange.abort()
        finally:
            self._in_flight -= 1
            for one in done:
                _tell(request.method, one, trace.trace_id)
        return exchange.response

    def _overloaded(self, method: str) -> web.Response:
        """Before any work: not even the key is looked at."""
        refused = Refused("overloaded", retry_after=1)
        metrics.proxy_call(method, "refused_by_proxy", str(refused.answered_status), 0.0)
        return problem_response(refused)


class _Exchange:
    """One request and its response."""

    def __init__(self, request: web.Request, limits: RequestLimits) -> None:
        self._request = request
        self._limits = limits
        self.response = web.StreamResponse()

    def call(self, trace_id: str) -> Call:
        request = self._request
        credentials = {name: request.headers.getall(name, []) for name in ("authorization", "x-api-key")}
        return Call(
            method=request.method,
            query=request.rel_url.raw_query_string,
            credential=header_rules.credential(credentials),
            headers=tuple(request.headers.items()),
            idempotency_keys=tuple(request.headers.getall("Idempotency-Key", [])),
            body=self._body,
            deliver=self._deliver,
            trace_id=trace_id,
        )

    def abort(self) -> None:
        """Without its end no client takes what came for the whole."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _body(self) -> Body:
        """What is larger than HELD comes while it is passed on; its limits are those of its beginning."""
        request = self._request
        if (request.content_length or 0) > self._limits.body:
            raise Refused("too_large")
        arriving, held = self._arriving(), bytearray()
        async for chunk in arriving:
            held += chunk
            if len(held) > HELD:
                break
        _check_body(request, bool(held))
        if len(held) <= HELD:
            return Body(bytes(held))
        return Body(_joined(bytes(held), arriving), length=request.content_length)

    async def _invite(self) -> None:
        """Whoever waits to be told to send its body is told now, when the call is known to be allowed."""
        if hdrs.EXPECT in self._request.headers and self._request.version >= (1, 1):
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._request.writer.output_size = 0

    async def _arriving(self) -> AsyncIterator[bytes]:
        """The body in chunks. Refused where it is too large, too slow, or breaks off."""
        received, began = 0, asyncio.get_running_loop().time()
        try:
            await self._invite()
            while chunk := await self._chunk(began + self._limits.until(received)):
                received += len(chunk)
                if received > self._limits.body:
                    raise Refused("too_large")
                yield chunk
        except TimeoutError:
            raise Refused("bad_request", "body_too_slow", status=408) from None
        except (web.RequestPayloadError, OSError):
            raise Refused("bad_request", "body_broken") from None

    async def _chunk(self, until: float) -> bytes:
        """The limit is a new one for each chunk: the chunks of a large body are read by another task."""
        content = self._request.content
        if content.is_eof() and content.at_eof():
            return b""
        async with asyncio.timeout_at(until):
            return await content.readany()

    async def _deliver(self, reply: Reply) -> None:
        response = self.response = web.StreamResponse(status=reply.status, headers=reply.headers)
        bodiless = reply.status in BODILESS
        if not bodiless:
            response.content_length = reply.length
            if reply.length is None and self._request.version >= (1, 1):
                response.enable_chunked_encoding()
        try:
            await response.prepare(self._request)
            async for chunk in reply.chunks:
                if not bodiless:
                    await response.write(chunk)
            await response.write_eof()
        except OSError:
            raise CallerGone from None


async def _not_yet(request: web.Request) -> None:
    """`Expect: 100-continue` is answered when the body is read, not before the key is looked at."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="only 100-continue is known")


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _check_body(request: web.Request, has_body: bool) -> None:
    if not has_body:
        return
    if request.method not in WITH_BODY:
        raise Refused("bad_request", "body_not_taken")
    types = request.headers.getall(hdrs.CONTENT_TYPE, [])
    if len(types) != 1 or not header_rules.is_json(types[0]) or hdrs.CONTENT_ENCODING in request.headers:
        raise Refused("not_json")


def _tell(method: str, done: Done, trace_id: str) -> None:
    metrics.proxy_call(method, done.outcome, str(done.status), done.seconds)
    log.info(
        "proxy_call",
        method=method,
        route=done.pattern,
        caller=done.caller,
        call_id=done.call_id,
        outcome=done.outcome,
        reason=done.reason,
        status=done.status,
        seconds=round(done.seconds, 4),
        trace_id=trace_id,
    )


def problem_response(refused: Refused, call_id: str | None = None) -> web.Response:
    """For what is refused before it is a call."""
    body = json.dumps(refused.document(call_id or str(uuid.uuid4()))).encode()
    return web.Response(body=body, status=refused.answered_status, headers={**refused.headers(), **header_rules.OURS})


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The router's own refusals in our words."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        response = problem_response(Refused("method"))
        response.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
        return response
    except web.HTTPException as error:
        known = error.status == web.HTTPNotFound.status_code
        return problem_response(Refused("not_found") if known else Refused("bad_request", status=error.status))


async def _openapi(_: web.Request) -> web.Response:
    return web.json_response(document())
