"""The registry that `/metrics` shows, how metrics are made, and those that every service has.

A service's own stand in its `metrics.py`, and only what a process imports is shown by it. Each metric has a sentence;
labels are words of ours (entity, outcome, reason, upstream, code …), never ids. A label set that an alert looks at is
there with 0 from the start: make it where the metric is made, or by `expected`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from synckit import VERSION

M = TypeVar("M", Counter, Gauge, Histogram)
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0)
SLOW = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
CALLS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 25, 50, 100)


def counter(name: str, sentence: str, *labels: str) -> Counter:
    return Counter(name, sentence, labels, registry=REGISTRY)


def gauge(name: str, sentence: str, *labels: str) -> Gauge:
    return Gauge(name, sentence, labels, registry=REGISTRY)


def histogram(name: str, sentence: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, sentence, labels, buckets=buckets, registry=REGISTRY)


EVENTS_PUBLISHED = counter("sync_events_published_total", "Events acknowledged by the broker.", "entity", "action")
DEAD_LETTERS = counter("sync_dead_letters_total", "Messages that went to a dead-letter topic.", "topic", "reason")
LOG_LINES_LOST = counter("sync_log_lines_lost_total", "Log lines that standard output did not take.")
BUILD_INFO = gauge(
    "sync_build_info",
    "1, of the version that runs; the commit that it was built from, and the schema that it was written for.",
    "service",
    "version",
    "revision",
    "schema",
)
READY = gauge("sync_ready", "1 where this check of /health/ready passes, as of the scrape.", "check")


@lru_cache(maxsize=4096)
def of(metric: M, *labels: str) -> M:
    """Looking a metric up by its labels costs more than counting."""
    return metric.labels(*labels)


def published(entity: str, action: str, count: int) -> None:
    of(EVENTS_PUBLISHED, entity, action).inc(count)


def dead_letter(topic: str, reason: str) -> None:
    """`topic` is where the message came from."""
    of(DEAD_LETTERS, topic, reason).inc()


def expected(metric: Counter | Gauge, *values: Iterable[str]) -> None:
    """Makes the label sets of all combinations, at 0: an alert can't see the first one of what was never there."""
    for labels in product(*values):
        metric.labels(*labels)


def built(service: str, revision: str = "", schema: str = "") -> None:
    """Says once which service this process is, and of which build. `schema`: "" for one without a database."""
    BUILD_INFO.labels(service, VERSION, revision, schema).set(1)


def ready(checks: Iterable[str], failing: Iterable[str]) -> None:
    """What `/health/ready` would say now, a series a check: a rule can't ask an address."""
    bad = frozenset(failing)
    for check in checks:
        READY.labels(check).set(check not in bad)


def log_lines_lost(count: int) -> None:
    """The reader has gone, or its disk is full: there is no other place to say it."""
    LOG_LINES_LOST.inc(count)
