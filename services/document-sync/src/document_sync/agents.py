"""What comes in by Kafka: looks at documents and at records, and what is passed on to one of the two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from document_sync.domain.events import (
    DOCUMENTS,
    accepts_documents,
    accepts_links,
    is_only_due,
    moves_switch,
    record_keys,
)
from document_sync.domain.values import RecordKey
from document_sync.handlers import Cause, Looked
from document_sync.handlers.record_look import RecordLooked
from kanzlei.nouns import BY_TYPE
from synckit.errors import (
    AuthenticationRefused,
    CircuitOpen,
    CredentialsRefused,
    InvalidEvent,
    PermanentError,
    RateLimited,
    TransientError,
)
from synckit.events import ChangeEvent
from synckit.faust import SafeApp, keyed_agent
from synckit.handling import Attempt, Done, Outcome
from synckit.worker import KeyedExecutor

log = structlog.get_logger(__name__)
OUR_OWN = frozenset({"redis", "postgres", "kafka"})
"""Without these nothing is remembered: no document is at fault, so the event waits unacked."""
NO_DOCUMENTS_FAULT = (CircuitOpen, CredentialsRefused, RateLimited)
Observe = Callable[[str, str], None]


class Documents(Protocol):
    """`handlers.DocumentLooks`."""

    async def look(self, document: str, cause: Cause, *, may_be_light: bool = False) -> Looked: ...

    async def give_up(self, document: str, error: TransientError) -> None: ...


class Records(Protocol):
    """`handlers.RecordLooks`."""

    async def look(self, key: RecordKey, cause: Cause, *, calls: bool = True) -> RecordLooked: ...

    async def give_up(self, key: RecordKey, error: TransientError) -> None: ...


class Calls(Protocol):
    """`ports.Calls`."""

    async def records(self, keys: Collection[RecordKey]) -> None: ...

    async def documents(self, documents: Collection[str]) -> None: ...


class DocumentHandler:
    """Handles `vmh.dokumente.*`: all actions come to the same look."""

    def __init__(self, documents: Documents, observe: Observe = lambda _noun, _result: None) -> None:
        self._documents = documents
        self._observe = observe

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        cause = Cause(event.id)
        try:
            looked = await self._documents.look(event.entity_id, cause, may_be_light=is_only_due(attempt.events))
        except AuthenticationRefused as error:
            raise _waits_for_credentials(error) from None
        self._observe("document", looked.result)
        log.info("documents.looked", entity_id=event.entity_id, outcome=looked.result, reason=str(looked.state))
        return Done(looked.result)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """Due again later. Raises the error again, and so stays unacked, where the fault is not the document's."""
        if isinstance(error, NO_DOCUMENTS_FAULT) or getattr(error, "upstream", "") in OUR_OWN:
            raise error
        await self._documents.give_up(event.entity_id, error)

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """Not even the document's state could take it: the event goes to the dead letters with its reason."""
        raise error


class RecordHandler:
    """Handles `vmh.sammlungen.*`."""

    def __init__(
        self, records: Records, types: Collection[str], observe: Observe = lambda _noun, _result: None
    ) -> None:
        self._records = records
        self._types = types
        self._observe = observe

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        result = "not_ours"
        for key in record_keys(event, self._types):
            try:
                looked = await self._records.look(key, Cause(event.id))
            except AuthenticationRefused as error:
                raise _waits_for_credentials(error) from None
            result = looked.result
            self._observe("record", result)
            log.info("documents.record_looked", entity_id=key.id, outcome=result, reason=str(looked.phase))
        return Done(result)

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """As for documents."""
        if isinstance(error, NO_DOCUMENTS_FAULT) or getattr(error, "upstream", "") in OUR_OWN:
            raise error
        for key in record_keys(event, self._types):
            await self._records.give_up(key, error)

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """To the dead letters."""
        raise error

    def accepts(self, event: ChangeEvent) -> None:
        """InvalidEvent where it names no record that could have a collection."""
        record_keys(event, self._types)


@dataclass(frozen=True, slots=True)
class PassOn:
    """Links and other nouns' events: what concerns us becomes a look on a topic of our own, the rest is nobody's.

    `switches`: record type → its field of the switch.
    """

    calls: Calls
    switches: Mapping[str, str]

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        documents = {one.entity_id for one in attempt.events if one.entity == DOCUMENTS}
        records = {key for one in attempt.events for key in self._moved(one)}
        if documents:
            await self.calls.documents(documents)
        if records:
            await self.calls.records(records)
        return Done("passed_on" if documents or records else "not_ours")

    def _moved(self, event: ChangeEvent) -> tuple[RecordKey, ...]:
        kinds = [kind for kind, noun in BY_TYPE.items() if noun.name == event.entity and kind in self.switches]
        return tuple(RecordKey(kind, event.entity_id) for kind in kinds if moves_switch(event, self.switches[kind]))

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        """Only the broker can be in trouble here: the event stays unacked, and waits for it."""
        raise error

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        """To the dead letters."""
        raise error


def _waits_for_credentials(error: AuthenticationRefused) -> CredentialsRefused:
    """No document's fault: it waits until a person has mended the key."""
    return CredentialsRefused(error.upstream, "our credentials are refused", retry_after=error.retry_after)


def accepts_records(event: ChangeEvent) -> None:
    """InvalidEvent for what no topic of records promises."""
    if event.entity not in {noun.name for noun in BY_TYPE.values()}:
        raise InvalidEvent("no event of a record")


def attach(app: SafeApp, topics: Mapping[str, KeyedExecutor]) -> None:
    """Feeds each topic to its executor."""
    for topic, executor in topics.items():
        keyed_agent(app, topic, executor)


ACCEPTS = {"documents": accepts_documents, "links": accepts_links, "records": accepts_records}
"""What each kind of topic promises."""
