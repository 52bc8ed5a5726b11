"""A run that a person or a program asks for: queued, published, and then asked about by its id."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from calendar_sync.domain.rounds import Employee, in_order
from kanzlei.calendar_events import employee_event
from kanzlei.topics import CALENDAR_SYNC
from synckit.errors import PermanentError, SyncError
from synckit.events import encode
from synckit.ports import Clock, Publisher

EVERYBODY = "ALL"
OPERATOR = "operator"
BATCH = 500


class UnknownKuerzel(PermanentError):
    """Nobody of this Kürzel works here, or did."""

    code = "unknown_kuerzel"


@dataclass(frozen=True, slots=True)
class Queued:
    """One run that was asked for."""

    kuerzel: str
    run_id: str


class Staff(Protocol):
    """Who works here."""

    async def active(self, *, fresh: bool = False) -> Collection[str]:
        """As of the last half minute, or as of now."""

    async def known(self) -> Mapping[str, Employee]: ...


class Book(Protocol):
    """Where runs are written down before they are published."""

    async def queued(self, runs: Mapping[str, str], origin: str) -> None: ...

    async def withdrawn(self, run_ids: Sequence[str]) -> None: ...


class ByHand:
    """Asks for runs. Answers once the broker has them."""

    def __init__(self, staff: Staff, book: Book, publisher: Publisher, clock: Clock) -> None:
        self._staff = staff
        self._book = book
        self._publisher = publisher
        self._clock = clock

    async def ask(self, kuerzel: str, *, origin: str = OPERATOR, traceparent: str | None = None) -> Sequence[Queued]:
        """One employee, or `ALL`. UnknownKuerzel, or the errors of broker, database and Advoware."""
        asked = [Queued(name, str(uuid.uuid4())) for name in await self._names(kuerzel)]
        run_ids = [one.run_id for one in asked]
        await self._book.queued({one.run_id: one.kuerzel for one in asked}, origin)
        at = self._clock.now()
        records = [
            encode(replace(employee_event(one.kuerzel, origin, at, traceparent=traceparent), id=one.run_id))
            for one in asked
        ]
        try:
            for start in range(0, len(records), BATCH):
                await self._publisher.publish(CALENDAR_SYNC, records[start : start + BATCH])
        except SyncError:
            await self._book.withdrawn(run_ids)
            raise
        return asked

    async def _names(self, kuerzel: str) -> Sequence[str]:
        wanted = unicodedata.normalize("NFC", kuerzel)
        active, known = await self._staff.active(), await self._staff.known()
        if wanted == EVERYBODY:
            return in_order(active, known)
        # Who began to work here this very minute is no stranger.
        if wanted in active or wanted in known or wanted in await self._staff.active(fresh=True):
            return [wanted]
        raise UnknownKuerzel("no employee of this Kürzel")
