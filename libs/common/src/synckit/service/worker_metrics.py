"""What a worker counts of the events that it handles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from weakref import WeakSet

from prometheus_client import Counter, Histogram

from synckit.errors import (
    Ambiguous,
    AuthenticationRefused,
    Implausible,
    InvalidEvent,
    Locked,
    MappingError,
    PermanentError,
    RateLimited,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    TooSlow,
    TransientError,
)
from synckit.service.metrics import CALLS, DEAD_LETTERS, SLOW, counter, expected, gauge, histogram, of
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
LAG = gauge("sync_consumer_lag_records", "Records of our partitions that are not acknowledged yet.", "topic")
OLDEST = gauge(
    "sync_oldest_event_seconds", "Age of the oldest event that is taken and not done; 0 where there is none.", "entity"
)
_REFUSALS = (PermanentError, InvalidEvent, MappingError, RemoteRejected, AuthenticationRefused, Ambiguous)
BURIED_FOR = ("bug", *(one.code for one in _REFUSALS))
"""Reasons of dead letters."""
_TROUBLE = (Implausible, Locked, RateLimited, RemoteUnavailable, StaleVersion, TooSlow, TransientError)
PARKED_FOR = tuple(one.code for one in _TROUBLE)
"""Reasons of parking. What is no record's fault parks nothing."""
FRESHNESS = histogram("sync_freshness_seconds", "From the event's receipt to its end.", SLOW, "entity")
CALLS_PER_CHANGE = histogram(
    "sync_calls_per_change", "Calls to remotes that one run of an event made.", CALLS, "entity", "outcome"
)


class WorkerMetrics:
    """`synckit.worker.observer.WorkerObserver`. One an executor: the load of a process is that of all."""

    def __init__(self, *topics: str) -> None:
        """`topics`: those that are consumed. Their dead letters count from 0 on, so that the first one is seen."""
        expected(DEAD_LETTERS, topics, BURIED_FOR)
        expected(PARKED, map(noun_of, topics), PARKED_FOR)
        expected(LAG, topics)
        expected(OLDEST, map(noun_of, topics))
        _TOPICS.update(topics)
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


_TOPICS: set[str] = set()
_WORKERS: WeakSet[WorkerMetrics] = WeakSet()
EVENTS_BUFFERED.set_function(lambda: sum(each.buffered for each in _WORKERS))
EVENTS_IN_FLIGHT.set_function(lambda: sum(each.running for each in _WORKERS))
EVENTS_TAKEN.set_function(lambda: sum(each.taken for each in _WORKERS))
EVENTS_HELD.set_function(lambda: sum(each.held for each in _WORKERS))


def noun_of(topic: str) -> str:
    """The last word of a topic's name, as its events say it."""
    return topic.rpartition(".")[2]


def standing(lags: Mapping[str, int], oldest: Mapping[str, float], now: float) -> None:
    """How far behind this process is: topic → records, topic → epoch seconds of the oldest. Once a second."""
    for topic in _TOPICS:
        of(LAG, topic).set(lags.get(topic, 0))
        of(OLDEST, noun_of(topic)).set(max(0.0, now - oldest.get(topic, now)))


def calls_made(entity: str, outcome: str, count: int) -> None:
    """Of one run."""
    of(CALLS_PER_CHANGE, entity, outcome).observe(count)


@lru_cache(maxsize=1024)
def _of_a_run(entity: str, outcome: str) -> tuple[Counter, Counter, Histogram, Histogram]:
    """What every run counts: handled, coalesced, seconds, freshness."""
    return (
        EVENTS_HANDLED.labels(entity, outcome),
        EVENTS_COALESCED.labels(entity),
        SYNC_SECONDS.labels(entity, outcome),
        FRESHNESS.labels(entity),
    )
