"""Who sent a recorded request: credentials are redacted there, so the role is told by header, outcome and author."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sandbox.espocrm import settings as known
from sandbox.espocrm.auth import hmac_header
from sandbox.replay_recording import Exchange, rows_of

UNAUTHORIZED = 401
AUTH_HEADERS = ("espo-authorization", "x-api-key", "x-hmac-authorization", "authorization")


@dataclass
class Actor:
    """A login of the sandbox that plays a recorded user."""

    login: str
    password: str | None = None
    api_key: str | None = None


API = Actor(known.API_USER_NAME, api_key=known.API_KEY)
OFFICE = Actor(known.OFFICE_USER_NAME, known.OFFICE_PASSWORD)
ADMIN = Actor(known.ADMIN_USER_NAME, known.ADMIN_PASSWORD)


def header_of(exchange: Exchange) -> str | None:
    """The header that carries the credentials."""
    return next((name for name in AUTH_HEADERS if name in exchange.headers), None)


def _author(exchange: Exchange) -> tuple[str, str | None] | None:
    """Id and name of whoever made a successful write, if its answer tells."""
    rows = rows_of(exchange)
    if not exchange.is_ok or not rows or exchange.method not in ("POST", "PUT", "PATCH"):
        return None
    kind = "createdBy" if exchange.method == "POST" else "modifiedBy"
    found = rows[0].get(f"{kind}Id")
    return (str(found), rows[0].get(f"{kind}Name")) if found else None


def _needs_admin(exchange: Exchange) -> bool:
    """True for what only an admin gets."""
    if "admin" in exchange.name.lower() and "non_admin" not in exchange.name.lower():
        return True
    if not exchange.is_ok:
        return False
    if exchange.method == "POST" and exchange.segments in (["Notification"], ["MassAction"]):
        return True
    row = exchange.answer
    return isinstance(row, dict) and row.get("deleted") is True and exchange.method == "GET"


class Cast:
    """Recorded users and the logins that play them."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.by_id: dict[str, Actor] = {}
        self.patches: dict[str, dict[str, Any]] = {}
        seen: dict[str, list[Exchange]] = {}
        names: dict[str, str] = {}
        for exchange in exchanges:
            author = _author(exchange) if header_of(exchange) else None
            if author is not None:
                seen.setdefault(author[0], []).append(exchange)
                names[author[0]] = author[1] or names.get(author[0], author[0])
        for user_id in sorted(seen, key=lambda each: -len(seen[each])):
            self._assign(user_id, names[user_id], seen[user_id])
        for exchange in exchanges:
            self._take_owner_of_webhooks(exchange)
        for user_id, name in _named_users(exchanges).items():
            self._take_by_name(user_id, name)

    def _take_owner_of_webhooks(self, exchange: Exchange) -> None:
        """An API user sees no webhooks but its own."""
        if exchange.segments != ["Webhook"] or header_of(exchange) != "x-api-key":
            return
        for row in rows_of(exchange):
            if row.get("createdById") and not any(actor is API for actor in self.by_id.values()):
                self._take(str(row["createdById"]), str(row.get("createdByName")), API)

    def _take_by_name(self, user_id: str, name: str) -> None:
        """A user that wrote nothing here, but is called as one of the sandbox's is."""
        for actor, known_names in ((API, (API.login,)), (OFFICE, ("Anna Anwältin",)), (ADMIN, ("Admin",))):
            if (
                name in known_names
                and user_id not in self.by_id
                and all(each is not actor for each in self.by_id.values())
            ):
                self._take(user_id, name, actor)

    def _take(self, user_id: str, name: str, actor: Actor) -> None:
        self.by_id[user_id] = actor
        self.patches[actor.login] = {"id": user_id, "name": name}

    def id_of(self, actor: Actor) -> str:
        """The id under which an actor's user is in the sandbox."""
        defaults = {API.login: known.API_USER_ID, OFFICE.login: known.OFFICE_USER_ID, ADMIN.login: known.ADMIN_USER_ID}
        return next((each for each, one in self.by_id.items() if one is actor), defaults.get(actor.login, ""))

    def _assign(self, user_id: str, name: str, exchanges: list[Exchange]) -> None:
        headers = Counter(header_of(each) for each in exchanges)
        kind = "api" if headers.most_common(1)[0][0] in ("x-api-key", "x-hmac-authorization") else "regular"
        if kind == "regular" and any(_needs_admin(each) for each in exchanges):
            kind = "admin"
        first = {"api": API, "regular": OFFICE, "admin": ADMIN}[kind]
        taken = any(actor is first for actor in self.by_id.values())
        actor = first if not taken else _another(kind, len(self.by_id))
        self.by_id[user_id] = actor
        self.patches[actor.login] = {"id": user_id, "name": name}
        if taken:
            keys = {"password": actor.password, "api_key": actor.api_key}
            method = "ApiKey" if kind == "api" else "Espo"
            self.patches[actor.login] |= {"kind": kind, "auth_method": method, **keys}

    def actor_of(self, exchange: Exchange) -> Actor:
        """Who sends this request."""
        author = _author(exchange)
        if author is not None and author[0] in self.by_id:
            return self.by_id[author[0]]
        if header_of(exchange) in ("x-api-key", "x-hmac-authorization"):
            return API
        return ADMIN if _needs_admin(exchange) else OFFICE

    def headers(self, exchange: Exchange) -> dict[str, str]:
        """The recorded headers with the sandbox's credentials in them."""
        sent = {name: value for name, value in exchange.headers.items() if name not in AUTH_HEADERS}
        for name in AUTH_HEADERS:
            if name in exchange.headers:
                sent[name] = self._credential(name, exchange)
        return sent

    def _credential(self, header: str, exchange: Exchange) -> str:
        if exchange.status == UNAUTHORIZED:
            return _bad_credential(header, exchange)
        actor = self.actor_of(exchange)
        if header == "x-api-key":
            return actor.api_key or known.API_KEY
        if header == "x-hmac-authorization":
            raw = any(word in exchange.name.lower() for word in ("raw", "legacy"))
            return hmac_header(known.HMAC_API_KEY, known.HMAC_SECRET_KEY, exchange.method, exchange.route, raw=raw)
        encoded = base64.b64encode(f"{actor.login}:{actor.password}".encode()).decode()
        return f"Basic {encoded}" if header == "authorization" else encoded


