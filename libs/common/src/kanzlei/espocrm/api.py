"""HTTP to EspoCRM for installing and checking: as an administrator (name and password) or as our API user.

Other than the sync's client it shows EspoCRM's own reason for a refusal: these calls carry no client data.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from kanzlei.espocrm.answers import LOCKED_OUT_SECONDS, UPSTREAM, is_locked_out
from kanzlei.espocrm.client import API
from synckit.errors import AuthenticationRefused, RemoteRejected, RemoteUnavailable
from synckit.http.answer import Answer
from synckit.http.client import HttpClient
from synckit.http.wiring import HttpLimits, Wiring

LIMITS = HttpLimits(total=180.0, read=170.0, whole=180.0, concurrency=1)
"""Seconds. A new entity makes EspoCRM rebuild its tables, which takes its time on a small machine."""
MOST_SAID = 200
SignRequest = Callable[[str, str], Mapping[str, str]]
"""(method, path below /api/v1) → the headers that say who asks."""


class Refused(RemoteRejected):
    """A 4xx, or a 500 with words, with EspoCRM's own reason."""


def admin_login(name: str, password: str) -> SignRequest:
    """Basic authentication of a person."""
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return lambda _method, _path: {"Authorization": f"Basic {encoded}"}


class Api:
    """One EspoCRM. `skew` is how many seconds its clock is ahead of ours, by the quickest answer so far."""

    def __init__(self, base_url: str, sign: SignRequest, wiring: Wiring | None = None) -> None:
        self._http = HttpClient(UPSTREAM, base_url, wiring or Wiring(limits=LIMITS, agent="kanzlei-install"))
        self._sign = sign
        self.skew: float | None = None

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """The parsed answer. Refused for a 4xx, AuthenticationRefused for a 401, RemoteUnavailable for trouble."""
        headers = {**self._sign(method, path), "Accept": "application/json"}
        answer = await self._http.send(method, API + path, headers=headers, params=params, body=body)
        self._measure(clock_skew(answer, datetime.now(UTC)))
        if answer.status == 401:
            raise AuthenticationRefused(UPSTREAM, retry_after=LOCKED_OUT_SECONDS)
        if answer.status == 500 and (said := _said(answer)):
            # The managers of entities and fields refuse so what they don't like; trouble has no words.
            raise Refused(UPSTREAM, answer.status, said)
        answer.raise_for_trouble()
        if is_locked_out(answer):
            raise RemoteUnavailable(UPSTREAM, "our address is locked out for a minute after too many wrong logins")
        if answer.status >= 400:
            raise Refused(UPSTREAM, answer.status, _said(answer) or "rejected")
        return answer.json()

    def _measure(self, skew: float | None) -> None:
        """An answer that takes its time makes the clock seem behind, never ahead: the largest is the truest."""
        if skew is not None:
            self.skew = skew if self.skew is None else max(self.skew, skew)

    async def read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """A GET; None where EspoCRM has no such thing or does not show it."""
        try:
            return await self.call("GET", path, params=params)
        except Refused as error:
            if error.status in (403, 404):
                return None
            raise

    async def first(self, entity_type: str, attribute: str, value: str) -> Mapping[str, Any] | None:
        """The whole record whose attribute has that value, None where there is none."""
        where = [{"type": "equals", "attribute": attribute, "value": value}]
        search = json.dumps({"where": where, "maxSize": 1, "offset": 0, "select": ["id", attribute]})
        found = await self.call("GET", f"/{entity_type}", params={"searchParams": search})
        rows = found.get("list") if isinstance(found, dict) else None
        if not isinstance(rows, list):
            raise RemoteUnavailable(UPSTREAM, "a list without a list")
        return await self.call("GET", f"/{entity_type}/{rows[0]['id']}") if rows else None

    async def close(self) -> None:
        await self._http.close()


def clock_skew(answer: Answer, now: datetime) -> float | None:
    """Seconds that the remote's `Date` is ahead of `now`; None where it has none. Exact to about a second."""
    try:
        at = parsedate_to_datetime(answer.headers.get("Date") or "")
        return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None


def _said(answer: Answer) -> str:
    """EspoCRM's reason: the header, else the label of the body. Printable and short."""
    told = answer.headers.get("X-Status-Reason", "")
    if not told:
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            body = None
        translated = body.get("messageTranslation") if isinstance(body, dict) else None
        told = str(translated.get("label") or "") if isinstance(translated, dict) else ""
    return "".join(each if each.isprintable() else " " for each in told)[:MOST_SAID].strip()
