"""xAI's two hosts: files by the API key, collections by the management key. Each has its circuit and its latch.

Statuses decide, but for one: a wrong key is a 400, told by its words. What xAI says of a refusal may name a file: it is
for people alone, and stands in no exception's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from document_sync.domain.values import Indexed, Indexing, StoredFile
from document_sync.ports import Listed, XaiRejected
from synckit import clamps
from synckit.body import Part, multipart
from synckit.errors import RemoteUnavailable
from synckit.http.answer import Answer
from synckit.http.client import HttpClient
from synckit.http.latch import Latch
from synckit.http.wiring import Wiring

FILES, COLLECTIONS = "xai", "xai_management"
PAGE = 100
MOST_PAGES = 2000
REFUSED_SECONDS = 120.0
CLOCKS_DIFFER = timedelta(minutes=10)
_KEY = re.compile(r"\bapi[ -]?key\b|\bmanagement[ -]?key\b|\bcredential", re.IGNORECASE)
FIELDS: Sequence[Mapping[str, Any]] = (
    {"key": "sha256", "required": True, "unique": True},
    {"key": "espo_documents"},
    {"key": "record"},
    {"key": "name"},
    {"key": "version"},
)


class XaiHost:
    """One of the two. Where it refuses our key nothing is sent for two minutes."""

    def __init__(self, upstream: str, base_url: str, key: SecretStr, wiring: Wiring) -> None:
        self._upstream = upstream
        self._http = HttpClient(upstream, base_url, wiring)
        self._latch = Latch(upstream, wiring, cool_down=REFUSED_SECONDS)
        self._key = key
        self._accepted = wiring.on_accepted

    async def call(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """The parsed answer, None for an empty one. XaiRejected for a 4xx."""
        self._latch.check()
        answer = await self._http.send(method, path, headers=self._headers(), params=params, body=body)
        return self._judged(answer)

    async def upload(self, path: str, part: Part) -> Any:
        """A form with one file, whose bytes pass through."""
        self._latch.check()
        async with self._http.stream("POST", path, headers=self._headers(), body=multipart([part])) as answer:
            return self._judged(await answer.complete())

    async def pages(self, path: str, name: str, params: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        """Rows of all pages. A token is always told: a page that is not full is the last one."""
        token = ""
        for _ in range(MOST_PAGES):
            asked = {"limit": str(PAGE), **params, **({"pagination_token": token} if token else {})}
            told = await self.call("GET", path, params=asked)
            rows = told.get(name) if isinstance(told, dict) else None
            if not isinstance(rows, list):
                raise RemoteUnavailable(self._upstream, "a list without a list")
            for row in rows:
                yield row if isinstance(row, dict) else {}
            token = str(told.get("pagination_token") or "")
            if len(rows) < PAGE or not token:
                return
        raise RemoteUnavailable(self._upstream, "a list without an end")

    async def close(self) -> None:
        await self._http.close()

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._key.get_secret_value()}", "Accept": "application/json"}

    def _judged(self, answer: Answer) -> Any:
        answer.raise_for_trouble()
        if answer.status < 400:
            self._accepted(self._upstream)
            return answer.json()
        said = _said(answer)
        if answer.status == 401 or (answer.status == 400 and _KEY.search(said)):
            raise self._latch.shut()
        raise XaiRejected(self._upstream, answer.status, said)


def _said(answer: Answer) -> str:
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    error = told.get("error") if isinstance(told, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else ""


class XaiFiles:
    """`ports.Files`."""

    def __init__(self, host: XaiHost) -> None:
        self._host = host

    async def upload(self, name: str, content: StoredFile, chunks: AsyncIterator[bytes]) -> str:
        part = Part("file", chunks, name, content.content_type or None, content.size)
        made = await self._host.upload("/v1/files", part)
        return _id(made, "id", "file_id", upstream=FILES)

    async def find(self, prefix: str, since: datetime | None) -> Sequence[str]:
        """Newest first until before `since`: there is no filter for a name's beginning."""
        until = (since - CLOCKS_DIFFER).timestamp() if since else 0.0
        found: list[str] = []
        params = {"order": "desc", "sort_by": "created_at"}
        async for row in self._host.pages("/v1/files", "data", params):
            if _seconds(row.get("created_at")) < until:
                break
            if str(row.get("filename") or row.get("name") or "").startswith(prefix):
                found.append(_id(row, "id", "file_id", upstream=FILES))
        return found[::-1]

    async def exists(self, file_id: str) -> bool:
        return await _there(self._host, f"/v1/files/{_quoted(file_id)}") is not None

    async def delete(self, file_id: str) -> None:
        await _gone(self._host, f"/v1/files/{_quoted(file_id)}")


