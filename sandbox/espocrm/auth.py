"""Who is asking: API key, HMAC, password or token; and the gate against guessing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from sandbox.espocrm.users import User
from sandbox.espocrm.world import World

UNAUTHORIZED = 401
FORBIDDEN = 403


class LoginFailed(Exception):
    """An empty answer of type text/html: 401, or 403 once there were too many failures. `ask` adds WWW-Authenticate."""

    def __init__(self, status: int, *, ask: bool = False) -> None:
        super().__init__(status)
        self.status = status
        self.ask = ask


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return b""


def hmac_header(api_key: str, secret: str, method: str, path: str, *, raw: bool = False) -> str:
    """X-Hmac-Authorization of a client; `path` is what follows /api/v1, without query."""
    digest = hmac.new(secret.encode(), f"{method} {path}".encode(), hashlib.sha256)
    tail = digest.digest() if raw else digest.hexdigest().encode()
    return base64.b64encode(api_key.encode() + b":" + tail).decode()


class Authenticator:
    """Finds the user of a request, or refuses."""

    def __init__(self, world: World) -> None:
        self.world = world

    def login(self, headers: Mapping[str, str], method: str, path: str, peer: str) -> User:
        """The user; raises LoginFailed. `path` is what follows /api/v1, without query."""
        if self._blocked(peer):
            raise LoginFailed(FORBIDDEN)
        found = self._find(headers, method, path)
        if found is None:
            is_xhr = headers.get("X-Requested-With", "").lower() == "xmlhttprequest"
            raise LoginFailed(UNAUTHORIZED, ask=method == "GET" and not is_xhr)
        if isinstance(found, User) and found.is_active:
            return found
        self.world.users.failures.setdefault(peer, []).append(self.world.clock.monotonic())
        raise LoginFailed(UNAUTHORIZED)

    def _blocked(self, peer: str) -> bool:
        since = self.world.clock.monotonic() - self.world.settings.failed_logins_period
        recent = [each for each in self.world.users.failures.get(peer, []) if each > since]
        self.world.users.failures[peer] = recent
        return len(recent) > self.world.settings.max_failed_logins

    def _find(self, headers: Mapping[str, str], method: str, path: str) -> User | bool | None:
        """The user, False for credentials that are no good, None for none at all."""
        if espo := headers.get("Espo-Authorization"):
            by_token = headers.get("Espo-Authorization-By-Token") == "true"
            return self._by_password(_decode(espo), only_token=by_token) or False
        if key := headers.get("X-Api-Key"):
            user = self.world.users.with_key(key)
            return user if user is not None and user.auth_method == "ApiKey" else False
        if signed := headers.get("X-Hmac-Authorization"):
            return self._by_hmac(signed, method, path) or False
        authorization = headers.get("Authorization", "")
        if authorization.lower().startswith("basic "):
            return self._by_password(_decode(authorization[6:]), only_token=False) or False
        return None

    def _by_password(self, decoded: bytes, *, only_token: bool) -> User | None:
        name, _, secret = decoded.decode("utf-8", "replace").partition(":")
        user = self.world.users.named(name)
        if user is None or user.is_api or not secret:
            return None
        if self.world.users.tokens.get(secret) == user.id:
            return user
        return user if not only_token and user.password == secret else None

    def _by_hmac(self, header: str, method: str, path: str) -> User | None:
        key, _, digest = _decode(header).partition(b":")
        user = self.world.users.with_key(key.decode("utf-8", "replace"))
        if user is None or user.auth_method != "Hmac" or not user.secret_key:
            return None
        expected = hmac.new(user.secret_key.encode(), f"{method} {path}".encode(), hashlib.sha256)
        candidates = (expected.hexdigest().encode(), expected.digest())
        return user if any(hmac.compare_digest(digest, each) for each in candidates) else None
