"""The HTTP client of all services: limits, calls counted, transport errors in our words, writes that are sent once.

Nothing here logs, and no exception holds a body, a query or a header: all three may carry client data or secrets.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
from yarl import URL

from synckit.body import Body
from synckit.errors import CircuitOpen, Locked, RemoteUnavailable, TooSlow
from synckit.http.answer import Answer, parse_retry_after
from synckit.http.circuit import Circuit
from synckit.http.patience import Patience
from synckit.http.session import (
    NEVER_SENT,
    SAFE_METHODS,
    TRANSPORT_ERRORS,
    new_session,
    sent_once,
    under_lease,
    word_for,
)
from synckit.http.streamed import StreamedAnswer
from synckit.http.upload import Upload
from synckit.http.wiring import Wiring


@dataclass(frozen=True, slots=True)
class _Request:
    """One request. `path` is what the circuit tells requests apart by."""

    method: str
    path: str
    url: str | URL = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    params: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | AsyncIterable[bytes] | None = field(default=None, repr=False)


class HttpClient:
    """Requests to one upstream, at most `concurrency` at a time. The session is its own unless one is passed in.

    Without `has_effects` (a token service) no lost answer hides a write. `is_trouble` tells the circuit which answers
    are none; it sees streamed ones without their bodies.
    """

    def __init__(
        self,
        upstream: str,
        base_url: str,
        wiring: Wiring | None = None,
        *,
        has_effects: bool = True,
        is_trouble: Callable[[Answer], bool] = lambda answer: answer.is_trouble,
    ) -> None:
        self._wiring = wiring = wiring or Wiring()
        self._is_trouble = is_trouble
        self.upstream = upstream
        self._has_effects = has_effects
        self._base_url = base_url.rstrip("/")
        self._limits = limits = wiring.limits
        self._session = wiring.session
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._timeout = aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.read)
        waits = limits.waits
        self._streaming = aiohttp.ClientTimeout(total=None, sock_connect=waits.connect, sock_read=waits.first_byte)
        self.circuit = Circuit(upstream, wiring.monotonic, wiring.on_circuit, wiring.circuit)

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        """One request, whatever the status. `body` is sent as JSON; request and answer are held whole.

        RemoteUnavailable where no complete answer came, CircuitOpen where the whole remote is in trouble, RateLimited
        where our own quota is used up.
        """
        sent_headers = {"User-Agent": self._wiring.agent, **(headers or {})}
        content = None
        if body is not None:
            sent_headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        await self._take_slot(method, path)
        try:
            return await self._exchanged(_Request(method, path, self._base_url + path, sent_headers, params, content))
        finally:
            self._slots.release()

    def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> AbstractAsyncContextManager[StreamedAnswer]:
        """One request whose body and answer pass through in chunks; neither is held, less than 1 MiB at any time.

        `path` is percent-encoded and, without `params`, goes out as it is; bodies are not unpacked. Errors as for
        `send`, also from the answer's chunks, and TooSlow where one of the limits has passed; what the body's source
        raises is raised here. At the block's end the connection is given back, or closed where the answer was not read
        to its end.
        """
        sent_headers = {"User-Agent": self._wiring.agent, "Accept-Encoding": "identity", **(headers or {})}
        url = URL(self._base_url + path, encoded=True)
        url = url.extend_query(params) if params else url
        if body is not None and body.content_type is not None:
            sent_headers["Content-Type"] = body.content_type
        if body is not None and body.size:
            sent_headers["Content-Length"] = str(body.size)
        target = path.partition("?")[0]
        return self._streamed(_Request(method, target, url, sent_headers), body)

    async def close(self) -> None:
        """Closes the session where it is our own."""
        if self._wiring.session is None and self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchanged(self, request: _Request) -> Answer:
        """Tells the circuit and the counters how it went. Locked where a write's lease had ended: then neither."""
        is_probe = self.circuit.enter()
        started = time.monotonic()
        code: str | None = "cancelled"
        try:
            answer = await self._whole(request)
            code = str(answer.status)
            self._wiring.clocks.dated(self.upstream, answer.headers.get("Date"), time.monotonic() - started)
            return self._judged(answer, request.path)
        except Locked:
            code = None  # The lease ended before it was sent.
            raise
        except TRANSPORT_ERRORS as error:
            code = word_for(error)
            lost = self._may_write(request) and not isinstance(error, NEVER_SENT)
            raise self._failed(error, request, lost=lost, slow=RemoteUnavailable) from None
        finally:
            self.circuit.leave(probe=is_probe)
            if code is not None:
                self._wiring.on_call(self.upstream, request.method, code, time.monotonic() - started)

    async def _whole(self, request: _Request) -> Answer:
        async with self._asked(request, self._timeout) as response:
            received = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                received += chunk
                if len(received) > self._limits.largest_answer:
                    raise aiohttp.ClientPayloadError("too large")
            return Answer(self.upstream, response.status, response.headers, bytes(received), self._may_write(request))

    @asynccontextmanager
    async def _streamed(self, request: _Request, body: Body | None) -> AsyncIterator[StreamedAnswer]:
        await self._take_slot(request.method, request.path)
        try:
            is_probe = self.circuit.enter()
            try:
                async with self._begun(request, body) as answer:
                    yield answer
            finally:
                self.circuit.leave(probe=is_probe)
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _begun(self, request: _Request, body: Body | None) -> AsyncIterator[StreamedAnswer]:
        """The answer's beginning is here. It is counted at its end, with the seconds until its beginning."""
        patience, started = Patience(self._limits.waits), time.monotonic()
        upload = None if body is None or body.is_small else Upload(body, patience)
        content = upload if body is None or upload is not None else body.content
        response = await self._answered(replace(request, content=content or None), patience, upload)
        seconds, code = time.monotonic() - started, str(response.status)
        try:
            may_write, largest = self._may_write(request), self._limits.largest_answer
            head = Answer(self.upstream, response.status, response.headers, b"", may_write)
            is_trouble = self._tell_trouble(head, request.path)

            def broken(error: Exception) -> RemoteUnavailable:
                nonlocal code
                code = word_for(error)
                return self._failed(error, request, lost=may_write, slow=TooSlow)

            def ended() -> None:
                if not is_trouble:
                    self.circuit.answered()

            head = replace(head, outage=self.circuit.is_open)
            yield StreamedAnswer(response, head, largest, patience, broken, ended)
        finally:
            # Gives the connection back where all was read, and closes it where not.
            response.close()
            self._wiring.on_call(self.upstream, request.method, code, seconds)

    async def _answered(self, request: _Request, patience: Patience, upload: Upload | None) -> aiohttp.ClientResponse:
        started = time.monotonic()
        code: str | None = "cancelled"
        try:
            async with patience.asking():
                response = await self._asked(request, self._streaming)
            patience.answered()
            code = None  # Its end is still to come.
            self._wiring.clocks.dated(self.upstream, response.headers.get("Date"), time.monotonic() - started)
            return response
        except Locked:
            code = None
            raise
        except TRANSPORT_ERRORS as error:
            if upload is not None and upload.failure is not None:
                code = "no_body"
                raise upload.failure from None
            code = word_for(error)
            has_gone = not isinstance(error, NEVER_SENT) and (upload is None or upload.may_be_whole)
            lost = self._may_write(request) and has_gone
            raise self._failed(error, request, lost=lost, slow=TooSlow) from None
        finally:
            if code is not None:
                self._wiring.on_call(self.upstream, request.method, code, time.monotonic() - started)

    def _asked(self, request: _Request, timeout: aiohttp.ClientTimeout) -> aiohttp.client._RequestContextManager:
        return self._opened().request(
            request.method,
            request.url,
            headers=request.headers,
            params=request.params,
            data=request.content,
            allow_redirects=False,
            timeout=timeout,
            auto_decompress=timeout is self._timeout,
            middlewares=(under_lease, sent_once) if self._may_write(request) else None,
        )

    def _failed(
        self, error: Exception, request: _Request, *, lost: bool, slow: type[RemoteUnavailable]
    ) -> RemoteUnavailable:
        """Tells the circuit, and answers the error to raise. `lost`: the remote may have done it."""
        self.circuit.failed(request.path)
        kind = slow if isinstance(error, TimeoutError) else RemoteUnavailable
        if kind is RemoteUnavailable and self.circuit.is_open:
            kind = CircuitOpen
        return kind(self.upstream, f"no answer ({word_for(error)})", maybe_applied=lost)

    def _judged(self, answer: Answer, path: str) -> Answer:
        """Tells the circuit, and the answer what became of it."""
        if not self._tell_trouble(answer, path):
            self.circuit.answered()
        return replace(answer, outage=True) if self.circuit.is_open else answer

    def _tell_trouble(self, answer: Answer, path: str) -> bool:
        """Whether it is an answer that the circuit has to know of as trouble; then it does."""
        wish = parse_retry_after(answer.headers.get("Retry-After")) if answer.status == 429 else None
        if wish:
            self.circuit.asked_to_wait(wish)
            return True
        if self._is_trouble(answer):
            self.circuit.failed(path)
            return True
        return False

    def _may_write(self, request: _Request) -> bool:
        return self._has_effects and request.method not in SAFE_METHODS

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or (self._wiring.session is None and self._session.closed):
            self._session = new_session(self._limits.concurrency)
        return self._session

    async def _take_slot(self, method: str, path: str) -> None:
        """After the call is paid for."""
        if self._wiring.quota is not None:
            await self._wiring.quota.pay(method, path)
        if not self._slots.locked():
            await self._slots.acquire()  # does not wait: a limit around it would be a timer for each call
            return
        try:
            async with asyncio.timeout(self._limits.queue):
                await self._slots.acquire()
        except TimeoutError:
            raise RemoteUnavailable(self.upstream, "too many calls are waiting") from None
