"""EspoCRM's REST API: authentication, answers read as they are meant, and one entity of it as a RemoteStore.

Measured behaviour: 401 and most errors have an empty body, the reason is in X-Status-Reason, a 500 is not always
transient, and after ten refused logins in a minute the whole address gets an empty 403, whatever its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from synckit.adapters.http_client import Answer, HttpClient, HttpLimits, Latch, OnCall
from synckit.errors import RemoteRejected, RemoteUnavailable
from synckit.ports import Payload, Snapshot

UPSTREAM = "espocrm"
API = "/api/v1"
LARGEST_PAGE = 200
LOCKED_OUT_SECONDS = 60.0
REFUSED_SECONDS = 120.0
_GONE = re.compile(r"Record \S+ does not exist\.?\Z")
_VALIDATION = re.compile(r"field: (?P<field>\w{1,100}), type: (?P<type>\w{1,50})")
_WORDED = re.compile(r"(No (read|edit|create|delete) access|Not permitted to post to anybody except self)\.?\Z")
_LABEL = re.compile(r"\w{1,60}\Z")


@dataclass(frozen=True, slots=True)
class EspoAuth:
    """API key, or key and secret of a user with HMAC authentication."""

    api_key: str = field(repr=False)
    hmac_secret: str | None = field(default=None, repr=False)

    def headers(self, method: str, path: str) -> dict[str, str]:
        """`path` is what follows /api/v1, with its slash and without the query: that is what is signed."""
        if not self.hmac_secret:
            return {"X-Api-Key": self.api_key}
        digest = hmac.new(self.hmac_secret.encode(), f"{method} {path}".encode(), hashlib.sha256).hexdigest()
        return {"X-Hmac-Authorization": base64.b64encode(f"{self.api_key}:{digest}".encode()).decode()}


class EspoClient:
    """One EspoCRM. `on_refused` is told when our key is refused; then nothing is sent for two minutes."""

    def __init__(
        self,
        base_url: str,
        auth: EspoAuth,
        *,
        session: aiohttp.ClientSession | None = None,
        limits: HttpLimits | None = None,
        on_call: OnCall | None = None,
        on_refused: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = HttpClient(UPSTREAM, base_url, session=session, limits=limits, on_call=on_call)
        self._auth = auth
        self._latch = Latch(UPSTREAM, monotonic, cool_down=REFUSED_SECONDS, on_refused=on_refused)

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The parsed answer of a success, None for an empty one. `path` without /api/v1. Raises the taxonomy only."""
        self._latch.check()
        answer = await self._http.send(
            method,
            API + path,
            headers={**self._auth.headers(method, path), "Accept": "application/json", **(headers or {})},
            params=params,
            body=body,
        )
        answer.raise_for_trouble()
        if answer.status == 401:
            raise self._latch.shut()
        if answer.status >= 400:
            raise _refusal(answer)
        return answer.json()

    async def rows(self, entity_type: str, search: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One page of a list, `search` in the form of searchParams. RemoteUnavailable where it is no list."""
        found = await self.call("GET", f"/{entity_type}", params={"searchParams": json.dumps(search)})
        rows = found.get("list") if isinstance(found, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("id") for row in rows):
            raise RemoteUnavailable(UPSTREAM, "a list without a list")
        return rows

    async def close(self) -> None:
        await self._http.close()


class EspoStore:
    """One entity of EspoCRM as a `ports.RemoteStore`, and its lists for the ticker."""

    def __init__(self, client: EspoClient, entity_type: str) -> None:
        self._client = client
        self._entity_type = entity_type

    async def read(self, record_id: str) -> Snapshot | None:
        """None only where EspoCRM itself says that this record does not exist."""
        try:
            payload = await self._client.call("GET", self._path(record_id))
        except RecordGone:
            return None
        found = self._snapshot(payload, record_id)
        return None if found.payload.get("deleted") is True else found

    async def create(self, payload: Payload) -> Snapshot:
        """The answer holds only what was set."""
        headers = {"X-Skip-Duplicate-Check": "true"}
        answer = await self._client.call("POST", f"/{self._entity_type}", body=dict(payload), headers=headers)
        return self._snapshot(answer, None, written=True)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        """A partial patch; the answer is the whole record."""
        answer = await self._client.call("PUT", self._path(record_id), body=dict(payload))
        return self._snapshot(answer, record_id, written=True)

    async def delete(self, record_id: str) -> None:
        try:
            await self._client.call("DELETE", self._path(record_id))
        except RecordGone:
            return

    async def select(
        self, where: Sequence[Mapping[str, Any]], attributes: Sequence[str] = (), *, limit: int = 10_000
    ) -> AsyncIterator[dict[str, Any]]:
        """Rows of a list, by creation, all pages up to `limit`. Rows never hold e-mail or phone data."""
        offset = 0
        while offset < limit:
            size = min(LARGEST_PAGE, limit - offset)
            search = {"where": list(where), "orderBy": "createdAt", "order": "asc", "offset": offset, "maxSize": size}
            rows = await self._client.rows(self._entity_type, search | _select(attributes))
            for row in rows:
                yield row
            if len(rows) < size:
                return
            offset += size

    async def changed_since(
        self, since: datetime, attributes: Sequence[str] = ()
    ) -> AsyncIterator[tuple[str, datetime, dict[str, Any]]]:
        """(id, changed at, row), oldest change first.

        Pages by time and not by offset: a record that is changed meanwhile moves to the end, and behind an offset the
        ones after it would move up past us. Only within one second (a mass update) an offset is used.
        """
        second, offset, seen = espo_time(since), 0, set[str]()
        while True:
            rows = await self._client.rows(self._entity_type, _changes(second, offset) | _select(attributes))
            for row in rows:
                if row["id"] not in seen:
                    changed_at = parse_time(row.get("modifiedAt"))
                    if changed_at is None:
                        raise RemoteUnavailable(UPSTREAM, "a row without modifiedAt")
                    seen.add(row["id"])
                    yield str(row["id"]), changed_at, row
            if len(rows) < LARGEST_PAGE:
                return
            last = str(rows[-1]["modifiedAt"])
            second, offset = (last, 0) if last > second else (second, offset + LARGEST_PAGE)
            seen = {row["id"] for row in rows if row["modifiedAt"] == last} if offset == 0 else seen

    def _path(self, record_id: str) -> str:
        return f"/{self._entity_type}/{record_id}"

    def _snapshot(self, payload: Any, record_id: str | None, *, written: bool = False) -> Snapshot:
        """RemoteUnavailable where the answer is not the record that was asked for: never to be read as "empty"."""
        if not isinstance(payload, dict) or not payload.get("id") or record_id not in (None, payload["id"]):
            raise RemoteUnavailable(UPSTREAM, "an answer that is not the record", maybe_applied=written)
        version = payload.get("versionNumber")
        return Snapshot(
            id=str(payload["id"]),
            payload=payload,
            version=None if version is None else str(version),
            changed_at=parse_time(payload.get("modifiedAt")),
        )


class RecordGone(RemoteRejected):
    """404, said by EspoCRM itself about the record, not about a path or by a proxy."""


def espo_time(at: datetime) -> str:
    """EspoCRM's datetime: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def parse_time(value: object) -> datetime | None:
    """EspoCRM's datetime → aware. None where it is none."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC) if value else None
    except ValueError:
        return None


def _changes(second: str, offset: int) -> dict[str, Any]:
    where = [{"type": "greaterThanOrEquals", "attribute": "modifiedAt", "value": second}]
    return {"where": where, "orderBy": "modifiedAt", "order": "asc", "offset": offset, "maxSize": LARGEST_PAGE}


def _select(attributes: Sequence[str]) -> dict[str, Any]:
    return {"select": list(dict.fromkeys(("id", "modifiedAt", *attributes)))} if attributes else {}


def _refusal(answer: Answer) -> Exception:
    """A 4xx in our words: field and rule, never the server's text, which may quote a value."""
    said = answer.headers.get("X-Status-Reason", "")
    if answer.status == 404:
        if _GONE.match(said):
            return RecordGone(UPSTREAM, 404, "the record does not exist")
        return answer.unavailable("not said of the record: a wrong address, or a proxy")
    if answer.status == 403 and not said and not answer.body:
        return answer.unavailable("our address seems to be locked out", retry_after=LOCKED_OUT_SECONDS)
    if found := _VALIDATION.search(said):
        return RemoteRejected(UPSTREAM, answer.status, found["type"], field=found["field"])
    reason, name = _translation(answer)
    if not reason and _WORDED.match(said):
        reason = said.rstrip(".")
    return RemoteRejected(UPSTREAM, answer.status, reason or "rejected", field=name)


def _translation(answer: Answer) -> tuple[str, str | None]:
    """Label and field of a messageTranslation; a list is what a duplicate check found."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "", None
    if isinstance(body, list):
        return "duplicate", None
    told = body.get("messageTranslation") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        return "modified" if answer.status == 409 else "", None
    details = told.get("data") if isinstance(told.get("data"), dict) else {}
    words = [str(each) for each in (told.get("label"), details.get("type")) if each and _LABEL.match(str(each))]
    name = str(details.get("field") or "")
    return " ".join(words), name if _LABEL.match(name) else None
