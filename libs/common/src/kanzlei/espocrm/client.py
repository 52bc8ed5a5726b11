"""EspoCRM's REST API: authentication, answers read as they are meant, and one entity of it as a RemoteStore.

Measured behaviour: 401 and most errors have an empty body, the reason is in X-Status-Reason, a 500 is not always
transient, and after ten refused logins in a minute the whole address gets an empty 403, whatever its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from kanzlei.espocrm.answers import (
    LOCKED_OUT_SECONDS,
    UPSTREAM,
    PageTooLarge,
    RecordGone,
    is_locked_out,
    parse_time,
    refusal,
)
from recordsync.mapping.codecs import espo_time
from synckit import clamps
from synckit.errors import RemoteRejected, RemoteUnavailable, StaleVersion
from synckit.events import ENTITY_ID
from synckit.http.answer import Answer
from synckit.http.client import HttpClient
from synckit.http.latch import Latch
from synckit.http.streamed import StreamedAnswer
from synckit.http.wiring import Wiring
from synckit.ports import Payload, Snapshot

API = "/api/v1"
LARGEST_PAGE = 200
REFUSED_SECONDS = 120.0
MODIFIED = "modifiedAt"
MOST_BARREN = 20
"""Pages in a row that hold nothing new or nothing that can be read: behind them nothing is looked for."""


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


@dataclass(frozen=True, slots=True)
class EspoPage:
    """Rows that are some, and what the page says of the rest. `skipped`: rows that can't be read, in `rows` no more."""

    rows: Sequence[dict[str, Any]]
    shown: int
    has_more: bool

    @property
    def skipped(self) -> int:
        return self.shown - len(self.rows)


