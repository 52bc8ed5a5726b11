"""Looks as events: `ports.Calls`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from document_sync.domain.events import call_document, call_record
from document_sync.domain.values import RecordKey
from kanzlei.topics import DOKUMENTE, SAMMLUNGEN
from synckit.events import ChangeEvent, encode
from synckit.ports import Clock, Publisher

BATCH = 500


class KafkaCalls:
    """One event a record or document; those that wait for the same one are merged by whoever handles them."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def records(self, keys: Collection[RecordKey]) -> None:
        await self._publish(SAMMLUNGEN, [call_record(key, self._clock.now()) for key in sorted(keys)])

    async def documents(self, documents: Collection[str]) -> None:
        await self._publish(DOKUMENTE, [call_document(one, self._clock.now()) for one in sorted(documents)])

    async def due_documents(self, documents: Collection[str]) -> None:
        """Nobody says that they have changed: their time has come."""
        now = self._clock.now()
        await self._publish(DOKUMENTE, [call_document(one, now, is_due=True) for one in documents])

    async def _publish(self, topic: str, events: Sequence[ChangeEvent]) -> None:
        records = [encode(event) for event in events]
        for start in range(0, len(records), BATCH):
            await self._publisher.publish(topic, records[start : start + BATCH])
