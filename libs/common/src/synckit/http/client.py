"""What every HTTP client of ours shares: limits, calls counted, transport errors in our words, answers read with care.

Nothing here logs, and no exception holds a body, a query or a header: all three may carry client data or secrets.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp

from synckit import clamps
from synckit.errors import AuthenticationRefused, CircuitOpen, Locked, RateLimited, RemoteUnavailable
from synckit.http.circuit import Circuit, CircuitLimits
from synckit.http.remote_clocks import RemoteClocks
from synckit.under_lease import ensure_held

OnCall = Callable[[str, str, str, float], None]
"""(upstream, method, status or word for a failure, seconds): one for every request that was sent."""
OnBadRow = Callable[[str, str, str], None]
"""(upstream, list, id of the row where it has one): a row that can't be one was left out of a list."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
UNAUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Seconds, but for `concurrency` and the answer's bytes.

    `total` begins when the request is sent, `queue` is the wait before that. `whole` is a call with all that belongs
    to it (a token first, a repetition): afterwards nothing of it can still arrive.
    """

    total: float = 10.0
    connect: float = 3.0
    read: float = 8.0
    queue: float = 10.0
    whole: float = 20.0
    concurrency: int = 8
    largest_answer: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a client is given from outside. Without a session it opens its own at the first call.

    `on_refused` gets the upstream that refuses our credentials, `on_left_alone` the one that refused them to another
    replica, `on_accepted` the one that takes them; `on_circuit` (upstream, is open). `agent` is our name to the remote,
    `clocks` what is known of its time.
    """

    session: aiohttp.ClientSession | None = None
    limits: HttpLimits = HttpLimits()
    on_call: OnCall = lambda *_: None
    on_refused: Callable[[str], None] = lambda _: None
    on_left_alone: Callable[[str], None] = lambda _: None
    on_accepted: Callable[[str], None] = lambda _: None
    on_bad_row: OnBadRow = lambda *_: None
    monotonic: Callable[[], float] = time.monotonic
    agent: str = "synckit"
    circuit: CircuitLimits | None = None
    on_circuit: Callable[[str, bool], None] = lambda _upstream, _is_open: None
    clocks: RemoteClocks = field(default_factory=RemoteClocks)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `is_write`: the request may have had an effect. `outage`: the remote's circuit is open now."""

    upstream: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    is_write: bool = False
    outage: bool = False

    @property
    def is_html(self) -> bool:
        """Judged by the body: proxies and EspoCRM both send content types that are not true."""
        return self.body[:512].lstrip().startswith(b"<")

    def json(self) -> Any:
        """The parsed body, None where it is empty. RemoteUnavailable where it is no JSON: then it is no answer.

        Numbers that are none (NaN, 1e400) are null: see `clamps.parsed_json`.
        """
        if not self.body.strip():
            return None
        try:
            return clamps.parsed_json(self.body)
        except ValueError:
            raise self.unavailable("an answer that is no JSON") from None

    def unavailable(self, what: str, *, retry_after: float | None = None) -> RemoteUnavailable:
        """The error for an answer that tells us nothing."""
        delay = retry_after if retry_after is not None else parse_retry_after(self.headers.get("Retry-After"))
        kind = CircuitOpen if self.outage else RemoteUnavailable
        return kind(self.upstream, f"{self.status}, {what}", retry_after=delay, maybe_applied=self.is_write)

    @property
    def is_trouble(self) -> bool:
        """No answer of the remote's own, or one that says that it can't.

        A 401 is one whatever its body is: IIS adds a page for people.
        """
        return self.status >= 500 or (self.is_html and self.status != UNAUTHENTICATED)

    def raise_for_trouble(self) -> None:
        """3xx, 429, 5xx and pages for people, which mean the same everywhere. Other 4xx are for the client to read."""
        if self.status == 429:
            raise RateLimited(self.upstream, retry_after=parse_retry_after(self.headers.get("Retry-After")))
        if self.status >= 500:
            raise self.unavailable("it is in trouble")
        if 300 <= self.status < 400:
            raise self.unavailable("a redirect")
        if self.is_trouble:
            raise self.unavailable("a page for people")