class XaiCollections:
    """`ports.Collections`."""

    def __init__(self, host: XaiHost) -> None:
        self._host = host

    async def create(self, name: str, description: str) -> str:
        body = {"collection_name": name, "collection_description": description, "field_definitions": list(FIELDS)}
        return _id(await self._host.call("POST", "/v1/collections", body=body), "collection_id", upstream=COLLECTIONS)

    async def find(self, name: str) -> Sequence[str]:
        """Exactly this name, whatever the filter takes for equal."""
        params = {"filter": f'collection_name:"{name}"', "order": "ORDERING_ASCENDING"}
        params["sort_by"] = "COLLECTIONS_SORT_BY_AGE"
        rows = [row async for row in self._host.pages("/v1/collections", "collections", params)]
        same = [row for row in rows if row.get("collection_name") == name]
        same.sort(key=lambda row: str(row.get("created_at") or ""))
        return [_id(row, "collection_id", upstream=COLLECTIONS) for row in same]

    async def exists(self, collection_id: str) -> bool:
        return await _there(self._host, _collection(collection_id)) is not None

    async def delete(self, collection_id: str) -> None:
        await _gone(self._host, _collection(collection_id))

    async def attach(self, collection_id: str, file_id: str, fields: Mapping[str, str]) -> None:
        await self._host.call("POST", _document(collection_id, file_id), body={"fields": dict(fields)})

    async def detach(self, collection_id: str, file_id: str) -> None:
        await _gone(self._host, _document(collection_id, file_id))

    async def reindex(self, collection_id: str, file_id: str) -> None:
        await self._host.call("PATCH", _document(collection_id, file_id))

    async def indexed(self, collection_id: str, file_id: str) -> Indexed | None:
        told = await _there(self._host, _document(collection_id, file_id))
        return None if told is None else _indexed(told)

    async def listed(self, collection_id: str) -> Sequence[Listed]:
        try:
            rows = [row async for row in self._documents(collection_id, {})]
        except XaiRejected as error:
            if error.status != 404:
                raise
            return []
        return [Listed(_id(meta, "file_id", upstream=COLLECTIONS), str(meta.get("name") or "")) for meta in rows]

    async def with_hash(self, collection_id: str, sha256: str) -> Sequence[str]:
        params = {"filter": f'fields.sha256:"{sha256}"'}
        return [
            _id(meta, "file_id", upstream=COLLECTIONS) async for meta in self._documents(collection_id, params, sha256)
        ]

    async def _documents(
        self, collection_id: str, params: Mapping[str, str], sha256: str = ""
    ) -> AsyncIterator[Mapping[str, Any]]:
        """`file_metadata` of each; with a hash only those whose field says it, whatever the filter lets through."""
        async for row in self._host.pages(f"{_collection(collection_id)}/documents", "documents", params):
            meta, fields = row.get("file_metadata"), row.get("fields")
            is_meant = not sha256 or (isinstance(fields, dict) and fields.get("sha256") == sha256)
            if isinstance(meta, dict) and is_meant:
                yield meta


def _indexed(told: Mapping[str, Any]) -> Indexed:
    """Any status that is not known is on its way."""
    status = str(told.get("status") or "").removeprefix("DOCUMENT_STATUS_")
    message = told.get("error_message")
    known = {"PROCESSED": Indexing.PROCESSED, "FAILED": Indexing.FAILED}
    return Indexed(known.get(status, Indexing.PROCESSING), message if isinstance(message, str) else "")


async def _there(host: XaiHost, path: str) -> Mapping[str, Any] | None:
    try:
        told = await host.call("GET", path)
    except XaiRejected as error:
        if error.status != 404:
            raise
        return None
    return told if isinstance(told, dict) else {}


async def _gone(host: XaiHost, path: str) -> None:
    try:
        await host.call("DELETE", path)
    except XaiRejected as error:
        if error.status != 404:
            raise


def _id(told: Any, *names: str, upstream: str) -> str:
    """RemoteUnavailable where it has none: it may have been made all the same."""
    found = [told.get(name) for name in names] if isinstance(told, dict) else []
    for each in found:
        if isinstance(each, str) and each:
            return each
    raise RemoteUnavailable(upstream, "an answer without an id", maybe_applied=True)


def _seconds(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    at = clamps.moment(value)
    return at.astimezone(UTC).timestamp() if at else float("inf")


def _collection(collection_id: str) -> str:
    return f"/v1/collections/{_quoted(collection_id)}"


def _document(collection_id: str, file_id: str) -> str:
    return f"{_collection(collection_id)}/documents/{_quoted(file_id)}"


def _quoted(text: str) -> str:
    return quote(text, safe="")
