"""Advoware, streamed: one origin, the shared token, no redirects, no cookies, our times and sizes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from advoware_proxy.domain.calls import TooSlow
from advoware_proxy.domain.path_rules import Base, Target, build_url
from advoware_proxy.handlers.ports import Before
from kanzlei.advoware.auth import UPSTREAM, AdvowareAuth
from kanzlei.advoware.client import DISTRUST_SECONDS
from synckit.errors import RemoteUnavailable
from synckit.http.client import SAFE_METHODS, Latch, Wiring, new_session

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_TRANSPORT_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """`handlers.ports.Answer`."""

    response: aiohttp.ClientResponse
    largest: int
    is_write: bool

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        return tuple(self.response.headers.items())

    @property
    def length(self) -> int | None:
        return self.response.content_length

    async def chunks(self) -> AsyncIterator[bytes]:
        received = 0
        try:
            async for chunk in self.response.content.iter_any():
                received += len(chunk)
                if received > self.largest:
                    raise RemoteUnavailable(UPSTREAM, "too large an answer", maybe_applied=self.is_write)
                yield chunk
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error, is_write=self.is_write) from None


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_write(self) -> bool:
        return self.method not in SAFE_METHODS


class AdvowareUpstream:
    """`handlers.ports.Upstream`. Opens its session at the first call."""

    def __init__(self, base: Base, auth: AdvowareAuth, wiring: Wiring) -> None:
        self._base = base
        self._auth = auth
        self._wiring = wiring
        self._latch = Latch(UPSTREAM, wiring, cool_down=DISTRUST_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    def exchange(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes, before: Before
    ) -> AbstractAsyncContextManager[StreamedAnswer]:
        """A token that died early is renewed once. AuthenticationRefused where even that is refused."""
        return self._exchange(_Request(method, build_url(self._base, target), headers, body), before)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def _exchange(self, request: _Request, before: Before) -> AsyncIterator[StreamedAnswer]:
        self._latch.check()
        token = await self._auth.token()
        await before()
        response = await self._send(request, token)
        try:
            if response.status == 401:
                response.close()
                token = await self._auth.token(dead=token)
                response = await self._send(request, token)
                if response.status == 401:
                    raise self._latch.shut()
            self._wiring.on_accepted(UPSTREAM)
            yield StreamedAnswer(response, self._wiring.limits.largest_answer, request.is_write)
        finally:
            # Gives the connection back where all was read, and closes it where not.
            response.close()

    async def _send(self, request: _Request, token: str) -> aiohttp.ClientResponse:
        limits = self._wiring.limits
        started, code = time.monotonic(), "cancelled"
        try:
            response = await self._opened().request(
                request.method,
                URL(request.url, encoded=True),
                headers={
                    **request.headers,
                    "Authorization": f"Bearer {token}",
                    "User-Agent": self._wiring.agent,
                    "Accept-Encoding": "identity",
                },
                data=request.body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.read),
            )
            code = str(response.status)
            return response
        except _TRANSPORT_ERRORS as error:
            code = "timeout" if isinstance(error, TimeoutError) else "no_answer"
            raise _unavailable(error, is_write=request.is_write) from None
        finally:
            self._wiring.on_call(UPSTREAM, request.method, code, time.monotonic() - started)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = new_session(self._wiring.limits.concurrency, is_streamed=True)
        return self._session


def _unavailable(error: Exception, *, is_write: bool) -> RemoteUnavailable:
    lost = is_write and not isinstance(error, _NEVER_SENT)
    kind = TooSlow if isinstance(error, TimeoutError) else RemoteUnavailable
    return kind(UPSTREAM, f"no answer ({type(error).__name__})", maybe_applied=lost)
