"""Every metric once, with a sentence. Labels are words of ours (entity, outcome, reason, upstream, code …), never ids.

The functions are what the code calls; names of metrics appear nowhere else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar
from weakref import WeakSet

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from synckit.worker.observer import Handled

M = TypeVar("M", Counter, Gauge, Histogram)
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0)
_SYNC = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


def _counter(name: str, sentence: str, *labels: str) -> Counter:
    return Counter(name, sentence, labels, registry=REGISTRY)


def _gauge(name: str, sentence: str, *labels: str) -> Gauge:
    return Gauge(name, sentence, labels, registry=REGISTRY)


def _histogram(name: str, sentence: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, sentence, labels, buckets=buckets, registry=REGISTRY)


WEBHOOKS = _counter("sync_webhooks_total", "Webhook requests by what became of them.", "entity", "action", "outcome")
WEBHOOK_SECONDS = _histogram("sync_webhook_seconds", "From the request's headers to our answer.", _FAST, "outcome")
WEBHOOKS_IN_FLIGHT = _gauge("sync_webhooks_in_flight", "Webhook requests being handled.")
WEBHOOK_SECRETS = _gauge("sync_webhook_secrets", "Webhook ids whose key is known.")
WEBHOOK_SECRETS_STALE = _gauge(
    "sync_webhook_secrets_stale", "1 while the secrets file can't be read: the old ones stand."
)
EVENTS_PUBLISHED = _counter("sync_events_published_total", "Events acknowledged by the broker.", "entity", "action")

EVENTS_HANDLED = _counter("sync_events_handled_total", "Events done, by outcome.", "entity", "outcome")
EVENTS_COALESCED = _counter(
    "sync_events_coalesced_total", "Events merged into a waiting one of their record.", "entity"
)
EVENTS_SKIPPED = _counter("sync_events_skipped_total", "Delivered again, and done by this process before.", "topic")
EVENTS_IN_FLIGHT = _gauge("sync_events_in_flight", "Events whose handler runs.")
EVENTS_BUFFERED = _gauge("sync_events_buffered", "Looks taken from the broker and not done; merged events are one.")
EVENTS_TAKEN = _gauge(
    "sync_events_taken", "Events taken from the broker and not acknowledged, merged ones counted each."
)
EVENTS_HELD = _gauge("sync_events_held", "Records held because of a bug: neither done nor in the dead letters.")
RETRIES = _counter("sync_retries_total", "Tries in place after a transient failure.", "topic", "reason")
PARKED = _counter("sync_parked_total", "Records put off to a due time.", "entity", "reason")
DEAD_LETTERS = _counter("sync_dead_letters_total", "Messages that went to a dead-letter topic.", "topic", "reason")
SYNC_SECONDS = _histogram(
    "sync_seconds", "One look at a record, reads and writes included.", _SYNC, "entity", "outcome"
)
FRESHNESS = _histogram("sync_freshness_seconds", "From the event's receipt to its end.", _SYNC, "entity")
CONFLICTS = _counter("sync_conflicts_total", "Fields that both sides had changed.", "entity")
NOTICES = _counter("sync_notices_total", "Notices sent to users.", "entity")
WRITES = _counter("sync_writes_total", "Writes to a remote, by the side that was written.", "entity", "direction")

REFUSED = _counter(
    "sync_refused_calls_total",
    "Calls that a remote refused while a record was synced; code is the status.",
    "entity",
    "upstream",
    "code",
)
UNDELIVERABLE = _counter(
    "sync_notes_undeliverable_total",
    "Looks with notes that nobody could be given: neither the user nor the record's stream takes them.",
    "entity",
)

API_CALLS = _counter(
    "sync_api_calls_total",
    "Calls to a remote; code is a status, or a word where no answer came.",
    "upstream",
    "method",
    "code",
)
API_SECONDS = _histogram("sync_api_call_seconds", "One call to a remote.", (*_FAST, 20.0, 60.0), "upstream", "method")
AUTH_REFUSED = _gauge(
    "sync_upstream_auth_refused", "1 while a remote refuses our credentials: a person must act.", "upstream"
)
CIRCUIT_OPEN = _gauge(
    "sync_upstream_circuit_open", "1 while a remote as a whole is in trouble and only probes are sent.", "upstream"
)
CLOCK_SKEW = _gauge(
    "sync_remote_clock_skew_seconds", "A remote's clock less the database's, as measured; ahead is positive.", "remote"
)

BAD_ROWS = _counter(
    "sync_bad_rows_total", "Rows left out of a remote's list because they are none; the log has their ids.", "upstream"
)

ESPOCRM_DIFFERENCES = _gauge(
    "sync_espocrm_differences", "Where EspoCRM is set up otherwise than we need it, at the last check.", "severity"
)

BRAKED = _counter(
    "sync_brake_held_total",
    "Looks held because of their source: its answer was doubted, or its sweep is held.",
    "entity",
    "source",
    "reason",
)
BRAKE_ENGAGED = _gauge("sync_brake_engaged", "1 while a source is held: it wants to lose too much at once.", "source")
BRAKE_WAITING = _gauge("sync_brake_waiting_records", "Records held because their source is not believed.", "source")

TICKER_RUNS = _counter("sync_ticker_runs_total", "Runs of a timer, by outcome.", "timer", "outcome")
TICKER_SECONDS = _histogram("sync_ticker_seconds", "One run of a timer.", _SYNC, "timer")
TICKER_EMITTED = _counter("sync_ticker_emitted_total", "sync_check events, by why.", "entity", "reason")
TICKER_LAST_SUCCESS = _gauge("sync_ticker_last_success_timestamp_seconds", "When a timer last succeeded.", "timer")
RETENTION_REFUSED = _gauge(
    "sync_retention_refused", "1 while nothing is removed: the database's clock leapt, a person must look."
)
PRUNED = _counter("sync_pruned_rows_total", "Rows of our memory removed because they had their time.", "table")

PROXY_CALLS = _counter("sync_proxy_calls_total", "Calls of the Advoware proxy's callers.", "method", "outcome", "code")
PROXY_SECONDS = _histogram("sync_proxy_seconds", "From a call's headers to the last byte answered.", _FAST, "outcome")
PROXY_IN_FLIGHT = _gauge("sync_proxy_in_flight", "Calls of the Advoware proxy being carried out.")
PROXY_AUDIT_WAITING = _gauge("sync_proxy_audit_waiting", "Lines of the proxy's audit that are not written yet.")

LOG_LINES_LOST = _counter("sync_log_lines_lost_total", "Log lines that standard output did not take.")


@lru_cache(maxsize=4096)
def _of(metric: M, *labels: str) -> M:
    """Looking a metric up by its labels costs more than counting."""
    return metric.labels(*labels)


@lru_cache(maxsize=1024)
def _of_a_webhook(entity: str, action: str, outcome: str) -> tuple[Counter, Histogram]:
    return WEBHOOKS.labels(entity, action, outcome), WEBHOOK_SECONDS.labels(outcome)


def webhook(entity: str, action: str, outcome: str, seconds: float) -> None:
    requests, durations = _of_a_webhook(entity, action, outcome)
    requests.inc()
    durations.observe(seconds)


def published(entity: str, action: str, count: int) -> None:
    _of(EVENTS_PUBLISHED, entity, action).inc(count)


def dead_letter(topic: str, reason: str) -> None:
    """`topic` is where the message came from."""
    _of(DEAD_LETTERS, topic, reason).inc()


class WorkerMetrics:
    """`synckit.worker.observer.WorkerObserver`. One an executor: the load of a process is that of all."""

    def __init__(self) -> None:
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
            _of(PARKED, run.entity, run.reason).inc()

    def retried(self, topic: str, reason: str) -> None:
        _of(RETRIES, topic, reason).inc()

    def dead_lettered(self, topic: str, reason: str) -> None:
        _of(DEAD_LETTERS, topic, reason).inc()

    def skipped(self, topic: str) -> None:
        _of(EVENTS_SKIPPED, topic).inc()

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


def conflicts(entity: str, count: int) -> None:
    _of(CONFLICTS, entity).inc(count)


def synced(entity: str, left_writes: int, right_writes: int, notices: int) -> None:
    """What one look wrote, and how many notes it sent."""
    _of(WRITES, entity, "to_left").inc(left_writes)
    _of(WRITES, entity, "to_right").inc(right_writes)
    _of(NOTICES, entity).inc(notices)


def refused(entity: str, upstream: str, status: int) -> None:
    """A call that a remote refused."""
    _of(REFUSED, entity, upstream, str(status)).inc()


def undeliverable(entity: str) -> None:
    """A look with notes that could be posted nowhere. They are tried again a day later."""
    _of(UNDELIVERABLE, entity).inc()


def braked(entity: str, source: str, reason: str) -> None:
    """A look that the brake for sweeps held."""
    _of(BRAKED, entity, source, reason).inc()


def brake(source: str, *, is_engaged: bool, waiting: int) -> None:
    """How a source stands, as our memory has it."""
    _of(BRAKE_ENGAGED, source).set(is_engaged)
    _of(BRAKE_WAITING, source).set(waiting)


def api_call(upstream: str, method: str, code: str, seconds: float) -> None:
    """One call to a remote: its status, or a word where none came. The `on_call` of the HTTP clients."""
    _of(API_CALLS, upstream, method, code).inc()
    _of(API_SECONDS, upstream, method).observe(seconds)
    if code.startswith("2"):
        _of(AUTH_REFUSED, upstream).set(0)


def auth_refused(upstream: str) -> None:
    """Good again with the next call that succeeds."""
    _of(AUTH_REFUSED, upstream).set(1)


def auth_accepted(upstream: str) -> None:
    """Also where another replica fetched the token that is good again."""
    _of(AUTH_REFUSED, upstream).set(0)


def bad_row(upstream: str) -> None:
    """A row that was left out of a list."""
    _of(BAD_ROWS, upstream).inc()


def circuit(upstream: str, is_open: bool) -> None:
    """The `on_circuit` of the HTTP clients."""
    _of(CIRCUIT_OPEN, upstream).set(is_open)


def espocrm_differences(severity: str, count: int) -> None:
    """What the check of the installation found."""
    _of(ESPOCRM_DIFFERENCES, severity).set(count)


def clock_skew(remote: str, seconds: float) -> None:
    """The `on_skew` of the remote clocks."""
    _of(CLOCK_SKEW, remote).set(seconds)


def ticker_run(timer: str, outcome: str, seconds: float, at: float) -> None:
    """`at` is epoch seconds."""
    _of(TICKER_RUNS, timer, outcome).inc()
    _of(TICKER_SECONDS, timer).observe(seconds)
    if outcome == "done":
        _of(TICKER_LAST_SUCCESS, timer).set(at)


def ticker_emitted(entity: str, reason: str, count: int) -> None:
    _of(TICKER_EMITTED, entity, reason).inc(count)


def pruned(table: str, rows: int) -> None:
    _of(PRUNED, table).inc(rows)


def retention_refused(is_refused: bool) -> None:
    """Whether the last run was."""
    RETENTION_REFUSED.set(is_refused)


def proxy_call(method: str, outcome: str, code: str, seconds: float) -> None:
    """`code` is the status that was answered."""
    _of(PROXY_CALLS, method, outcome, code).inc()
    _of(PROXY_SECONDS, outcome).observe(seconds)


def log_lines_lost(count: int) -> None:
    """The reader has gone, or its disk is full: there is no other place to say it."""
    LOG_LINES_LOST.inc(count)
