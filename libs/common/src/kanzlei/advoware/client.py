"""Advoware's REST API: bearer token, answers tolerated in both shapes, local times, parties as a SearchableStore."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from kanzlei.advoware.auth import UPSTREAM, AdvowareAuth
from synckit import clamps
from synckit.errors import Locked, RemoteRejected, RemoteUnavailable
from synckit.http.answer import UNAUTHENTICATED, Answer
from synckit.http.client import HttpClient
from synckit.http.latch import Latch
from synckit.http.session import SAFE_METHODS
from synckit.http.wiring import Wiring
from synckit.ports import Payload, Snapshot
from synckit.text import clean, squeezed

API = "/api/v1/advonet"
LARGEST_PAGE = 100
MOST_PAGES = 10_000
"""A million parties: no law office has them, so such a list has no end."""
NUMBER = "betNr"
DISTRUST_SECONDS = 30.0
LOCAL = ZoneInfo("Europe/Berlin")
FIRST_MOMENT = datetime(clamps.FIRST_YEAR, 1, 2, tzinfo=UTC)


class AdvowareClient:
    """Calls with a bearer token. A token that died early is replaced once a call. `whole`: seconds to a call's end."""

    def __init__(self, base_url: str, auth: AdvowareAuth, wiring: Wiring | None = None) -> None:
        wiring = wiring or Wiring()
        self._http = HttpClient(UPSTREAM, base_url, wiring)
        self._auth = auth
        self._latch = Latch(UPSTREAM, wiring, cool_down=DISTRUST_SECONDS)
        self._accepted = partial(wiring.on_accepted, UPSTREAM)
        self.bad_row = partial(wiring.on_bad_row, UPSTREAM)
        self.whole = wiring.limits.whole
        self.clocks = wiring.clocks

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """The parsed answer of a success, None for an empty one. `path` follows /api/v1/advonet.

        409 is Locked (a desk has the record open), but for a POST: there it exists already.
        AuthenticationRefused where even a fresh token is refused; then
        nothing is sent for half a minute, or each call would cost the token service a request.
        """
        try:
            async with asyncio.timeout(self.whole):
                return await self._call(method, path, params, body)
        except TimeoutError:
            lost = method not in SAFE_METHODS
            raise RemoteUnavailable(UPSTREAM, "no end within the limit", maybe_applied=lost) from None

    async def _call(self, method: str, path: str, params: Mapping[str, str] | None, body: object) -> Any:
        self._latch.check()
        answer = await self._with_token(method, path, params, body)
        if answer.status == UNAUTHENTICATED:
            raise self._latch.shut()
        self._accepted()
        if answer.status == 409 and method != "POST":
            raise Locked(f"{UPSTREAM}: the record is open at a desk")
        if answer.status >= 400:
            raise _refusal(answer)
        return answer.json()

    async def _with_token(self, method: str, path: str, params: Mapping[str, str] | None, body: object) -> Answer:
        """Where a token is refused, with another one; where that was not a new one (another replica's, as dead as ours,
        when all of them died at once), with a new one.
        """
        token = await self._auth.token()
        answer = await self._send(method, path, token, params, body)
        is_new = False
        while answer.status == UNAUTHENTICATED and not is_new:
            token, is_new = await self._auth.another(token)
            answer = await self._send(method, path, token, params, body)
        return answer

    def may_call(self) -> bool:
        """False while Advoware or its token service is in trouble, but for a probe."""
        return self._http.circuit.may_try() and self._auth.may_call()

    async def close(self) -> None:
        await self._http.close()

    async def _send(self, method: str, path: str, token: str, params: Mapping[str, str] | None, body: object) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        answer = await self._http.send(method, API + path, headers=headers, params=params, body=body)
        answer.raise_for_trouble()
        return answer


