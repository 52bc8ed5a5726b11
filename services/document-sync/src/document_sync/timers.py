"""What document-sync does by the clock, each once in the whole cluster; and the gauges, which every replica shows.

Due, failed, changed since the cursor, not looked at for a day, not needed for a month, and the end of old rows. A
failure ends neither the timer nor the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from document_sync import metrics
from document_sync.domain.values import RecordKey
from synckit.errors import SyncError
from synckit.ports import Clock

log = structlog.get_logger(__name__)
DAY = timedelta(days=1)
OVERLAP = timedelta(minutes=2)
"""EspoCRM's times are whole seconds, and a save may become visible late."""
MOST = 500
AUDIT_SECONDS = 24 * 3600.0
GAUGE_SECONDS, DAILY_SECONDS, SWEEP_SECONDS, RETENTION_SECONDS = 15.0, 300.0, 3600.0, 6 * 3600.0


class Once(Protocol):
    """Who comes first in an interval does the work, in the whole cluster."""

    async def claim(self, name: str, every: timedelta) -> bool: ...

    async def give_back(self, name: str, every: timedelta) -> None: ...


class Lists(Protocol):
    """What is remembered to be due."""

    async def due_documents(self, most: int) -> Sequence[str]: ...

    async def due_records(self, most: int) -> Sequence[RecordKey]: ...

    async def documents_not_looked_at(self, before: datetime, most: int) -> Sequence[str]: ...

    async def records_not_looked_at(self, before: datetime, most: int) -> Sequence[RecordKey]: ...

    async def switched_on(self, kind: str, ids: Sequence[str]) -> Collection[str]:
        """Those of these records that we know to be on, or to have something out there."""

    async def cursor(self, name: str) -> datetime: ...

    async def move_cursor(self, name: str, at: datetime) -> None: ...


class Calls(Protocol):
    """Events: a look each."""

    async def records(self, keys: Collection[RecordKey]) -> None: ...

    async def documents(self, documents: Collection[str]) -> None: ...

    async def due_documents(self, documents: Collection[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Change:
    """A row of EspoCRM's list. `is_on`: its switch; of a document None."""

    id: str
    at: datetime
    is_on: bool | None = None


class Changed(Protocol):
    """EspoCRM's list of one type, oldest change first."""

    def __call__(self, kind: str, since: datetime) -> AsyncIterator[Change]: ...


class Counts(Protocol):
    """How everything stands, in numbers."""

    async def standing(self) -> Standing: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """For the gauges. `states`: documents by state."""

    states: Mapping[str, int]
    collections: int
    held: int
    out: int
    unneeded: int
    oldest_due_seconds: float


class Ticker:
    """Finds what has to be looked at, and calls it."""

    def __init__(self, lists: Lists, calls: Calls, clock: Clock) -> None:
        self._lists = lists
        self._calls = calls
        self._clock = clock
        self._seen: dict[str, frozenset[Change]] = {}

    async def due(self) -> None:
        """Indexing that may be over, and what failed and is tried again."""
        await self._calls.due_documents(await self._lists.due_documents(MOST))
        await self._calls.records(await self._lists.due_records(MOST))

    async def daily(self) -> None:
        """What nobody has looked at for a day. Several portions an hour, so that no storm comes at midnight."""
        before = self._clock.now() - DAY
        await self._calls.documents(await self._lists.documents_not_looked_at(before, MOST))
        await self._calls.records(await self._lists.records_not_looked_at(before, MOST))

    async def changed(self, changed: Changed, document_type: str, types: Collection[str]) -> None:
        """For webhooks that were lost: all that has changed since the cursor, which moves behind what was called."""
        for kind in (document_type, *sorted(types)):
            cursor = await self._lists.cursor(kind)
            seen, batch = set[Change](), list[Change]()
            async for change in changed(kind, cursor - OVERLAP):
                seen.add(change)
                if change not in self._seen.get(kind, ()):
                    batch.append(change)
                if len(batch) >= MOST:
                    await self._called(kind, document_type, batch)
                    batch = []
            await self._called(kind, document_type, batch)
            # What the overlap shows again was called by the pass before.
            self._seen[kind] = frozenset(seen)
            await self._lists.move_cursor(kind, max((change.at for change in seen), default=cursor))

    async def _called(self, kind: str, document_type: str, changes: Sequence[Change]) -> None:
        """Of records only those whose switch is not as we know it: people edit them all day."""
        ids = [change.id for change in changes]
        if kind == document_type or not ids:
            await self._calls.documents(ids)
            return
        known = await self._lists.switched_on(kind, ids)
        moved = [change.id for change in changes if (change.is_on is True) != (change.id in known)]
        await self._calls.records([RecordKey(kind, each) for each in moved])


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is done every so many seconds. `everywhere`: by each replica, not by one of them."""

    name: str
    seconds: float
    carry_out: Callable[[], Awaitable[object]]
    everywhere: bool = False


class DutyLoop:
    """Does one duty for ever."""

    def __init__(self, duty: Duty, once: Once, clock: Clock) -> None:
        self._duty = duty
        self._once = once
        self._clock = clock

    async def forever(self) -> None:
        while True:
            await self.step()
            await self._clock.sleep(self._duty.seconds)

    async def step(self) -> bool:
        """True where it was ours, and done."""
        duty, every = self._duty, timedelta(seconds=self._duty.seconds)
        claimed = False
        try:
            claimed = duty.everywhere or await self._once.claim(duty.name, every)
            if claimed:
                await duty.carry_out()
        except SyncError as error:
            log.warning("timer_failed", timer=duty.name, reason=error.code, error=str(error))
        except Exception:
            log.exception("timer_failed", timer=duty.name, reason="bug")
        else:
            return claimed
        if claimed and not duty.everywhere:
            await self._give_back(every)
        return False

    async def _give_back(self, every: timedelta) -> None:
        try:
            await self._once.give_back(self._duty.name, every)
        except SyncError as error:
            log.warning("timer_failed", timer=self._duty.name, reason=error.code)


async def show(counts: Counts) -> None:
    """As gauges."""
    standing = await counts.standing()
    for state in metrics.STATES:
        metrics.DOCUMENTS.labels(state).set(standing.states.get(state, 0))
    metrics.COLLECTIONS.set(standing.collections)
    metrics.HELD.set(standing.held)
    metrics.OUT.set(standing.out)
    metrics.UNNEEDED.set(standing.unneeded)
    metrics.OLDEST_DUE.set(standing.oldest_due_seconds)
