"""What a worker counts of the events that it handles."""

from __future__ import annotations

from functools import lru_cache
from weakref import WeakSet

from prometheus_client import Counter, Histogram

from synckit.errors import (
    Ambiguous,
    AuthenticationRefused,
    InvalidEvent,
    MappingError,
    PermanentError,
    RemoteRejected,
)
from synckit.service.metrics import DEAD_LETTERS, SLOW, counter, expected, gauge, histogram, of
from synckit.worker.observer import Handled

EVENTS_HANDLED = counter("sync_events_handled_total", "Events done, by outcome.", "entity", "outcome")
EVENTS_COALESCED = counter("sync_events_coalesced_total", "Events merged into a waiting one of their record.", "entity")
EVENTS_SKIPPED = counter("sync_events_skipped_total", "Delivered again, and done by this process before.", "topic")
EVENTS_IN_FLIGHT = gauge("sync_events_in_flight", "Events whose handler runs.")
EVENTS_BUFFERED = gauge("sync_events_buffered", "Looks taken from the broker and not done; merged events are one.")
EVENTS_TAKEN = gauge(
    "sync_events_taken", "Events taken from the broker and not acknowledged, merged ones counted each."
)
EVENTS_HELD = gauge("sync_events_held", "Records held because of a bug: neither done nor in the dead letters.")
RETRIES = counter("sync_retries_total", "Tries in place after a transient failure.", "topic", "reason")
PARKED = counter("sync_parked_total", "Records put off to a due time.", "entity", "reason")
SYNC_SECONDS = histogram("sync_seconds", "One look at a record, reads and writes included.", SLOW, "entity", "outcome")
_REFUSALS = (PermanentError, InvalidEvent, MappingError, RemoteRejected, AuthenticationRefused, Ambiguous)
BURIED_FOR = ("bug", *(one.code for one in _REFUSALS))
"""Reasons of dead letters."""
FRESHNESS = histogram("sync_freshness_seconds", "From the event's receipt to its end.", SLOW, "entity")


class WorkerMetrics:
    """`synckit.worker.observer.WorkerObserver`. One an executor: the load of a process is that of all."""

    def __init__(self, *topics: str) -> None:
        """`topics`: those that are consumed. Their dead letters count from 0 on, so that the first one is seen."""
        expected(DEAD_LETTERS, topics, BURIED_FOR)
        self.buffered = self.running = self.taken = self.held = 0
        _WORKERS.add(self)

    def handled(self, run: Handled) -> None:
        handled, coalesced, seconds, freshness = _of_a_run(run.entity, run.outcome)
        handled.inc(run.coalesced)
        if run.coalesced > 1:
            coalesced.inc(run.coalesced - 1)
        seconds.observe(run.seconds)
        freshness.observe(run.waited + run.seconds)
        if run.outcome == "parked":
            of(PARKED, run.entity, run.reason).inc()

    def retried(self, topic: str, reason: str) -> None:
        of(RETRIES, topic, reason).inc()

    def dead_lettered(self, topic: str, reason: str) -> None:
        of(DEAD_LETTERS, topic, reason).inc()

    def skipped(self, topic: str) -> None:
        of(EVENTS_SKIPPED, topic).inc()

    def load(self, buffered: int, running: int, taken: int) -> None:
        """Only kept: it changes a few times an event, and is asked for a few times a minute."""
        self.buffered, self.running, self.taken = buffered, running, taken

    def holding(self, keys: int) -> None:
        self.held = keys


_WORKERS: WeakSet[WorkerMetrics] = WeakSet()
EVENTS_BUFFERED.set_function(lambda: sum(each.buffered for each in _WORKERS))
EVENTS_IN_FLIGHT.set_function(lambda: sum(each.running for each in _WORKERS))
EVENTS_TAKEN.set_function(lambda: sum(each.taken for each in _WORKERS))
EVENTS_HELD.set_function(lambda: sum(each.held for each in _WORKERS))


@lru_cache(maxsize=1024)
def _of_a_run(entity: str, outcome: str) -> tuple[Counter, Counter, Histogram, Histogram]:
    """What every run counts: handled, coalesced, seconds, freshness."""
    return (
        EVENTS_HANDLED.labels(entity, outcome),
        EVENTS_COALESCED.labels(entity),
        SYNC_SECONDS.labels(entity, outcome),
        FRESHNESS.labels(entity),
    )