class AdvowareRecords:
    """Records under one path, told apart by one number: the way of all single records of the API.

    `collection` is e.g. `/Beteiligte` or `/Beteiligte/4711/Adressen`, `id_field` e.g. `betNr` or `id`.
    """

    def __init__(self, client: AdvowareClient, collection: str, id_field: str) -> None:
        self._client = client
        self._collection = collection
        self._id_field = id_field

    async def read(self, record_id: str) -> Snapshot | None:
        """None only for a 404. An empty list, another record, a record without row id: RemoteUnavailable."""
        try:
            answer = await self._client.call("GET", f"{self._collection}/{record_id}")
        except RemoteRejected as error:
            if error.status == 404:
                return None
            raise
        return self._complete(single(answer), record_id)

    async def create(self, payload: Payload) -> Snapshot:
        """One more GET where the answer has no row id, and only then."""
        asked_at = time.monotonic()
        told = single(await self._client.call("POST", self._collection, body=dict(payload)), written=True)
        record_id = self._id_of(told)
        if not record_id:
            raise RemoteUnavailable(UPSTREAM, "a created record without its number", maybe_applied=True)
        return self._timed(await self._stored(record_id, {**payload, **told}), asked_at, is_new=True)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        """PUT replaces the record: `payload` is the whole of it. Answers what was stored."""
        asked_at = time.monotonic()
        answer = await self._client.call("PUT", f"{self._collection}/{record_id}", body=dict(payload))
        told = single(answer, written=True)
        if self._id_of(told) not in ("", record_id):
            raise RemoteUnavailable(UPSTREAM, "an answer about another record", maybe_applied=True)
        return self._timed(await self._stored(record_id, told), asked_at, is_new=False)

    async def delete(self, record_id: str) -> None:
        """RemoteRejected with 403 where it is in use, or where the API deletes nothing of the kind."""
        try:
            await self._client.call("DELETE", f"{self._collection}/{record_id}")
        except RemoteRejected as error:
            if error.status != 404:
                raise

    async def list(self, params: Mapping[str, str]) -> AsyncIterator[Snapshot]:
        """All pages, each record once. An empty list proves nothing: an outage answers one, too.

        A row that is no record is skipped and told: one bad row is no reason to see none.
        """
        seen: set[str] = set()
        async for page in self._pages(params):
            for row in page:
                found = self._listed(row)
                if found is not None and found.id not in seen:
                    seen.add(found.id)
                    yield found

    async def _pages(self, params: Mapping[str, str]) -> AsyncIterator[Sequence[Any]]:
        before: Sequence[Any] = ()
        for page in range(MOST_PAGES):
            window = {"skip": str(page * LARGEST_PAGE), "take": str(LARGEST_PAGE)}
            rows = await self._client.call("GET", self._collection, params={**params, **window})
            if not isinstance(rows, list):
                raise RemoteUnavailable(UPSTREAM, "a list without a list")
            shown = [self._id_of(row) or row for row in rows]
            if shown and shown == before:
                raise RemoteUnavailable(UPSTREAM, "the same page twice")
            yield rows
            if len(rows) < LARGEST_PAGE:
                return
            before = shown
        raise RemoteUnavailable(UPSTREAM, "a list without an end")

    def _listed(self, row: Any) -> Snapshot | None:
        """A row of a list, None where it is none: told, with its number where it has one."""
        record_id = self._id_of(row)
        version = clamps.version(row.get("rowId")) if record_id else ""
        if not version:
            self._client.bad_row(self._collection, record_id)
            return None
        return self._snapshot(row, record_id, version)

    def _timed(self, written: Snapshot, asked_at: float, *, is_new: bool) -> Snapshot:
        self._client.clocks.wrote(UPSTREAM, written.changed_at, time.monotonic() - asked_at, is_new=is_new)
        return written

    async def _stored(self, record_id: str, told: dict[str, Any]) -> Snapshot:
        if told.get("rowId"):
            return self._complete({**told, self._id_field: told.get(self._id_field) or record_id}, record_id)
        try:
            found = await self.read(record_id)
        except RemoteUnavailable as error:
            raise RemoteUnavailable(UPSTREAM, "written, but not read back", maybe_applied=True) from error
        if found is None:
            raise RemoteUnavailable(UPSTREAM, "written, but not to be found", maybe_applied=True)
        return found

    def _complete(self, row: dict[str, Any], record_id: str) -> Snapshot:
        if not record_id or self._id_of(row) != record_id:
            raise RemoteUnavailable(UPSTREAM, "an answer that is not the record asked for")
        version = clamps.version(row.get("rowId"))
        if not version:
            raise RemoteUnavailable(UPSTREAM, "a record without a row id")
        return self._snapshot(row, record_id, version)

    def _snapshot(self, row: dict[str, Any], record_id: str, version: str) -> Snapshot:
        changed_at, skew = local_to_utc(row.get("geaendertAm")), self._client.clocks.skew(UPSTREAM)
        return Snapshot(record_id, row, version=version, changed_at=changed_at, skew=skew)

    def _id_of(self, row: Any) -> str:
        """ "" where it has none that can be: a party's is a number, a row's may be a name."""
        found = clamps.identity(row.get(self._id_field)) if isinstance(row, dict) else ""
        return found if self._id_field != NUMBER or found.isdigit() else ""


