"""EspoCRM for documents: `ports.Office`, and the bytes of attachments."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from document_sync.domain.decide_record import RecordView
from document_sync.domain.shown import FIELDS
from document_sync.domain.values import DocumentView, RecordKey, Switch
from kanzlei.espocrm.answers import RecordGone
from kanzlei.espocrm.client import LARGEST_PAGE, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from synckit.errors import RemoteUnavailable, StaleVersion
from synckit.events import ENTITY_ID
from synckit.http.streamed import StreamedAnswer

DOCUMENT = "CDokumente"
MOST_LINKS = 100_000
GONE = 404


@dataclass(frozen=True, slots=True)
class RecordNames:
    """How one record type names things. `link`: at the document, `documents`: at the record."""

    link: str
    documents: str = "dokumentes"
    switch: str = "xaiSyncActive"
    collection: str = "xaiCollectionId"


class EspoOffice:
    """`types`: record type → its names. Records of other types are nobody's."""

    def __init__(self, client: EspoClient, types: Mapping[str, RecordNames]) -> None:
        self._client = client
        self._types = types
        self._documents = EspoStore(client, DOCUMENT)

    async def document(self, document: str) -> DocumentView | None:
        found = await self._documents.read(document)
        return None if found is None else _view(document, found.payload)

    async def links(self, document: str) -> frozenset[RecordKey]:
        found: set[RecordKey] = set()
        for kind, names in self._types.items():
            try:
                ids = await self._linked(DOCUMENT, document, names.link)
            except RecordGone:
                raise StaleVersion("the document was deleted while its links were read") from None
            found |= {RecordKey(kind, each) for each in ids}
        return frozenset(found)

    async def show(self, document: str, values: Mapping[str, Any]) -> str:
        written = await self._documents.update(document, dict(values))
        return _text(written.payload.get("fileId"))

    async def record(self, key: RecordKey) -> RecordView | None:
        names = self._types.get(key.type)
        if names is None:
            return None
        found = await EspoStore(self._client, key.type).read(key.id)
        if found is None:
            return None
        told = found.payload
        return RecordView(
            Switch.read(told.get(names.switch)),
            _text(told.get(names.collection)),
            _text(told.get("assignedUserId")) or None,
        )

    async def name_collection(self, key: RecordKey, collection_id: str) -> None:
        payload = {self._types[key.type].collection: collection_id or None}
        await EspoStore(self._client, key.type).update(key.id, payload)

    async def switch_off(self, key: RecordKey) -> None:
        """Nothing where the type is none of ours any more: what was sent for it is taken back all the same."""
        if names := self._types.get(key.type):
            await EspoStore(self._client, key.type).update(key.id, {names.switch: False})

    async def documents_of(self, key: RecordKey) -> frozenset[str]:
        names = self._types.get(key.type)
        return frozenset(await self._linked(key.type, key.id, names.documents)) if names else frozenset()

    async def tell(self, entity_type: str, record_id: str, owner_id: str | None, text: str, marker: str) -> None:
        notifier = EspoNotifier(self._client, entity_type)
        mark = f"(Vermerk {hashlib.sha256(f'{entity_type}{record_id}{marker}'.encode()).hexdigest()[:10]})"
        if not await notifier.told(record_id, mark):
            await notifier.tell(record_id, owner_id, f"{text} {mark}")

    async def _linked(self, kind: str, record_id: str, link: str) -> list[str]:
        """Ids of all linked records: every page, or an error."""
        found: list[str] = []
        path = f"/{kind}/{record_id}/{link}"
        while True:
            offset = len(found)

            async def ask(size: int, offset: int = offset) -> Any:
                params = {"maxSize": str(size), "offset": str(offset), "select": "id", "orderBy": "createdAt"}
                return await self._client.call("GET", path, params=params)

            page, size = await self._client.in_pages(LARGEST_PAGE, ask)
            rows = page.get("list") if isinstance(page, dict) else None
            if not isinstance(rows, list):
                raise RemoteUnavailable("espocrm", "a list without a list")
            found += [_id(row) for row in rows]
            if len(rows) < size:
                return found
            if len(found) > MOST_LINKS:
                raise RemoteUnavailable("espocrm", "a list without an end")


def _view(document: str, told: Mapping[str, Any]) -> DocumentView:
    shown = {name: told.get(name) for name in FIELDS}
    owner = _text(told.get("assignedUserId")) or _text(told.get("createdById"))
    return DocumentView(document, _text(told.get("name")), _text(told.get("fileId")), shown, owner or None)


def _id(row: object) -> str:
    """A row that can't be read hides a link: then the whole list says nothing."""
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, str) or not ENTITY_ID.match(found):
        raise RemoteUnavailable("espocrm", "a list with a row that is none")
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class EspoDownload:
    """`spool.Download`."""

    answer: StreamedAnswer | None = field(repr=False)

    @property
    def is_gone(self) -> bool:
        return self.answer is None

    @property
    def content_type(self) -> str:
        told = self.answer.headers.get("Content-Type", "") if self.answer else ""
        return told.partition(";")[0].strip().lower()

    @property
    def length(self) -> int | None:
        return self.answer.length if self.answer else None

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.answer is not None:
            async for chunk in self.answer.chunks():
                yield chunk


class EspoAttachments:
    """`spool.Source`."""

    def __init__(self, client: EspoClient) -> None:
        self._client = client

    @asynccontextmanager
    async def download(self, attachment: str) -> AsyncIterator[EspoDownload]:
        """Gone only where EspoCRM says 404."""
        if not ENTITY_ID.match(attachment):
            yield EspoDownload(None)
            return
        async with self._client.download(f"/Attachment/file/{attachment}") as answer:
            yield EspoDownload(answer)
