"""The token service: an assertion that the service account has signed becomes a token that acts for one account."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from aiohttp import web

from sandbox.google import scopes
from sandbox.google.accounts import Accounts
from sandbox.google.service_account import CLIENT_EMAIL, ServiceAccount

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = frozenset(
    {
        "https://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "https://www.googleapis.com/oauth2/v4/token",
    }
)
LIFETIME = timedelta(seconds=3600)
LEEWAY = timedelta(minutes=5)
FRAME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)
NOT_GRANTED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the "
    "scopes requested."
)


@dataclass(frozen=True)
class Actor:
    """Who calls: an account, with which scopes (None: a person on Google's own page, who may do all), for which app."""

    email: str
    scopes: frozenset[str] | None
    app: str | None = None


class OAuthError(Exception):
    """A refusal in the form of RFC 6749."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": code, "error_description": description}


@dataclass
class _Token:
    actor: Actor
    until: datetime


class TokenService:
    """Tokens live an hour, or until they are killed. `granted`: the scopes of the domain-wide delegation."""

    def __init__(self, key: ServiceAccount, accounts: Accounts, clock: Callable[[], datetime]) -> None:
        self._key = key
        self._accounts = accounts
        self._clock = clock
        self._alive: dict[str, _Token] = {}
        self.granted: frozenset[str] = scopes.KNOWN
        self.issued = 0
        self.denied = 0

    def add_to(self, app: web.Application) -> None:
        """Mount the route."""
        app.router.add_post("/token", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        try:
            if form.get("grant_type") != GRANT:
                raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
            token = self.issue(str(form.get("assertion", "")))
        except OAuthError as error:
            self.denied += 1
            return web.json_response(error.body, status=error.status)
        return web.json_response(
            {"access_token": token, "expires_in": int(LIFETIME.total_seconds()) - 1, "token_type": "Bearer"}
        )

    def issue(self, assertion: str) -> str:
        """A new token for the account in `sub`; OAuthError where Google would say no."""
        claims = self._claims(assertion)
        wanted = scopes.short(str(claims.get("scope", "")))
        if not wanted or not wanted <= scopes.KNOWN:
            raise OAuthError(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        subject = str(claims.get("sub") or CLIENT_EMAIL).lower()
        if subject != CLIENT_EMAIL:
            self._check_delegation(wanted, subject)
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self._alive[token] = _Token(Actor(subject, wanted, CLIENT_EMAIL), self._clock() + LIFETIME)
        self.issued += 1
        return token

    def _claims(self, assertion: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(assertion)
            claims: dict[str, Any] = jwt.decode(
                assertion,
                self._key.public_key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError:
            raise OAuthError(400, "invalid_grant", "Invalid JWT Signature.") from None
        if header.get("kid") not in (None, self._key.key_id):
            raise OAuthError(400, "invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != CLIENT_EMAIL:
            raise OAuthError(400, "invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in AUDIENCES:
            raise OAuthError(400, "invalid_grant", "Invalid JWT: Failed audience check.")
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, slack = self._clock().timestamp(), LEEWAY.total_seconds()
        try:
            begun, ends = float(claims["iat"]), float(claims["exp"])
        except (KeyError, TypeError, ValueError):
            raise OAuthError(400, "invalid_grant", FRAME) from None
        if not 0 < ends - begun <= LIFETIME.total_seconds() or begun > now + slack or ends < now - slack:
            raise OAuthError(400, "invalid_grant", FRAME)

    def _check_delegation(self, wanted: frozenset[str], subject: str) -> None:
        if not wanted & self.granted:
            raise OAuthError(401, "unauthorized_client", NOT_GRANTED)
        if not wanted <= self.granted:
            raise OAuthError(403, "access_denied", "Requested client not authorized.")
        if not self._accounts.in_domain(subject):
            raise OAuthError(400, "invalid_grant", "Invalid email or User ID")

    def actor(self, token: str) -> Actor | None:
        """Who a token is for; None once it is over."""
        known = self._alive.get(token)
        if known is None or self._clock() >= known.until:
            return None
        return known.actor

    def kill(self) -> int:
        """All tokens die."""
        number = len(self._alive)
        self._alive.clear()
        return number

    def counts(self) -> dict[str, int]:
        """`issued`, `denied`, `alive`."""
        return {"issued": self.issued, "denied": self.denied, "alive": len(self._alive)}
