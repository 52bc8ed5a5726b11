"""An office, xAI and the service between them, with a clock that a test moves."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from fake_memory import FakeMemory
from fake_office import FakeOffice, FakeSpool, Matter
from fake_xai import FakeXai

from document_sync.domain.values import Phase, RecordKey
from document_sync.handlers import Cause, DocumentLooks, Looked, Parts, RecordLooks
from document_sync.handlers.record_look import RecordLooked
from document_sync.handlers.sweep import Sweep
from synckit.errors import Locked, SyncError, TransientError
from synckit.ports import Lease
from synckit.testing.clock import FakeClock
from synckit.testing.faults import Faults

T = TypeVar("T")
KLAGE, MIETER = RecordKey("CVmhRumungsklage", "k1"), RecordKey("CBeteiligte", "b1")


class FakeLease:
    """A lock that is held until a test takes it."""

    def __init__(self, locks: FakeLocks) -> None:
        self._locks = locks

    def ensure(self) -> None:
        if self._locks.is_lost:
            raise Locked("lost")

    async def during(self, write: Coroutine[Any, Any, T]) -> T:
        if self._locks.is_lost:
            write.close()
            raise Locked("lost")
        return await write


class FakeLocks:
    """`ports.Locks`, one holder a name."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.is_lost = False

    def hold(self, name: str) -> AbstractAsyncContextManager[Lease]:
        return self._hold(name)

    @asynccontextmanager
    async def _hold(self, name: str) -> AsyncIterator[Lease]:
        if name in self.held:
            raise Locked(f"{name} is held")
        self.held.add(name)
        try:
            yield FakeLease(self)
        finally:
            self.held.discard(name)


class FakeCalls:
    """`ports.Calls`: what waits, each once."""

    def __init__(self) -> None:
        self.waiting: deque[str | RecordKey] = deque()

    async def records(self, keys: Collection[RecordKey]) -> None:
        self._add(*sorted(keys))

    async def documents(self, documents: Collection[str]) -> None:
        self._add(*sorted(documents))

    def _add(self, *keys: str | RecordKey) -> None:
        self.waiting.extend(key for key in keys if key not in self.waiting)


class World:
    """All of it. `run` handles what waits; `settle` lets time pass until nothing is left to do."""

    def __init__(self, *, dry: bool = False) -> None:
        self.clock = FakeClock()
        self.faults = Faults()
        self.office = FakeOffice(self.faults)
        self.xai = FakeXai(self.clock, self.faults)
        self.memory = FakeMemory(self.clock, self.faults)
        self.spool = FakeSpool(self.office)
        self.locks = FakeLocks()
        self.calls = FakeCalls()
        parts = Parts(
            store=self.memory,
            office=self.office,
            files=self.xai.files,
            collections=self.xai.collections,
            spool=self.spool,
            calls=self.calls,
            locks=self.locks,
            clock=self.clock,
            dry=dry,
        )
        self.parts = parts
        self.documents, self.records = DocumentLooks(parts), RecordLooks(parts)
        self.sweep = Sweep(parts, keep=timedelta(days=30))

    # -- people -------------------------------------------------------------------------------------------------------

    async def switched(self, key: RecordKey, value: object) -> None:
        """A person moves the switch, and the record is looked at."""
        self.office.matters.setdefault(key, Matter()).switch = value
        await self.record(key)

    async def linked(self, document: str, *keys: RecordKey) -> Looked:
        for key in keys:
            self.office.join(document, key)
        return await self.look(document)

    # -- the service --------------------------------------------------------------------------------------------------

    async def look(self, document: str, *, light: bool = False) -> Looked:
        return await self.documents.look(document, Cause("e1"), may_be_light=light)

    async def record(self, key: RecordKey) -> RecordLooked:
        looked = await self.records.look(key, Cause("e1"))
        await self.run()
        return looked

    async def run(self) -> None:
        """Everything that waits, as long as it takes; what gives up waits for its time."""
        while self.calls.waiting:
            await self._handle(self.calls.waiting.popleft(), light=False)

    async def _handle(self, one: str | RecordKey, *, light: bool) -> None:
        try:
            if isinstance(one, RecordKey):
                await self.records.look(one, Cause("e1"))
            else:
                await self.look(one, light=light)
        except TransientError as error:
            await self._given_up(one, error)
        except SyncError:
            pass  # A refusal of the store's or of EspoCRM's: the day's look comes back to it.

    async def _given_up(self, one: str | RecordKey, error: TransientError) -> None:
        try:
            if isinstance(one, RecordKey):
                await self.records.give_up(one, error)
            else:
                await self.documents.give_up(one, error)
        except SyncError:
            pass

    async def pass_time(self, seconds: float) -> None:
        """The ticker's work at the end of it."""
        self.clock.advance(seconds)
        for document in await self.memory.due_documents(100):
            await self._handle(document, light=True)
        for key in await self.memory.due_records(100):
            await self._handle(key, light=False)
        await self.run()

    async def daily(self) -> None:
        """Everything is looked at, as once a day."""
        self.clock.advance(86_400)
        for key in sorted({*self.office.matters, *self.memory.sammlungen}):
            await self._handle(key, light=False)
        for document in sorted({*self.office.papers, *self.memory.documents}):
            await self._handle(document, light=False)
        await self.run()

    async def settle(self) -> None:
        """Until nothing is due."""
        for _ in range(40):
            await self.pass_time(10)
            if not await self.memory.due_documents(1) and not self._waits():
                return
        raise AssertionError(f"never quiet: {[row for row in self.memory.documents.values() if row.due]}")

    def _waits(self) -> bool:
        rows = [row for row in self.memory.documents.values() if row.due is not None]
        return bool(rows)

    # -- what is there ------------------------------------------------------------------------------------------------

    def in_collection(self, key: RecordKey) -> set[bytes]:
        """Contents of the files in a record's collections."""
        name = f"{key.type}-{key.id}"
        return {
            self.xai.all[file_id].content
            for one in self.xai.sammlungen.values()
            if one.name == name
            for file_id in one.documents
            if file_id in self.xai.all
        }

    def state(self, document: str) -> object:
        return self.office.papers[document].shown.get("xaiSyncStatus")

    def out(self) -> list[tuple[str, str]]:
        """Transfers that are not taken back: document, record."""
        return [(one.document, one.record.id) for one in self.memory.transfers if one.taken_back is None]

    def is_closed(self, key: RecordKey) -> bool:
        return self.memory.sammlungen[key].phase is Phase.CLOSED

    def forget_looks(self) -> None:
        """As if nobody had looked for a day."""
        self.memory.documents = {each: replace(row, looked_at=None) for each, row in self.memory.documents.items()}
