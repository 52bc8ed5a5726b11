"""EspoCRM's REST API: authentication, answers read as they are meant, and one entity of it as a RemoteStore.

Measured behaviour: 401 and most errors have an empty body, the reason is in X-Status-Reason, a 500 is not always
transient, and after ten refused logins in a minute the whole address gets an empty 403, whatever its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from synckit.adapters.espocrm_answers import UPSTREAM, RecordGone, parse_time, refusal
from synckit.adapters.http_client import HttpClient, Latch, Wiring
from synckit.errors import RemoteUnavailable
from synckit.mapping.codecs import espo_time
from synckit.ports import Payload, Snapshot

API = "/api/v1"
LARGEST_PAGE = 200
REFUSED_SECONDS = 120.0


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
    """One EspoCRM. Where our key is refused nothing is sent for two minutes."""

    def __init__(self, base_url: str, auth: EspoAuth, wiring: Wiring | None = None) -> None:
        wiring = wiring or Wiring()
        self._http = HttpClient(UPSTREAM, base_url, wiring)
        self._auth = auth
        self._latch = Latch(UPSTREAM, wiring, cool_down=REFUSED_SECONDS)

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
            raise refusal(answer)
        return answer.json()

    async def rows(self, entity_type: str, search: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One page of a list, `search` in the form of searchParams. RemoteUnavailable where it is no list."""
        found = await self.call("GET", f"/{entity_type}", params={"searchParams": json.dumps(search)})
        rows = found.get("list") if isinstance(found, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("id") for row in rows):
            raise RemoteUnavailable(UPSTREAM, "a list without a list")
        return rows

    def may_call(self) -> bool:
        """False while EspoCRM is in trouble, but for a probe."""
        return self._http.circuit.may_try()

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

    async def find(self, equal: Mapping[str, str | int]) -> Sequence[str]:
        """Ids of records whose attributes equal these. Implements `ports.FindableStore`."""
        where = [{"type": "equals", "attribute": name, "value": value} for name, value in equal.items()]
        return [str(row["id"]) async for row in self.select(where, ["id"], limit=LARGEST_PAGE)]

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
            changed_by=payload.get("modifiedById"),
        )


def _changes(second: str, offset: int) -> dict[str, Any]:
    where = [{"type": "greaterThanOrEquals", "attribute": "modifiedAt", "value": second}]
    return {"where": where, "orderBy": "modifiedAt", "order": "asc", "offset": offset, "maxSize": LARGEST_PAGE}


def _select(attributes: Sequence[str]) -> dict[str, Any]:
    return {"select": list(dict.fromkeys(("id", "modifiedAt", *attributes)))} if attributes else {}
