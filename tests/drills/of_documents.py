"""Drills of documents: a refused file, one in a foreign collection, a lost collection, many switches off at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from demo.papers import Papers, papers_of
from deploy.local.table import DOCUMENTS
from sandbox.xai.access import MANAGEMENT_KEY
from tests.drills.stage import Stage

MANY = 7
"""More than five."""


@asynccontextmanager
async def refused_by_xai(stage: Stage) -> AsyncIterator[None]:
    """xAI takes no file."""
    refused = {"kind": "status", "status": 400}
    match = {"method": "POST", "path_regex": "/v1/files"}
    async with (
        papers_of(stage.addresses, stage.espo) as papers,
        stage.fault(papers.files, refused, match=match),
    ):
        await papers.document("Abgelehnt", b"Abgelehnt\n", await papers.case("Ablehnung"))
        yield


@asynccontextmanager
async def in_a_foreign_collection(stage: Stage) -> AsyncIterator[None]:
    """Somebody with our key puts a file of one matter into the collection of another; the audit of the night looks."""
    async with papers_of(stage.addresses, stage.espo) as papers:
        cases = [await papers.case(f"Akte {n}") for n in range(2)]
        documents = [await papers.document(f"Blatt {n}", f"Blatt {n}\n".encode(), case) for n, case in enumerate(cases)]
        shown = [await papers.until_state(document, "clean") for document in documents]
        foreign, file = await papers.collection_of(cases[1]), shown[0]["xaiId"]
        path = f"/v1/collections/{foreign}/documents/{file}"
        told = {
            "sha256": shown[0]["xaiSyncedHash"],
            "espo_documents": documents[0],
            "record": "",
            "name": "",
            "version": "",
        }
        await papers.collections.ask(
            "POST", path, {"fields": told}, headers={"Authorization": f"Bearer {MANAGEMENT_KEY}"}
        )
        await _audit(stage)
        yield


@asynccontextmanager
async def of_nobody(stage: Stage) -> AsyncIterator[None]:
    """A collection is deleted in xAI's console."""
    async with papers_of(stage.addresses, stage.espo) as papers:
        case = await papers.case("Gelöscht")
        await papers.until_state(await papers.document("Blatt", b"Verwaist\n", case), "clean")
        path = f"/v1/collections/{await papers.collection_of(case)}"
        await papers.collections.ask("DELETE", path, headers={"Authorization": f"Bearer {MANAGEMENT_KEY}"})
        await _audit(stage)
        yield


@asynccontextmanager
async def many_switched_off(stage: Stage) -> AsyncIterator[None]:
    """Many records lose their switch at once."""
    async with papers_of(stage.addresses, stage.espo) as papers:
        cases = [await papers.case(f"Schalter {n}") for n in range(MANY)]
        await asyncio.gather(*(_with_collection(papers, case, n) for n, case in enumerate(cases)))
        await asyncio.gather(*(papers.switch(case, on=False) for case in cases))
        yield


async def _with_collection(papers: Papers, case: str, number: int) -> None:
    document = await papers.document(f"Seite {number}", f"Seite {number} der Sammlung\n".encode(), case)
    await papers.until_state(document, "clean")


async def _audit(stage: Stage) -> None:
    """The night's audit comes once a day in the whole cluster: who forgets that it has been begins it anew."""
    await stage.forget_redis()
    await stage.restart(DOCUMENTS.name)


DRILLS = {
    "DocumentInWrongCollection": in_a_foreign_collection,
    "DocumentsAuditFound": of_nobody,
    "CollectionsHeld": many_switched_off,
    "DocumentsFailed": refused_by_xai,
}
