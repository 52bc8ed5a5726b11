"""Carries out the steps that concern a file. Under its lock, each announced before, each kept after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from document_sync.domain import changes
from document_sync.domain.indexing import answered, attached, indexed_again
from document_sync.domain.memory import File
from document_sync.domain.naming import prefix_of
from document_sync.domain.steps import Ask, Attach, DeleteFile, Detach, FindUpload, Reindex, Release, Upload
from document_sync.domain.values import Indexed, Indexing, RecordKey, StoredFile
from document_sync.handlers.parts import AGAIN_SECONDS, STILL_COMING, Cause, Parts
from document_sync.ports import Spooled
from synckit.errors import RemoteRejected, RemoteUnavailable, SyncError, TooEarly, was_refused
from synckit.ports import Lease

FileStep = FindUpload | Upload | Attach | Detach | Ask | Reindex | DeleteFile | Release
FILE_STEPS = (FindUpload, Upload, Attach, Detach, Ask, Reindex, DeleteFile, Release)
NOT_FOUND = 404
TAKEN = frozenset({400, 409, 422})
"""What xAI may say to a file that is there already, or whose sha256 is: which of them, nobody has written down."""


class FileActs:
    """Each method answers the file as it is remembered afterwards."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def find_upload(self, file: File) -> File:
        """Adopts what a lost answer left there. TooEarly while it may still arrive."""
        found = await self._parts.files.find(prefix_of(file.sha256), file.intent_at)
        if not found:
            self._ensure_over(file)
            return await self._kept(replace(file, intent_at=None))
        for double in found[1:]:
            await self._parts.files.delete(double)
        return await self._kept(replace(file, file_id=found[0], intent_at=None))

    def _ensure_over(self, file: File) -> None:
        began = file.intent_at
        if began is not None and (left := began + STILL_COMING - self._now()).total_seconds() > 0:
            raise TooEarly("xai", "an upload may still arrive", retry_after=left.total_seconds())

    async def upload(
        self, step: Upload, file: File, spooled: Spooled, document: str, told: tuple[Mapping[RecordKey, str], Cause]
    ) -> File:
        """The bytes, once. `told`: where to (collections by record), and what it comes from."""
        content = spooled.content
        if not isinstance(content, StoredFile):
            raise TypeError("nothing to send")
        targets, cause = told
        intended = replace(file, intent_at=self._now(), size=content.size)
        rows = changes.upload_transfers(step, document, content.size, dict(targets), (cause.event_id, self._now()))
        await self._parts.store.save_file(intended, sent=rows)
        try:
            file_id = await self._parts.files.upload(step.name, content, spooled.chunks())
        except SyncError as error:
            if was_refused(error):
                # It did not take them: nothing is out there, and nothing has to be looked for.
                await self._parts.store.save_file(replace(file, intent_at=None), taken_back=step.records)
            raise
        return await self._kept(replace(intended, file_id=file_id, intent_at=None))

    async def attach(self, step: Attach, file: File, cause: Cause) -> File:
        """Safe to repeat. Where xAI has lost the file or the collection, the memory says so afterwards."""
        intended = changes.announced(file, step)
        rows = changes.attach_transfers(step, file, cause.event_id, self._now())
        await self._parts.store.save_file(intended, sent=rows)
        try:
            await self._attached(step, file.file_id)
        except RemoteRejected as error:
            if error.status != NOT_FOUND:
                await self._kept(changes.without(intended, step.record))
                raise
            return await self._missing(step, intended)
        return await self._kept(changes.placed(intended, attached(intended.placements[step.record], self._now())))

    async def _attached(self, step: Attach, file_id: str) -> None:
        collections = self._parts.collections
        try:
            await collections.attach(step.collection_id, file_id, step.fields)
        except RemoteRejected as error:
            if error.status not in TAKEN:
                raise
            # It may be in already with other fields, or another file of ours has the hash, which is unique.
            others = await collections.with_hash(step.collection_id, step.sha256)
            for each in dict.fromkeys((file_id, *others)):
                await collections.detach(step.collection_id, each)
            await collections.attach(step.collection_id, file_id, step.fields)

    async def _missing(self, step: Attach, file: File) -> File:
        """404: the file, or the collection, which its record's own look makes anew."""
        parts = self._parts
        if not await self._file_is_there(file.file_id):
            return await self._kept(changes.lost(file, is_file_gone=True, record=step.record))
        await self._kept(changes.without(file, step.record))
        await parts.store.doubt(step.record, step.collection_id)
        await parts.calls.records([step.record])
        raise RemoteUnavailable("xai_management", "the collection is gone")

    async def _file_is_there(self, file_id: str) -> bool:
        """Gone is what is said twice."""
        for _ in range(2):
            if await self._parts.files.exists(file_id):
                return True
            await self._parts.clock.sleep(AGAIN_SECONDS)
        return False

    async def detach(self, step: Detach, file: File) -> File:
        placement = file.placements[step.record]
        if file.file_id:
            await self._parts.collections.detach(placement.collection_id, file.file_id)
        return await self._kept(changes.without(file, step.record))

    async def ask(self, step: Ask, file: File) -> tuple[File, str]:
        """Also what xAI said of a failure. That it is not there is asked twice."""
        placement = file.placements[step.record]
        told = await self._parts.collections.indexed(placement.collection_id, file.file_id)
        if told is None:
            await self._parts.clock.sleep(AGAIN_SECONDS)
            told = await self._parts.collections.indexed(placement.collection_id, file.file_id)
        if self._is_daily(placement.status, told) and not await self._file_is_there(file.file_id):
            return await self._kept(changes.lost(file, is_file_gone=True, record=step.record)), ""
        seen = answered(placement, told, self._now())
        return await self._kept(changes.placed(file, seen)), told.message if told else ""

    @staticmethod
    def _is_daily(known: Indexing, told: Indexed | None) -> bool:
        """xAI lists a deleted file for a while: once a day the file itself is asked for as well."""
        return told is None or (known is Indexing.PROCESSED and told.status is Indexing.PROCESSED)

    async def reindex(self, step: Reindex, file: File) -> File:
        placement = file.placements[step.record]
        await self._parts.collections.reindex(placement.collection_id, file.file_id)
        return await self._kept(changes.placed(file, indexed_again(placement, self._now(), afresh=step.afresh)))

    async def delete(self, file: File) -> File:
        """At xAI, with what a lost upload may have left. Then no transfer of it is out any more."""
        files = self._parts.files
        if file.intent_at is not None:
            found = await files.find(prefix_of(file.sha256), file.intent_at)
            if not found and not file.file_id:
                self._ensure_over(file)
            for each in found:
                await files.delete(each)
        if file.file_id:
            await files.delete(file.file_id)
        gone = changes.forgotten(file)
        await self._parts.store.save_file(gone, taken_back=None)
        return gone

    async def release(self, file: File) -> File:
        return await self._kept(changes.released(file, self._now()))

    async def take_back(self, sha256: str, record: RecordKey, lease: Lease) -> None:
        """Out of one record's collection; out of xAI where no other active record needs it."""
        parts = self._parts
        async with parts.locks.hold(f"file:{sha256}") as held:
            file = await parts.store.open_file(sha256)
            lease.ensure()
            held.ensure()
            placement = file.placements.get(record)
            if placement is not None and file.file_id:
                await parts.collections.detach(placement.collection_id, file.file_id)
            if changes.is_needed_without(file, record):
                await parts.store.save_file(changes.without(file, record), taken_back=[record])
            else:
                await self.delete(file)

    async def _kept(self, file: File) -> File:
        await self._parts.store.save_file(file)
        return file

    def _now(self) -> datetime:
        return self._parts.clock.now()
