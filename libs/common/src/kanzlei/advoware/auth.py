"""Advoware's token service: one signed request for the whole cluster, and none for a while after a refusal."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import uuid
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from synckit import clamps
from synckit.errors import AuthenticationRefused, RemoteUnavailable
from synckit.http.answer import UNAUTHENTICATED, Answer
from synckit.http.circuit import CircuitLimits
from synckit.http.client import HttpClient
from synckit.http.wiring import Wiring
from synckit.ports import Clock

UPSTREAM = "advoware"
AUTH_UPSTREAM = "advoware_auth"
DEFAULT_LIFETIME = 3600.0
EARLY = timedelta(minutes=5)
SHORTEST_LIFETIME, LONGEST_LIFETIME = 20.0, 86_400.0
"""Of what a token is said to live: less would be a request for each call, and one that lives longer costs a 401."""
REFUSED_SECONDS = 600.0
CREDENTIALS = frozenset({UNAUTHENTICATED, 403})
"""Statuses that speak of our login. Any other that is no 200 is trouble of the service or of what is in front of it."""
PATIENCE = CircuitLimits(failures=3, paths=1, pause=1.0, longest=30.0)
"""It has one path; after three failures in a row it is asked by one probe at a time, in pauses of 1 to 30 seconds."""


@dataclass(frozen=True, slots=True)
class AdvowareLogin:
    """What the token service asks for. `api_key` is Base64; secrets never show in a repr."""

    app_id: str
    product_id: str
    api_key: str = field(repr=False)
    kanzlei: str
    database: str
    user: str
    role: str
    password: str = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells two configurations apart, keyed with the API key: no way back to the password."""
        text = "\x00".join(
            (self.app_id, self.product_id, self.kanzlei, self.database, self.user, self.role, self.password)
        )
        key = hashlib.blake2b(self.api_key.encode()).digest()
        return hashlib.blake2b(text.encode(), key=key, digest_size=8).hexdigest()

    def request(self, nonce: str, timestamp: str) -> dict[str, Any]:
        """The body of a token request, signed: HMAC-SHA512 of product:app:nonce:time."""
        text = f"{self.product_id}:{self.app_id}:{nonce}:{timestamp}"
        digest = hmac.new(base64.b64decode(self.api_key), text.encode(), hashlib.sha512).digest()
        return {
            "AppID": self.app_id,
            "Kanzlei": self.kanzlei,
            "Database": self.database,
            "User": self.user,
            "Role": self.role,
            "Product": self.product_id,
            "Password": self.password,
            "Nonce": nonce,
            "HMAC512Signature": base64.b64encode(digest).decode(),
            "RequestTimeStamp": timestamp,
        }


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token. `login` is the fingerprint of the configuration that it was given to."""

    value: str = field(repr=False)
    expires_at: datetime
    login: str = ""

    def is_good(self, now: datetime, login: str) -> bool:
        """`expires_at` is early already: five minutes, or half of a life that is too short for that."""
        return self.login == login and now < self.expires_at


class TokenCache(Protocol):
    """Where replicas share the token."""

    async def read(self) -> Token | None: ...

    async def write(self, token: Token) -> None: ...

    async def refused(self, login: str) -> float: ...

    async def refuse(self, login: str, seconds: float) -> None: ...

    def turn(self) -> AbstractAsyncContextManager[None]: ...


class AdvowareAuth:
    """Gives the token: from memory, from the cache, or by the one request that the cluster makes."""

    def __init__(
        self, auth_url: str, login: AdvowareLogin, cache: TokenCache, clock: Clock, wiring: Wiring | None = None
    ) -> None:
        self._wiring = wiring or Wiring()
        patient = replace(self._wiring, circuit=PATIENCE)
        self._http = HttpClient(AUTH_UPSTREAM, auth_url, patient, has_effects=False, is_trouble=_is_trouble)
        self._login = login
        self._cache = cache
        self._clock = clock
        self._token: Token | None = None
        self._issued = 0
        self._turn = asyncio.Lock()

    async def token(self, *, dead: str | None = None) -> str:
        """A token that should be good, and is not `dead`.

        AuthenticationRefused after a 401 or 403 of the token service, without a request, for ten minutes or until the
        configuration changes. RemoteUnavailable for all other trouble: soon again.
        """
        if good := self._good(self._token, dead):
            return good.value
        async with self._turn:
            if good := self._good(self._token, dead):
                return good.value
            self._token = self._good(await self._cache.read(), dead) or await self._fetch_in_turn(dead)
            self._wiring.on_accepted(AUTH_UPSTREAM)
            self._wiring.on_token(UPSTREAM, self._token.expires_at)
            return self._token.value

    async def another(self, dead: str) -> tuple[str, bool]:
        """Instead of a token that was refused: one, and whether it was asked for since, and not found in the cache."""
        before = self._issued
        value = await self.token(dead=dead)
        return value, self._issued > before

    def may_call(self) -> bool:
        """False while a token would have to be asked for, and the service is in trouble."""
        return self._good(self._token, None) is not None or self._http.circuit.may_try()

    async def close(self) -> None:
        await self._http.close()

    def _good(self, token: Token | None, dead: str | None) -> Token | None:
        now, login = self._clock.now(), self._login.fingerprint
        is_dead = token is not None and dead is not None and hmac.compare_digest(token.value.encode(), dead.encode())
        return token if token and not is_dead and token.is_good(now, login) else None

    async def _fetch_in_turn(self, dead: str | None) -> Token:
        await self._require_not_refused()
        async with self._cache.turn():
            # Whoever had the turn before us has fetched it, or has been refused.
            if good := self._good(await self._cache.read(), dead):
                return good
            await self._require_not_refused()
            fresh = await self._request()
            await self._cache.write(fresh)
            return fresh

    async def _require_not_refused(self) -> None:
        left = await self._cache.refused(self._login.fingerprint)
        if left > 0:
            self._wiring.on_left_alone(AUTH_UPSTREAM)
            raise AuthenticationRefused(AUTH_UPSTREAM, retry_after=left)

    async def _request(self) -> Token:
        asked_at = self._clock.now()
        timestamp = asked_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        answer = await self._http.send("POST", "", body=self._login.request(str(uuid.uuid4()), timestamp))
        answer.raise_for_trouble()
        if answer.status in CREDENTIALS:
            await self._cache.refuse(self._login.fingerprint, REFUSED_SECONDS)
            self._wiring.on_refused(AUTH_UPSTREAM)
            raise AuthenticationRefused(AUTH_UPSTREAM, retry_after=REFUSED_SECONDS)
        return self._parsed(answer, asked_at)

    def _parsed(self, answer: Answer, asked_at: datetime) -> Token:
        told = _told(answer)
        value = clamps.header_text(told.get("access_token"))
        if not value:
            raise answer.unavailable("no token")
        self._issued += 1
        lifetime = _lifetime(told.get("expires_in"))
        return Token(value, asked_at + timedelta(seconds=lifetime), self._login.fingerprint)


def _told(answer: Answer) -> dict[str, Any]:
    """What a success says; nothing where it is anything else."""
    try:
        told = answer.json() if 200 <= answer.status < 300 else None
    except RemoteUnavailable:
        return {}
    return told if isinstance(told, dict) else {}


def _is_trouble(answer: Answer) -> bool:
    if answer.status in CREDENTIALS:
        return answer.is_trouble
    return not clamps.header_text(_told(answer).get("access_token"))


def _lifetime(told: object) -> float:
    """Seconds that we use it for: five minutes less than given, or half of a life that is too short for that."""
    given = clamps.seconds(told, default=DEFAULT_LIFETIME, least=SHORTEST_LIFETIME, most=LONGEST_LIFETIME)
    return max(given - EARLY.total_seconds(), given / 2)
