"""Documents in EspoCRM as Anna handles them, and what xAI's search answers from the collections of their records."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from demo.remotes import EspoCrm, Remote
from demo.wait import until
from deploy.local.addresses import Addresses
from sandbox.xai.access import API_KEY, MANAGEMENT_KEY

CASE = "CVmhRumungsklage"
DOCUMENT = "CDokumente"
INDEXED_WITHIN = 120.0
"""Seconds until a change has been seen at the latest, webhook lost or not, and is indexed."""


@dataclass(frozen=True)
class Papers:
    """`espo`: Anna's EspoCRM. `files`, `collections`: the two hosts of xAI."""

    espo: EspoCrm
    files: Remote
    collections: Remote

    async def case(self, name: str, *, switched_on: bool = True) -> str:
        """Anna enters a Räumungsklage; its id."""
        made = await self.espo.rest("POST", CASE, {"name": name, "xaiSyncActive": switched_on})
        return str(made["id"])

    async def switch(self, case: str, *, on: bool) -> None:
        await self.espo.rest("PUT", f"{CASE}/{case}", {"xaiSyncActive": on})

    async def document(self, name: str, content: bytes, *cases: str) -> str:
        """Anna uploads a file and links it; the document's id."""
        attachment = await self.upload(f"{name}.txt", content)
        made = await self.espo.rest("POST", DOCUMENT, {"name": name, "fileId": attachment})
        for case in cases:
            await self.link(case, str(made["id"]))
        return str(made["id"])

    async def replace(self, document: str, name: str, content: bytes) -> None:
        """Anna replaces the file."""
        attachment = await self.upload(f"{name}.txt", content)
        await self.espo.rest("PUT", f"{DOCUMENT}/{document}", {"fileId": attachment})

    async def upload(self, name: str, content: bytes) -> str:
        encoded = base64.b64encode(content).decode()
        body = {"name": name, "type": "text/plain", "role": "Attachment", "relatedType": DOCUMENT, "field": "file"}
        made = await self.espo.rest("POST", "Attachment", {**body, "file": f"data:text/plain;base64,{encoded}"})
        return str(made["id"])

    async def link(self, case: str, document: str) -> None:
        await self.espo.rest("POST", f"{CASE}/{case}/dokumentes", {"id": document})

    async def unlink(self, case: str, document: str) -> None:
        await self.espo.rest("DELETE", f"{CASE}/{case}/dokumentes", {"id": document})

    async def shown(self, document: str) -> dict[str, Any]:
        """The document as Anna sees it."""
        found: dict[str, Any] = await self.espo.rest("GET", f"{DOCUMENT}/{document}")
        return found

    async def until_state(self, document: str, state: str) -> dict[str, Any]:
        """The document once it has this xaiSyncStatus."""
        seen: dict[str, Any] = {}

        async def is_so() -> dict[str, Any] | None:
            nonlocal seen
            seen = await self.shown(document)
            return seen if seen.get("xaiSyncStatus") == state else None

        async def instead() -> str:
            return f"it is {seen.get('xaiSyncStatus')} ({seen.get('xaiSyncError')})"

        return await until(is_so, f"document {document} is {state}", INDEXED_WITHIN, instead=instead)

    async def collection_of(self, case: str) -> str:
        """Id of the record's collection, "" for none."""
        found = await self.espo.rest("GET", f"{CASE}/{case}")
        return str(found.get("xaiCollectionId") or "")

    async def existing(self) -> set[str]:
        """Ids of all collections at xAI."""
        told = await self.collections.ask("GET", "/v1/collections", headers=_bearer(MANAGEMENT_KEY))
        return {str(each["collection_id"]) for each in told["collections"]}

    async def asked(self, question: str, collections: Sequence[str]) -> list[str]:
        """Texts that are found in these collections."""
        body = {"query": question, "source": {"collection_ids": list(collections)}}
        told = await self.files.ask("POST", "/v1/documents/search", body, headers=_bearer(API_KEY))
        return [str(each["chunk_content"]) for each in told["matches"]]

    async def until_asked(self, question: str, collection: str, text: str) -> str:
        """The first text found that holds `text`."""

        async def found() -> str | None:
            return next((each for each in await self.asked(question, [collection]) if text in each), None)

        return await until(found, f"{text!r} is found", INDEXED_WITHIN)

    async def files_of(self, document: str) -> int:
        """Files at xAI whose name is that of the document."""
        named = (await self.shown(document))["name"]
        told = await self.files.ask("GET", "/v1/files", headers=_bearer(API_KEY))
        return sum(named in str(each["filename"]) for each in told["data"])

    async def uploads(self, since: int) -> int:
        """Files that were sent to xAI after that call of its log."""
        told = await self.files.ask("GET", f"/_sandbox/calls?since={since}")
        sent = [
            each for each in told["calls"] if each["method"] == "POST" and each["path"].split("?")[0] == "/v1/files"
        ]
        return len(sent)


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def papers_of(addresses: Addresses, espo: EspoCrm) -> AsyncIterator[Papers]:
    """Documents of a running stack."""
    async with Remote.of(addresses.xai_url) as files, Remote.of(addresses.xai_management_url) as collections:
        yield Papers(espo, files, collections)
