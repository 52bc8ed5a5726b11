"""Erstgespräche whose time has come: one event in, one read, at most one write. A room beside the records'.

They are synced with nothing, so there is no memory, no lock and no brake: what is in EspoCRM decides, each time anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from beteiligte_sync.domain.consultation import Verdict, verdict
from beteiligte_sync.handlers import NO_RECORDS_FAULT, OUR_OWN
from kanzlei.consultations import NEW, STATUS
from kanzlei.office_hours import OfficeHours
from synckit.errors import PermanentError, TransientError
from synckit.events import ENTITY_ID, ChangeEvent
from synckit.handling import Attempt, Done, Outcome
from synckit.ports import Clock, Payload, Snapshot
from synckit.service.explain import Explained

log = structlog.get_logger(__name__)


class Consultations(Protocol):
    """EspoCRM's records of this type."""

    async def read(self, record_id: str) -> Snapshot | None: ...

    async def update_unmoved(self, record_id: str, payload: Payload, version: str | None) -> Snapshot:
        """StaleVersion where somebody has saved the record since this version."""


class ConsultationHandler:
    """Handles `vmh.erstgespraeche.check`. Twice is once: who comes second finds it moved."""

    def __init__(
        self, records: Consultations, hours: OfficeHours, clock: Clock, wrote: Callable[[], None] = lambda: None
    ) -> None:
        self._records = records
        self._hours = hours
        self._clock = clock
        self._wrote = wrote

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        """StaleVersion, where a person was quicker, is tried again: their change is read, and then decides."""
        seen = await self._records.read(event.entity_id)
        found = verdict(seen.payload if seen else None, self._clock.now(), self._hours)
        if seen is not None and found is Verdict.RESET:
            await self._records.update_unmoved(event.entity_id, {STATUS: NEW}, seen.version)
            self._wrote()
            log.info("consultation.reset", record_id=event.entity_id)
        return Done(found.value)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """The ticker asks again as long as the record waits; raised, and so unacked, where it is no record's fault."""
        if isinstance(error, NO_RECORDS_FAULT) or getattr(error, "upstream", "") in OUR_OWN:
            raise error
        log.warning("consultation.given_up", record_id=event.entity_id, reason=error.code, error=str(error))

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """To the dead letters: EspoCRM will refuse it again until a person has mended why."""
        raise error


class ConsultationExplainer:
    """`synckit.service.explain.Explainer`, by the handler's own verdict."""

    def __init__(self, records: Consultations, hours: OfficeHours, clock: Clock) -> None:
        self._records = records
        self._hours = hours
        self._clock = clock

    async def explain(self, name: str) -> Explained | None:
        seen = await self._records.read(name) if ENTITY_ID.match(name) else None
        if seen is None:
            return None
        found = verdict(seen.payload, self._clock.now(), self._hours)
        return Explained(found.value, {"espocrm": int(found is Verdict.RESET)}, {"espocrm": name})
