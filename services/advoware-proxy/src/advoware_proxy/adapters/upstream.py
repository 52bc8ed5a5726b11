"""Advoware, streamed: one origin and the shared token, over the one HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from advoware_proxy.domain.path_rules import Base, Target, build_url
from advoware_proxy.handlers.ports import Before
from kanzlei.advoware.auth import UPSTREAM, AdvowareAuth
from kanzlei.advoware.client import DISTRUST_SECONDS
from synckit.body import Body
from synckit.errors import RemoteUnavailable
from synckit.http.answer import UNAUTHENTICATED, Answer
from synckit.http.client import HttpClient
from synckit.http.latch import Latch
from synckit.http.streamed import StreamedAnswer
from synckit.http.wiring import Wiring

OUTAGES = frozenset({502, 503, 504})
"""Answers of a gateway. A 500 may be what one caller's body does to Advoware: no reason to let the others wait."""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Body


class AdvowareUpstream:
    """`handlers.ports.Upstream`. Opens its session at the first call."""

    def __init__(self, base: Base, auth: AdvowareAuth, wiring: Wiring) -> None:
        self._base = base
        self._auth = auth
        self._wiring = wiring
        self._http = HttpClient(UPSTREAM, base.origin, wiring, is_trouble=_is_outage)
        self._latch = Latch(UPSTREAM, wiring, cool_down=DISTRUST_SECONDS)

    def exchange(
        self, method: str, target: Target, headers: Mapping[str, str], body: Body, before: Before
    ) -> AbstractAsyncContextManager[StreamedAnswer]:
        """A token that died early is renewed, and what was refused for it is sent again where `body` is held whole.

        AuthenticationRefused where even a fresh token is refused; RemoteUnavailable where a body that is not held was
        refused: its next try has a good token.
        """
        path = build_url(self._base, target).removeprefix(self._base.origin)
        return self._exchange(_Request(method, path, headers, body), before)

    async def close(self) -> None:
        await self._http.close()

    @asynccontextmanager
    async def _exchange(self, request: _Request, before: Before) -> AsyncIterator[StreamedAnswer]:
        self._latch.check()
        token, is_new = await self._auth.token(), False
        await before()
        while True:
            async with self._sent(request, token) as answer:
                if answer.status != UNAUTHENTICATED:
                    self._wiring.on_accepted(UPSTREAM)
                    yield answer
                    return
            if is_new:
                raise self._latch.shut()
            token, is_new = await self._auth.another(token)
            if not request.body.is_repeatable:
                raise RemoteUnavailable(UPSTREAM, "our token had died", retry_after=1)

    def _sent(self, request: _Request, token: str) -> AbstractAsyncContextManager[StreamedAnswer]:
        headers = {**request.headers, "Authorization": f"Bearer {token}"}
        return self._http.stream(request.method, request.path, headers=headers, body=request.body)


def _is_outage(answer: Answer) -> bool:
    return answer.status in OUTAGES
