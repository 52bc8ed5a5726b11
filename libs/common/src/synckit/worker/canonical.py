"""The one line an event leaves in the log, and the same for the metrics. Ids and counts only."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from synckit.events import ChangeEvent
from synckit.log import logging
from synckit.log.checked_text import Ident, Word, ident, word
from synckit.log.known_lines import KnownLine
from synckit.worker.delivery import Delivery
from synckit.worker.lanes import Item
from synckit.worker.observer import Handled, WorkerObserver
from synckit.worker.ports import Timers
from synckit.worker.runner import Settled


class HandledLine(KnownLine, kw_only=True, gc=False):
    """One run of a worker and what came of it. What a record that is no event lacks is left out."""

    told: ClassVar[str] = "worker.handled"
    topic: Word
    partition: int
    offset: int
    type: Word
    outcome: Word
    reason: Word
    seconds: float
    attempts: int
    coalesced: int
    entity: Word | msgspec.UnsetType = msgspec.UNSET
    event_id: Ident | msgspec.UnsetType = msgspec.UNSET
    entity_id: Ident | msgspec.UnsetType = msgspec.UNSET
    traceparent: Ident | msgspec.UnsetType | None = msgspec.UNSET


def tell(settled: Settled, newest: Delivery, item: Item, timers: Timers, observer: WorkerObserver) -> None:
    """`newest` is the item's last record, `settled` what came of it."""
    event = settled.event
    seconds = timers.monotonic() - item.first_started
    coalesced = max(len(item.entries), 1)
    line = HandledLine(
        topic=word(newest.topic),
        partition=newest.partition,
        offset=newest.offset,
        type=word(event.type if event else ""),
        outcome=word(settled.outcome),
        reason=word(settled.reason),
        seconds=round(seconds, 4),
        attempts=item.attempts,
        coalesced=coalesced,
    )
    if event is not None:
        _identify(line, event)
    logging.tell(line)
    observer.handled(
        Handled(
            topic=newest.topic,
            entity=event.entity if event else "",
            action=event.action if event else "",
            outcome=settled.outcome,
            reason=settled.reason,
            seconds=seconds,
            waited=max(0.0, timers.wall() - seconds - _due(settled, newest)) if newest.timestamp > 0 else 0.0,
            attempts=item.attempts,
            coalesced=coalesced,
        )
    )


def _due(settled: Settled, newest: Delivery) -> float:
    """Since when somebody waits: what was to wait is not late."""
    wished = settled.event.not_before if settled.event else None
    return max(newest.timestamp, wished.timestamp()) if wished else newest.timestamp


def _identify(line: HandledLine, event: ChangeEvent) -> None:
    """Which record and which event it was."""
    line.entity, line.event_id, line.entity_id = word(event.entity), ident(event.id), ident(event.entity_id)
    line.traceparent = None if event.traceparent is None else ident(event.traceparent)