class AdvowareBeteiligteStore(AdvowareRecords):
    """Parties: a `ports.SearchableStore`, and their changes for the ticker."""

    def __init__(self, client: AdvowareClient) -> None:
        super().__init__(client, "/Beteiligte", NUMBER)

    async def candidates(self, payload: Payload, since: datetime | None) -> Sequence[Snapshot]:
        """Parties of this name, in whatever spelling, changed since then or, without a time, ever.

        One of them that its list shows without a row id is read by itself. RemoteUnavailable where all that is there
        has no number: "none" would make a second party.
        """
        posted = str(payload.get("name") or "").strip()
        found: dict[str, Snapshot] = {}
        nameless = False
        changed = {} if since is None else {"geaendertSeit": self._by_its_clock(since)}
        # An older release may have posted letters in parts, and the server may look for nothing else.
        for name in dict.fromkeys((posted, clean(posted))):
            async for page in self._pages({"name": name, **changed}):
                for row in page:
                    if not isinstance(row, dict) or _name_in(row) != _name_in(payload):
                        continue
                    one = self._listed(row) or await self._single(self._id_of(row))
                    nameless = nameless or not self._id_of(row)
                    if one is not None:
                        found.setdefault(one.id, one)
        if nameless and not found:
            raise RemoteUnavailable(UPSTREAM, "a list of which no row has a number")
        return list(found.values())

    async def _single(self, record_id: str) -> Snapshot | None:
        return await self.read(record_id) if record_id else None

    def _snapshot(self, row: dict[str, Any], record_id: str, version: str) -> Snapshot:
        """Tells also of what a party shows inside of it and what is no row: whoever reads that leaves it out."""
        for name, shown in row.items():
            for each in shown if isinstance(shown, list) else ():
                if not isinstance(each, dict) or not clamps.identity(each.get("id")):
                    self._client.bad_row(f"{self._collection}.{name}", record_id)
        return super()._snapshot(row, record_id, version)

    async def changed_since(self, since: datetime) -> AsyncIterator[Snapshot]:
        """What a desk, or we, changed since: compare the row ids."""
        async for each in self.list({"geaendertSeit": self._by_its_clock(since)}):
            yield each

    def _by_its_clock(self, since: datetime) -> str:
        """So far back that nothing is left out where Advoware's clock is behind."""
        return utc_to_local(since - self._client.clocks.behind(UPSTREAM))


def single(answer: Any, *, written: bool = False) -> dict[str, Any]:
    """A bare object, or the only one of a list. RemoteUnavailable for anything else."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise RemoteUnavailable(UPSTREAM, "an answer that is no single record", maybe_applied=written)
    return answer


def local_to_utc(value: object) -> datetime | None:
    """`geaendertAm` → UTC. None where null or no time that can be. In the hour that comes twice: the first one."""
    return clamps.moment(value, LOCAL)


def utc_to_local(at: datetime) -> str:
    """For `geaendertSeit`: the earliest local time that can still follow, an hour early where clocks go back next."""
    at = clamps.believable(at) or FIRST_MOMENT
    local, ahead = at.astimezone(LOCAL), (at + timedelta(hours=1)).astimezone(LOCAL)
    back = (local.utcoffset() or timedelta()) - (ahead.utcoffset() or timedelta())
    return (local.replace(tzinfo=None) - max(back, timedelta())).isoformat(timespec="seconds")


def _name_in(payload: Payload) -> str:
    """What tells names apart: not how they are spelled."""
    return squeezed(str(payload.get("name") or "")).casefold()


def _refusal(answer: Answer) -> Exception:
    """Field names only: the message is the server's, and may quote a value."""
    try:
        told = answer.json()
    except RemoteUnavailable as error:
        if answer.status == 404:
            # A gateway's word about a path, not the API's about a record.
            return error
        told = None
    errors = told.get("errors") if isinstance(told, dict) else None
    names = (
        [name for name in errors if isinstance(name, str) and name.isidentifier()] if isinstance(errors, dict) else []
    )
    return RemoteRejected(UPSTREAM, answer.status, "rejected", field=names[0] if names else None)