def _named_users(exchanges: list[Exchange]) -> dict[str, str]:
    """Users by the names that records give them."""
    found: dict[str, str] = {}
    for exchange in exchanges:
        for row in rows_of(exchange):
            for link in ("createdBy", "modifiedBy", "assignedUser", "user"):
                if row.get(f"{link}Id") and row.get(f"{link}Name"):
                    found[str(row[f"{link}Id"])] = str(row[f"{link}Name"])
    return found


def _another(kind: str, number: int) -> Actor:
    login = f"replay_{kind}_{number}"
    return Actor(login, None, f"replay-key-{number}") if kind == "api" else Actor(login, f"replay-{number}")


def _bad_credential(header: str, exchange: Exchange) -> str:
    """Credentials that are refused, of the kind that the exchange's name tells; else simply wrong ones."""
    name = exchange.name.lower()
    if header == "x-api-key":
        hints = {"hmac": known.HMAC_API_KEY, "inactive": known.INACTIVE_API_KEY}
        return next((key for hint, key in hints.items() if hint in name), "0" * 32)
    if header == "x-hmac-authorization":
        if "garbage" in name:
            return "garbage"
        target = exchange.route + (f"?{exchange.query}" if "query" in name else "")
        secret = known.HMAC_SECRET_KEY if "query" in name else "wrong"
        return hmac_header(known.HMAC_API_KEY, secret, exchange.method, target)
    pair = f"{known.API_USER_NAME}:{known.API_KEY}" if "api" in name else f"{known.OFFICE_USER_NAME}:wrong"
    encoded = base64.b64encode(pair.encode()).decode()
    return f"Basic {encoded}" if header == "authorization" else encoded
