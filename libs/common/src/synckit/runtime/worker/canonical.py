"""The one line an event leaves in the log, and the same for the metrics. Ids and counts only."""

from __future__ import annotations

import structlog

from synckit.runtime.worker.delivery import Delivery
from synckit.runtime.worker.lanes import Item
from synckit.runtime.worker.observer import Handled, WorkerObserver
from synckit.runtime.worker.ports import Timers
from synckit.runtime.worker.runner import Settled

log = structlog.get_logger("synckit.worker")


def tell(settled: Settled, newest: Delivery, item: Item, timers: Timers, observer: WorkerObserver) -> None:
    """`newest` is the item's last record, `settled` what came of it. Its ids are bound to the context already."""
    event = settled.event
    seconds = timers.monotonic() - item.first_started
    coalesced = max(len(item.entries), 1)
    log.info(
        "worker.handled",
        topic=newest.topic,
        partition=newest.partition,
        offset=newest.offset,
        type=event.type if event else "",
        outcome=settled.outcome,
        reason=settled.reason,
        seconds=round(seconds, 4),
        attempts=item.attempts,
        coalesced=coalesced,
    )
    observer.handled(
        Handled(
            topic=newest.topic,
            entity=event.entity if event else "",
            action=event.action.value if event else "",
            outcome=settled.outcome,
            reason=settled.reason,
            seconds=seconds,
            waited=max(0.0, timers.wall() - seconds - newest.timestamp) if newest.timestamp > 0 else 0.0,
            attempts=item.attempts,
            coalesced=coalesced,
        )
    )
