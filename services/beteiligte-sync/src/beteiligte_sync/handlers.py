"""One event in, one outcome out: the event only says which record to look at."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from beteiligte_sync.domain.links import looks
from recordsync import Cause, Engine
from recordsync import Outcome as Synced
from synckit.errors import CircuitOpen, CredentialsRefused, InvalidEvent, PermanentError, RateLimited, TransientError
from synckit.events import ENTITY_ID, RECORDS, Action, ChangeEvent
from synckit.handling import Attempt, Done, Outcome
from synckit.ports import Publisher

log = structlog.get_logger(__name__)
OUR_OWN = frozenset({"redis", "postgres", "kafka"})
"""Without these nothing is synced and nothing is remembered: no record is at fault, so all of them wait."""
NO_RECORDS_FAULT = (CircuitOpen, CredentialsRefused, RateLimited)
"""A remote as a whole is in trouble, or wants us to go slower, or does not know us any more."""
ACTIONS: frozenset[str] = frozenset(Action)
Observe = Callable[[str, Synced], None]


def accepts(event: ChangeEvent) -> None:
    """InvalidEvent where it is no event of a record: another domain's, an action or an id that no record has."""
    if event.domain != RECORDS or event.action not in ACTIONS:
        raise InvalidEvent("no action of a record")
    if not ENTITY_ID.match(event.entity_id):
        raise InvalidEvent("id is not 1 to 36 letters, digits, dashes")


class SyncHandler:
    """Handles the events of one entity. All four actions come to the same look."""

    def __init__(self, entity: str, engine: Engine, observe: Observe = lambda _entity, _outcome: None) -> None:
        self._entity = entity
        self._engine = engine
        self._observe = observe

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        if event.entity != self._entity:
            raise InvalidEvent(f"{event.type} does not belong on this topic")
        cause = Cause(event.id, event.traceparent or "")
        synced = await self._engine.sync(event.entity_id, cause)
        self._observe(self._entity, synced)
        self._log(event.entity_id, synced)
        return Done(synced.result)

    def _log(self, record_id: str, synced: Synced) -> None:
        """What a remote refused, without any value: those are at the record, in the words of its users."""
        for each in synced.refused:
            log.warning(
                "sync.refused",
                entity=self._entity,
                left_id=record_id,
                upstream=each.upstream,
                code=each.status,
                rule=each.rule,
                field=each.field,
            )
        if synced.undeliverable:
            log.error("sync.note_undeliverable", entity=self._entity, left_id=record_id, count=synced.undeliverable)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """Parks the record. Raises the error again, and so stays unacked, where the fault is not the record's."""
        if isinstance(error, NO_RECORDS_FAULT) or getattr(error, "upstream", "") in OUR_OWN:
            raise error
        await self._engine.park(event.entity_id, error)

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """Not even the record's state could take it: the event goes to the dead letters with its reason."""
        raise error


class LinkHandler:
    """Passes links of our records on to their own topics, done once the broker has them. The rest is nobody's."""

    def __init__(self, entities: frozenset[str], publisher: Publisher) -> None:
        self._entities = entities
        self._publisher = publisher

    async def handle(self, _event: ChangeEvent, attempt: Attempt) -> Outcome:
        found = looks(attempt.events, self._entities)
        for topic, record in found.items():
            await self._publisher.publish(topic, [record])
        return Done("passed_on" if found else "not_ours")

    async def give_up(self, _event: ChangeEvent, error: TransientError, _attempt: Attempt) -> None:
        """Only the broker can be in trouble here: the link stays unacked, and waits for it."""
        raise error

    async def refused(self, _event: ChangeEvent, error: PermanentError) -> None:
        """To the dead letters."""
        raise error
