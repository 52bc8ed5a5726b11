"""Every metric has a sentence, a base unit, and only labels that can't hold an id."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from kanzlei.nouns import ESPOCRM
from synckit.errors import PermanentError, RemoteUnavailable, TransientError
from synckit.events import Action, ChangeEvent
from synckit.handling import Attempt, Done, Outcome
from synckit.service import metrics, pool_metrics, remote_metrics, worker_metrics
from synckit.service.counted_calls import CountedCalls
from synckit.worker.observer import Handled, WorkerObserver

LABELS = {"entity", "action", "direction", "outcome", "reason", "upstream", "remote", "method", "code", "topic"}
LABELS |= {"service", "version", "revision", "schema", "check"}


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_names_sentences_and_labels_keep_to_the_house() -> None:
    modules = (metrics, pool_metrics, remote_metrics, worker_metrics)
    ours = [one for module in modules for one in vars(module).values() if hasattr(one, "_labelnames")]
    assert len(ours) > 20
    for metric in ours:
        assert metric._name.startswith("sync_")
        assert metric._documentation.endswith(".")
        assert set(metric._labelnames) <= LABELS
        if metric._type == "histogram":
            assert metric._name.endswith(("_seconds", "_per_change"))


def test_a_run_of_the_worker_is_counted_with_all_its_events() -> None:
    observer: WorkerObserver = worker_metrics.WorkerMetrics()
    before = value("sync_events_handled_total", entity="beteiligte", outcome="parked")
    observer.handled(Handled("vmh.beteiligte", "beteiligte", "update", "parked", "remote_unavailable", 0.2, 0.1, 1, 3))
    observer.load(7, 2, 11)
    observer.retried("vmh.beteiligte", "locked")
    observer.dead_lettered("vmh.beteiligte", "bug")
    observer.skipped("vmh.beteiligte")
    assert value("sync_events_handled_total", entity="beteiligte", outcome="parked") == before + 3
    assert value("sync_parked_total", entity="beteiligte", reason="remote_unavailable") == 1
    assert value("sync_events_buffered") == 7
    assert value("sync_events_in_flight") == 2
    assert value("sync_events_taken") == 11


def test_calls_to_a_remote_are_counted_by_status() -> None:
    remote_metrics.api_call("advoware", "GET", "503", 0.1)
    remote_metrics.auth_refused("advoware")
    assert value("sync_api_calls_total", upstream="advoware", method="GET", code="503") == 1
    assert value("sync_upstream_auth_refused", upstream="advoware") == 1
    remote_metrics.api_call("advoware", "GET", "200", 0.1)
    assert value("sync_upstream_auth_refused", upstream="advoware") == 0


def test_dead_letters_of_a_topic_count_from_nothing() -> None:
    """Else an alert would not see the first one: a series that begins at 1 has not risen."""
    worker_metrics.WorkerMetrics("a.topic")
    for reason in ("bug", "invalid_event", "remote_rejected"):
        assert metrics.REGISTRY.get_sample_value("sync_dead_letters_total", {"topic": "a.topic", "reason": reason}) == 0


def test_a_worker_shows_how_far_behind_it_is() -> None:
    worker_metrics.WorkerMetrics("far.behind")
    assert value("sync_consumer_lag_records", topic="far.behind") == 0
    worker_metrics.standing({"far.behind": 7, "nobodys.topic": 1}, {"far.behind": 100.0}, 160.0)
    assert value("sync_consumer_lag_records", topic="far.behind") == 7
    assert value("sync_oldest_event_seconds", entity="behind") == 60
    worker_metrics.standing({}, {"far.behind": 170.0}, 160.0)
    assert value("sync_consumer_lag_records", topic="far.behind") == 0
    assert value("sync_oldest_event_seconds", entity="behind") == 0, "a producer's clock may be ahead"
    assert metrics.REGISTRY.get_sample_value("sync_consumer_lag_records", {"topic": "nobodys.topic"}) is None


EVENT = ChangeEvent("beteiligte", "p1", Action.UPDATE, ESPOCRM, datetime(2026, 6, 1, tzinfo=UTC), id="e1")
ATTEMPT = Attempt(1, 0.0, (EVENT,))


class Calling:
    """Makes so many calls, each in a task of its own."""

    def __init__(self, calls: int, error: Exception | None = None) -> None:
        self.calls, self.error = calls, error

    async def handle(self, event: ChangeEvent, attempt: Attempt) -> Outcome:
        async def call() -> None:
            remote_metrics.api_call("espocrm", "GET", "200", 0.1)

        await asyncio.gather(*(call() for _ in range(self.calls)))
        if self.error:
            raise self.error
        return Done("updated")

    async def give_up(self, event: ChangeEvent, error: TransientError, attempt: Attempt) -> None:
        raise error

    async def refused(self, event: ChangeEvent, error: PermanentError) -> None:
        raise error


async def test_calls_of_each_run_are_counted_apart() -> None:
    runs = [CountedCalls("calls", Calling(count)).handle(EVENT, ATTEMPT) for count in (2, 5)]
    assert [one.result for one in await asyncio.gather(*runs)] == ["updated", "updated"]
    with pytest.raises(RemoteUnavailable):
        await CountedCalls("calls", Calling(3, RemoteUnavailable("espocrm", "503"))).handle(EVENT, ATTEMPT)
    assert value("sync_calls_per_change_sum", entity="calls", outcome="updated") == 7
    assert value("sync_calls_per_change_bucket", entity="calls", outcome="updated", le="2.0") == 1
    assert value("sync_calls_per_change_sum", entity="calls", outcome="failed") == 3


async def test_the_other_ways_of_a_handler_stay_as_they_are() -> None:
    counted = CountedCalls("calls", Calling(0))
    with pytest.raises(RemoteUnavailable):
        await counted.give_up(EVENT, RemoteUnavailable("espocrm", "503"), ATTEMPT)
    with pytest.raises(PermanentError):
        await counted.refused(EVENT, PermanentError("no"))


def test_the_pool_is_read_at_each_scrape() -> None:
    class Pool:
        in_use, size = 3, 10

    pool = Pool()
    pool_metrics.watch_pool(pool)
    assert (value("sync_pool_connections_in_use"), value("sync_pool_connections_max")) == (3, 10)
    pool.in_use = 4
    assert value("sync_pool_connections_in_use") == 4
