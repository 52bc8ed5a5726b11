"""Walks both directions, from our tables to xAI and EspoCRM and back, and mends what a look can't find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from document_sync.domain.audit import (
    DUPLICATE_FILE,
    KINDS,
    ORPHAN_COLLECTION,
    ORPHAN_FILE,
    WRONG_COLLECTION,
    Finding,
    OutThere,
    Remembered,
    audit,
)
from document_sync.domain.values import RecordKey
from document_sync.handlers.parts import Parts
from document_sync.ports import Listed

log = structlog.get_logger(__name__)


class Tables(Protocol):
    """Our side, whole."""

    async def remembered(self) -> Remembered: ...


class Everything(Protocol):
    """xAI's lists, whole: every page, or an error."""

    async def all_files(self) -> Sequence[Listed]: ...

    async def all_collections(self) -> Mapping[str, str]:
        """Id → name."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """`find` writes nothing."""

    parts: Parts
    tables: Tables
    everything: Everything

    async def find(self) -> tuple[Finding, ...]:
        """Read twice where something is found: a look that was under way meanwhile is no finding."""
        found = await self._once()
        return tuple(one for one in await self._once() if one in found) if found else ()

    async def _once(self) -> tuple[Finding, ...]:
        before = await self.tables.remembered()
        named = await self.everything.all_collections()
        files = {one.file_id: one.name for one in await self.everything.all_files()}
        ours = {row.collection_id for row in before.collections.values() if row.collection_id}
        inside = {
            each: frozenset(one.file_id for one in await self.parts.collections.listed(each))
            for each in sorted(ours & set(named))
        }
        return audit(before, OutThere(files, named, inside, await self._shown(before)))

    async def _shown(self, known: Remembered) -> Mapping[RecordKey, str]:
        """Of records that have a collection, or had one."""
        told: dict[RecordKey, str] = {}
        for key in sorted(known.collections):
            view = await self.parts.office.record(key)
            if view is not None:
                told[key] = view.collection_id
        return told

    async def repair(self, found: Sequence[Finding]) -> None:
        """Strays go, wrong ones at once; what is only remembered is looked at again. In a dry run nothing is done."""
        if self.parts.dry:
            return
        for one in found:
            await self._mend(one)

    async def _mend(self, one: Finding) -> None:
        if one.kind == WRONG_COLLECTION:
            await self.parts.collections.detach(one.collection_id, one.file_id)
            await self._call(one)
        elif one.kind in (ORPHAN_FILE, DUPLICATE_FILE):
            await self.parts.files.delete(one.file_id)
        elif one.kind == ORPHAN_COLLECTION:
            await self.parts.collections.delete(one.collection_id)
        else:
            await self._call(one)

    async def _call(self, one: Finding) -> None:
        """Looks that ask xAI, because they are made to doubt what is remembered."""
        store = self.parts.store
        if one.collection_id:
            key = RecordKey.of(one.about)
            await store.doubt(key, one.collection_id)
            await self.parts.calls.records([key])
        await self.parts.calls.documents(await store.doubt_file(one.file_id) if one.file_id else ())


def tally(found: Sequence[Finding]) -> Mapping[str, int]:
    """Kind → how many, all kinds."""
    counted = Counter(one.kind for one in found)
    return {kind: counted.get(kind, 0) for kind in KINDS}
