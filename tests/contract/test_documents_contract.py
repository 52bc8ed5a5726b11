"""What document-sync asks of EspoCRM, over the sandbox: documents, many-to-many links, switches, bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from document_sync.adapters.office import EspoAttachments, EspoOffice, RecordNames
from document_sync.adapters.spool import DiskSpool, SpoolLimits
from document_sync.domain.values import RecordKey, StoredFile, Switch, Unusable
from document_sync.settings import OFFICE_TYPES
from kanzlei.espocrm.client import EspoAuth, EspoClient
from sandbox.espocrm.app import build
from sandbox.espocrm.settings import API_KEY, Settings
from synckit.testing.patience import PATIENT

NAMES = {kind: RecordNames(one.link, one.documents, one.switch, one.collection) for kind, one in OFFICE_TYPES.items()}
BYTES = b"Zwiebelfisch " * 20_000


class Stage:
    """A sandbox with documents and records."""

    def __init__(self, client: EspoClient) -> None:
        self.client = client
        self.office = EspoOffice(client, NAMES)

    async def made(self, kind: str, **values: Any) -> str:
        told = await self.client.call("POST", f"/{kind}", body=values, headers={"X-Skip-Duplicate-Check": "true"})
        return str(told["id"])

    async def attachment(self, content: bytes, mime: str = "application/pdf") -> str:
        encoded = base64.b64encode(content).decode()
        return await self.made(
            "Attachment",
            name="Klage.pdf",
            type=mime,
            role="Attachment",
            relatedType="CDokumente",
            field="file",
            file=f"data:{mime};base64,{encoded}",
        )


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with TestClient(TestServer(build(Settings()))) as control:
        client = EspoClient(str(control.make_url("")), EspoAuth(API_KEY), PATIENT)
        yield Stage(client)
        await client.close()


async def test_a_document_is_read_with_its_links(stage: Stage) -> None:
    """Of all types of records, each by its own link."""
    attachment = await stage.attachment(BYTES)
    document = await stage.made("CDokumente", name="Klage", fileId=attachment)
    klage = await stage.made("CVmhRumungsklage", name="K", xaiSyncActive=True)
    account = await stage.made("Account", name="A")
    party = await stage.made("CBeteiligte", lastName="B")
    for kind, link, one in (
        ("CVmhRumungsklage", "dokumentes", klage),
        ("Account", "cDokumentes", account),
        ("CBeteiligte", "dokumentes", party),
    ):
        await stage.client.call("POST", f"/{kind}/{one}/{link}", body={"id": document})
    view = await stage.office.document(document)
    assert view is not None
    assert (view.name, view.attachment) == ("Klage", attachment)
    expected = {
        RecordKey("CVmhRumungsklage", klage),
        RecordKey("Account", account),
        RecordKey("CBeteiligte", party),
    }
    assert await stage.office.links(document) == expected
    for key in expected:
        assert await stage.office.documents_of(key) == {document}


async def test_our_fields_are_written_in_one(stage: Stage) -> None:
    attachment = await stage.attachment(BYTES)
    document = await stage.made("CDokumente", name="Klage", fileId=attachment)
    values = {
        "md5sum": "m",
        "sha256": "s",
        "fileStatus": "synced",
        "xaiId": "file_1",
        "xaiCollections": ["collection_1"],
        "xaiSyncedHash": "s",
        "xaiSyncStatus": "clean",
        "xaiSyncError": None,
    }
    assert await stage.office.show(document, values) == attachment
    view = await stage.office.document(document)
    assert view is not None
    assert dict(view.shown) == values


async def test_switches_are_read_as_they_are(stage: Stage) -> None:
    """And a type of EspoCRM's own has other names."""
    klage = RecordKey("CVmhRumungsklage", await stage.made("CVmhRumungsklage", name="K", xaiSyncActive=True))
    account = RecordKey("Account", await stage.made("Account", name="A", cXaiSyncActive=True))
    for key in (klage, account):
        found = await stage.office.record(key)
        assert found is not None
        assert (found.switch, found.collection_id) == (Switch.ON, "")
        await stage.office.name_collection(key, "collection_1")
        await stage.office.switch_off(key)
        found = await stage.office.record(key)
        assert found is not None
        assert (found.switch, found.collection_id) == (Switch.OFF, "collection_1")
    assert await stage.office.record(RecordKey("CVmhRumungsklage", "0" * 17)) is None
    assert await stage.office.record(RecordKey("Nothing", "x")) is None


async def test_what_is_deleted_is_none(stage: Stage) -> None:
    document = await stage.made("CDokumente", name="Klage")
    await stage.client.call("DELETE", f"/CDokumente/{document}")
    assert await stage.office.document(document) is None


async def test_a_note_is_told_once(stage: Stage) -> None:
    document = await stage.made("CDokumente", name="Klage")
    for _ in range(2):
        await stage.office.tell("CDokumente", document, None, "Text", "cause")
    stream = await stage.client.call("GET", f"/CDokumente/{document}/stream")
    assert sum("Text" in str(post.get("post") or "") for post in stream["list"]) == 1


async def test_bytes_come_through_the_spool(stage: Stage, tmp_path: Path) -> None:
    spool = DiskSpool(EspoAttachments(stage.client), tmp_path, SpoolLimits(len(BYTES), frozenset({"application/pdf"})))
    spooled = await spool.fetch(await stage.attachment(BYTES))
    assert isinstance(spooled.content, StoredFile)
    assert spooled.content.sha256 == hashlib.sha256(BYTES).hexdigest()
    assert spooled.content.size == len(BYTES)
    await spooled.close()
    larger = await spool.fetch(await stage.attachment(BYTES + b"x"))
    assert larger.content == Unusable(larger.content.attachment, "too_large")
    film = await spool.fetch(await stage.attachment(b"x", "video/mp4"))
    assert film.content == Unusable(film.content.attachment, "type")
    empty = await spool.fetch(await stage.attachment(b""))
    assert empty.content == Unusable(empty.content.attachment, "empty")
    assert (await spool.fetch("0" * 17)).content == Unusable("0" * 17, "gone")
