"""The token service: checks signature, nonce, clock and password, and gives out tokens that die."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.advoware.credentials import Credentials
from sandbox.advoware.refusal import RefusedError

CLOCK_TOLERANCE = timedelta(minutes=5)
DEFAULT_LIFETIME = 3600
FIELDS = ("AppID", "Kanzlei", "Database", "User", "Role", "Product", "Password", "Nonce", "HMAC512Signature")


def signature(credentials: Credentials, nonce: str, timestamp: str) -> str:
    """HMAC-SHA512, in Base64, of `{product_id}:{app_id}:{nonce}:{timestamp}` under the decoded key."""
    text = f"{credentials.product_id}:{credentials.app_id}:{nonce}:{timestamp}"
    digest = hmac.new(base64.b64decode(credentials.api_key), text.encode(), hashlib.sha512).digest()
    return base64.b64encode(digest).decode("ascii")


def _denied(reason: str) -> RefusedError:
    return RefusedError(401, reason)


class TokenService:
    """Gives tokens, knows which are alive, and can let all of them die early."""

    def __init__(self, credentials: Credentials, clock: Callable[[], datetime]) -> None:
        self._credentials = credentials
        self._clock = clock
        self._alive: dict[str, datetime] = {}
        self._nonces: dict[str, datetime] = {}
        self.issued = 0
        self.denied = 0

    def issue(self, given: Mapping[str, Any], lifetime: int | None) -> str:
        """A new token; raises a 400 for a missing field and a 401 for anything that is wrong."""
        try:
            self._check(given)
        except RefusedError:
            self.denied += 1
            raise
        now = self._clock()
        self._alive = {token: until for token, until in self._alive.items() if until > now}
        token = secrets.token_urlsafe(32)
        self._alive[token] = now + timedelta(seconds=DEFAULT_LIFETIME if lifetime is None else lifetime)
        self.issued += 1
        return token

    def is_alive(self, token: str) -> bool:
        """True for a token that was given out and has not died."""
        until = self._alive.get(token)
        return until is not None and self._clock() < until

    def kill_all(self) -> int:
        """All tokens die at once; answers how many."""
        count = len(self._alive)
        self._alive.clear()
        return count

    @property
    def alive(self) -> int:
        """How many tokens could be used now."""
        return sum(self.is_alive(token) for token in self._alive)

    def _check(self, given: Mapping[str, Any]) -> None:
        missing = [name for name in (*FIELDS, "RequestTimeStamp") if given.get(name) in (None, "")]
        if missing:
            raise RefusedError(400, "Angaben fehlen.", {name: ["Pflichtfeld."] for name in missing})
        known = self._credentials
        nonce, timestamp = str(given["Nonce"]), str(given["RequestTimeStamp"])
        expected = signature(known, nonce, timestamp)
        if not hmac.compare_digest(expected.encode(), str(given["HMAC512Signature"]).encode()):
            raise _denied("Die Signatur ist falsch.")
        self._check_clock(timestamp)
        self._check_nonce(nonce)
        wanted = {
            "AppID": known.app_id,
            "Kanzlei": known.kanzlei,
            "Database": known.database,
            "User": known.user,
            "Role": known.role,
            "Product": known.product_id,
            "Password": known.password,
        }
        if any(str(given[name]) != value for name, value in wanted.items()):
            raise _denied("Die Anmeldung ist fehlgeschlagen.")

    def _check_clock(self, timestamp: str) -> None:
        try:
            sent = datetime.fromisoformat(timestamp)
        except ValueError as error:
            raise _denied("Der Zeitstempel ist ungültig.") from error
        if not timestamp.endswith("Z"):
            raise _denied("Der Zeitstempel ist nicht in UTC.")
        if abs(self._clock() - sent.astimezone(UTC)) > CLOCK_TOLERANCE:
            raise _denied("Der Zeitstempel weicht mehr als fünf Minuten ab.")

    def _check_nonce(self, nonce: str) -> None:
        try:
            version = uuid.UUID(nonce).version
        except ValueError as error:
            raise _denied("Die Nonce ist keine UUID.") from error
        if version != 4:
            raise _denied("Die Nonce ist keine UUID der Version 4.")
        now = self._clock()
        self._nonces = {used: at for used, at in self._nonces.items() if now - at <= 2 * CLOCK_TOLERANCE}
        if nonce.lower() in self._nonces:
            raise _denied("Die Nonce wurde schon verwendet.")
        self._nonces[nonce.lower()] = now