class EspoClient:
    """One EspoCRM. Where our key is refused nothing is sent for two minutes, where our address is, for one.

    Learns how large a page may be.
    """

    def __init__(self, base_url: str, auth: EspoAuth, wiring: Wiring | None = None) -> None:
        wiring = wiring or Wiring()
        self._http = HttpClient(UPSTREAM, base_url, wiring)
        self._auth = auth
        self._latch = Latch(UPSTREAM, wiring, cool_down=REFUSED_SECONDS)
        self._largest_page = LARGEST_PAGE
        self.bad_row = partial(wiring.on_bad_row, UPSTREAM)
        self._accepted = partial(wiring.on_accepted, UPSTREAM)
        self.clocks = wiring.clocks

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
        return self._judged(answer).json()

    @asynccontextmanager
    async def download(self, path: str) -> AsyncIterator[StreamedAnswer | None]:
        """A GET whose bytes are read as they come; None where EspoCRM has no such file. Raises the taxonomy only."""
        self._latch.check()
        headers = {**self._auth.headers("GET", path), "Accept": "*/*"}
        async with self._http.stream("GET", API + path, headers=headers) as answer:
            if answer.status == 404:
                yield None
                return
            if answer.status >= 300:
                self._judged(await answer.complete())
            self._accepted()
            yield answer

    def _judged(self, answer: Answer) -> Answer:
        """A success, or the error that it is."""
        answer.raise_for_trouble()
        if answer.status == 401:
            raise self._latch.shut()
        if is_locked_out(answer):
            raise self._latch.shut(seconds=LOCKED_OUT_SECONDS)
        if answer.status >= 400:
            raise refusal(answer)
        self._accepted()
        return answer

    async def in_pages(self, wanted: int, ask: Callable[[int], Awaitable[Any]]) -> tuple[Any, int]:
        """Asks for `wanted` rows, or as many as EspoCRM allows (`recordListMaxSizeLimit`); answers also how many."""
        while True:
            size = min(wanted, self._largest_page)
            try:
                return await ask(size), size
            except PageTooLarge as error:
                if not 0 < error.most < size:
                    raise
                self._largest_page = error.most

    async def page(self, entity_type: str, search: Mapping[str, Any]) -> EspoPage:
        """One page of a list, `search` in the form of searchParams. RemoteUnavailable where it is no list.

        A row without an id is skipped and told: one bad row is no reason to see none.
        """

        async def ask(size: int) -> Any:
            asked = json.dumps({**search, "maxSize": size})
            return await self.call("GET", f"/{entity_type}", params={"searchParams": asked})

        found, size = await self.in_pages(int(search.get("maxSize", LARGEST_PAGE)), ask)
        shown = found.get("list") if isinstance(found, dict) else None
        if not isinstance(shown, list):
            raise RemoteUnavailable(UPSTREAM, "a list without a list")
        rows = [row for row in shown if isinstance(row, dict) and _is_id(row.get("id"))]
        for _ in range(len(shown) - len(rows)):
            self.bad_row(entity_type, "")
        total, offset = clamps.whole(found.get("total")) or 0, int(search.get("offset", 0))
        return EspoPage(rows, len(shown), bool(shown) and (len(shown) >= size or total > offset + len(shown)))

    async def rows(self, entity_type: str, search: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of one page."""
        return list((await self.page(entity_type, search)).rows)

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
        asked_at = time.monotonic()
        answer = await self._client.call("POST", f"/{self._entity_type}", body=dict(payload), headers=headers)
        return self._timed(self._snapshot(answer, None, written=True), asked_at, is_new=True)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        """A partial patch; the answer is the whole record."""
        asked_at = time.monotonic()
        answer = await self._client.call("PUT", self._path(record_id), body=dict(payload))
        return self._timed(self._snapshot(answer, record_id, written=True), asked_at, is_new=False)

    async def update_unmoved(self, record_id: str, payload: Payload, version: str | None) -> Snapshot:
        """As `update`, where the record is still at this `version`; StaleVersion where somebody saved it meanwhile.

        EspoCRM minds it for types with optimistic concurrency control alone, and checks before it writes, not in one.
        """
        headers = {} if version is None else {"X-Version-Number": version}
        try:
            answer = await self._client.call("PUT", self._path(record_id), body=dict(payload), headers=headers)
        except RemoteRejected as error:
            if error.status == 409:
                raise StaleVersion(f"{UPSTREAM}: saved by somebody meanwhile") from None
            raise
        return self._snapshot(answer, record_id, written=True)

    def _timed(self, written: Snapshot, asked_at: float, *, is_new: bool) -> Snapshot:
        self._client.clocks.wrote(UPSTREAM, written.changed_at, time.monotonic() - asked_at, is_new=is_new)
        return written

    async def find(self, equal: Mapping[str, str | int]) -> Sequence[str]:
        """Ids of records whose attributes equal these. Implements `ports.FindableStore`.

        RemoteUnavailable where none can be read but some are there: "none" would make a second record.
        """
        where = [{"type": "equals", "attribute": name, "value": value} for name, value in equal.items()]
        search = {"where": where, "orderBy": "createdAt", "order": "asc", "maxSize": LARGEST_PAGE} | _select(["id"])
        page = await self._client.page(self._entity_type, search)
        if page.skipped and not page.rows:
            raise RemoteUnavailable(UPSTREAM, "a list of which no row can be read")
        return [str(row["id"]) for row in page.rows]

    async def delete(self, record_id: str) -> None:
        try:
            await self._client.call("DELETE", self._path(record_id))
        except RecordGone:
            return

    async def select(
        self,
        where: Sequence[Mapping[str, Any]],
        attributes: Sequence[str] = (),
        *,
        limit: int | None = None,
        by: str = "createdAt",
    ) -> AsyncIterator[dict[str, Any]]:
        """Rows of a list, by the time in `by`, all pages up to `limit`. Rows never hold e-mail or phone data."""
        given = 0
        async for page in self._pages(where, by, _select(attributes), limit):
            for row in page[: None if limit is None else limit - given]:
                yield row
            given += len(page)
            if limit is not None and given >= limit:
                return

    async def changed_since(
        self, since: datetime, attributes: Sequence[str] = ()
    ) -> AsyncIterator[tuple[str, datetime, dict[str, Any]]]:
        """(id, changed at, row), oldest change first. A row without a time is skipped and told."""
        began = since - self._client.clocks.behind(UPSTREAM)  # Nothing is left out where its clock is behind.
        where = [{"type": "greaterThanOrEquals", "attribute": MODIFIED, "value": espo_time(began)}]
        async for page in self._pages(where, MODIFIED, _select(attributes)):
            for row in page:
                changed_at = parse_time(row.get(MODIFIED))
                if changed_at is None:
                    self._client.bad_row(self._entity_type, row["id"])
                else:
                    yield row["id"], changed_at, row

    async def _pages(
        self, where: Sequence[Mapping[str, Any]], by: str, selected: Mapping[str, Any], limit: int | None = None
    ) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """All pages in the order of (`by`, id), each row once, as many as there are.

        The next page is what comes behind the last row, and not an offset: a record that is changed meanwhile moves
        to the end, and behind an offset the ones after it would move up past us. An offset only where no row of a page
        says where it stands.
        """
        search = {"orderBy": by, "order": "asc", "maxSize": LARGEST_PAGE if limit is None else min(limit, LARGEST_PAGE)}
        last: tuple[str, str] | None = None
        before: set[tuple[str, str]] = set()
        offset = barren = 0
        while True:
            behind = [] if last is None else [_behind(by, *last)]
            asked = {**search, "where": [*where, *behind], "offset": offset, **selected}
            page = await self._client.page(self._entity_type, asked)
            fresh = {(str(row.get(by)), str(row["id"])): row for row in page.rows}
            news = [row for standing, row in fresh.items() if standing not in before]
            yield news
            before, barren = set(fresh), 0 if news else barren + 1
            if barren > MOST_BARREN:
                raise RemoteUnavailable(UPSTREAM, "a list without an end")
            if not page.has_more:
                return
            following = _standing(page.rows, by)
            if following is not None and following == last:
                raise RemoteUnavailable(UPSTREAM, "the same page twice")
            last, offset = (last, offset + page.shown) if following is None else (following, 0)

    def _path(self, record_id: str) -> str:
        return f"/{self._entity_type}/{record_id}"

    def _snapshot(self, payload: Any, record_id: str | None, *, written: bool = False) -> Snapshot:
        """RemoteUnavailable where the answer is not the record that was asked for: never to be read as "empty"."""
        if not isinstance(payload, dict) or not payload.get("id") or record_id not in (None, payload["id"]):
            raise RemoteUnavailable(UPSTREAM, "an answer that is not the record", maybe_applied=written)
        version = clamps.version(payload.get("versionNumber"))
        return Snapshot(
            id=str(payload["id"]),
            payload=payload,
            version=version or None,
            changed_at=parse_time(payload.get(MODIFIED)),
            changed_by=payload.get("modifiedById"),
            skew=self._client.clocks.skew(UPSTREAM),
        )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and ENTITY_ID.match(value) is not None


def _standing(rows: Sequence[Mapping[str, Any]], by: str) -> tuple[str, str] | None:
    """Where the last row that says so stands in the list."""
    known = ((str(row[by]), str(row["id"])) for row in reversed(rows) if parse_time(row.get(by)) is not None)
    return next(known, None)


def _behind(by: str, value: str, record_id: str) -> dict[str, Any]:
    same = [
        {"type": "equals", "attribute": by, "value": value},
        {"type": "greaterThan", "attribute": "id", "value": record_id},
    ]
    later = {"type": "greaterThan", "attribute": by, "value": value}
    return {"type": "or", "value": [later, {"type": "and", "value": same}]}


def _select(attributes: Sequence[str]) -> dict[str, Any]:
    return {"select": list(dict.fromkeys(("id", "modifiedAt", *attributes)))} if attributes else {}