class HttpClient:
    """Requests to one upstream, at most `concurrency` at a time. The session is its own unless one is passed in.

    Without `has_effects` (a token service) no lost answer hides a write. `is_trouble` tells the circuit which answers
    are none.
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
        wiring = wiring or Wiring()
        self._is_trouble = is_trouble
        self.upstream = upstream
        self._has_effects = has_effects
        self._base_url = base_url.rstrip("/")
        self._limits = wiring.limits
        self._session = wiring.session
        self._owns_session = wiring.session is None
        self._on_call = wiring.on_call
        self._clocks = wiring.clocks
        self._agent = wiring.agent
        self._slots = asyncio.Semaphore(wiring.limits.concurrency)
        limits = wiring.limits
        self._timeout = aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.read)
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
        """One request, whatever the status. `body` is sent as JSON.

        RemoteUnavailable where no complete answer came, CircuitOpen where the whole remote is in trouble.
        """
        sent_headers = {"User-Agent": self._agent, **(headers or {})}
        content = None
        if body is not None:
            sent_headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        await self._take_slot()
        try:
            return await self._judged_exchange(method, path, sent_headers, params, content)
        finally:
            self._slots.release()

    async def _judged_exchange(
        self, method: str, path: str, headers: dict[str, str], params: Mapping[str, str] | None, content: bytes | None
    ) -> Answer:
        """Tells the circuit and the counters how it went. Locked where a write's lease had ended: then neither."""
        is_probe = self.circuit.enter()
        started = time.monotonic()
        code: str | None = "cancelled"
        try:
            answer = await self._exchange(method, path, headers, params, content)
            code = str(answer.status)
            self._clocks.dated(self.upstream, answer.headers.get("Date"), time.monotonic() - started)
            return self._judged(answer, path)
        except Locked:
            code = None  # The lease ended before it was sent.
            raise
        except _TRANSPORT_ERRORS as error:
            code = _word_for(error)
            lost = self._may_write(method) and not isinstance(error, _NEVER_SENT)
            self.circuit.failed(path)
            kind = CircuitOpen if self.circuit.is_open else RemoteUnavailable
            raise kind(self.upstream, f"no answer ({code})", maybe_applied=lost) from None
        finally:
            self.circuit.leave(probe=is_probe)
            if code is not None:
                self._on_call(self.upstream, method, code, time.monotonic() - started)

    async def close(self) -> None:
        """Closes the session where it is our own."""
        if self._owns_session and self._session is not None:
            await self._session.close()
            self._session = None

    async def _exchange(
        self, method: str, path: str, headers: dict[str, str], params: Mapping[str, str] | None, content: bytes | None
    ) -> Answer:
        async with self._opened().request(
            method,
            self._base_url + path,
            headers=headers,
            params=params,
            data=content,
            allow_redirects=False,
            timeout=self._timeout,
            middlewares=(_under_lease, _sent_once) if self._may_write(method) else None,
        ) as response:
            received = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                received += chunk
                if len(received) > self._limits.largest_answer:
                    raise aiohttp.ClientPayloadError("too large")
            return Answer(self.upstream, response.status, response.headers, bytes(received), self._may_write(method))

    def _judged(self, answer: Answer, path: str) -> Answer:
        """Tells the circuit, and the answer what became of it."""
        wish = parse_retry_after(answer.headers.get("Retry-After")) if answer.status == 429 else None
        if wish:
            self.circuit.asked_to_wait(wish)
        elif self._is_trouble(answer):
            self.circuit.failed(path)
        else:
            self.circuit.answered()
        return replace(answer, outage=True) if self.circuit.is_open else answer

    def _may_write(self, method: str) -> bool:
        return self._has_effects and method not in SAFE_METHODS

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or (self._owns_session and self._session.closed):
            self._session = new_session(self._limits.concurrency)
        return self._session

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # does not wait: a limit around it would be a timer for each call
            return
        try:
            async with asyncio.timeout(self._limits.queue):
                await self._slots.acquire()
        except TimeoutError:
            raise RemoteUnavailable(self.upstream, "too many calls are waiting") from None


class _CutOff(aiohttp.ClientConnectionError):
    """The connection of a write was lost. Of a kind that aiohttp does not repeat by itself."""


async def _under_lease(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """The last moment to see that a write's lease has ended."""
    ensure_held.get()()
    return await handler(request)


async def _sent_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a PUT or DELETE again when its connection is lost: then it may be old, and overwrite a person."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in SAFE_METHODS:
            raise
        raise _CutOff(type(error).__name__) from None


def new_session(connections: int, *, is_streamed: bool = False) -> aiohttp.ClientSession:
    """The one way to a session: nothing sent twice, no proxy of the environment, no cookies (they would outlive a key).

    No connection is kept for longer than an Apache does (5 s). `is_streamed`: bodies pass as they come, not unpacked.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=4),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_sent_once,),
        trust_env=False,
        auto_decompress=not is_streamed,
        read_bufsize=1 << 17 if is_streamed else 1 << 16,
    )


def parse_retry_after(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds or an HTTP date → seconds from now, at most an hour. None where absent or nonsense."""
    return clamps.retry_after(value, now()) if value else None


class Latch:
    """Shut for a while after a remote refused our credentials: nothing is sent, so that nothing locks us out."""

    def __init__(self, upstream: str, wiring: Wiring, *, cool_down: float) -> None:
        self._upstream = upstream
        self._monotonic = wiring.monotonic
        self._on_refused = wiring.on_refused
        self._cool_down = cool_down
        self._shut_until: float | None = None

    def check(self) -> None:
        """AuthenticationRefused while it is shut."""
        if self._shut_until is None:
            return
        left = self._shut_until - self._monotonic()
        if left > 0:
            raise AuthenticationRefused(self._upstream, retry_after=left)
        self._shut_until = None

    def shut(self, *, seconds: float | None = None) -> AuthenticationRefused:
        """Shuts it, tells the hook (the metric that alerts), and answers the error to raise."""
        delay = self._cool_down if seconds is None else seconds
        self._shut_until = self._monotonic() + delay
        self._on_refused(self._upstream)
        return AuthenticationRefused(self._upstream, retry_after=delay)


_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_TRANSPORT_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)


def _word_for(error: BaseException) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "connect_timeout"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "connect"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "cut_short"
    return "reset"
