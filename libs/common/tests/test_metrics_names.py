"""Every metric has a sentence, a base unit, and only labels that can't hold an id."""

from __future__ import annotations

from synckit.service import metrics
from synckit.worker.observer import Handled, WorkerObserver

LABELS = {"entity", "action", "direction", "outcome", "reason", "upstream", "remote", "method", "code", "topic"}
LABELS |= {"timer", "source", "table", "severity"}


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_names_sentences_and_labels_keep_to_the_house() -> None:
    ours = [one for one in vars(metrics).values() if hasattr(one, "_labelnames")]
    assert len(ours) > 20
    for metric in ours:
        assert metric._name.startswith("sync_")
        assert metric._documentation.endswith(".")
        assert set(metric._labelnames) <= LABELS
        if metric._type == "histogram":
            assert metric._name.endswith("_seconds")


def test_a_run_of_the_worker_is_counted_with_all_its_events() -> None:
    observer: WorkerObserver = metrics.WorkerMetrics()
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
    metrics.api_call("advoware", "GET", "503", 0.1)
    metrics.auth_refused("advoware")
    assert value("sync_api_calls_total", upstream="advoware", method="GET", code="503") == 1
    assert value("sync_upstream_auth_refused", upstream="advoware") == 1
    metrics.api_call("advoware", "GET", "200", 0.1)
    assert value("sync_upstream_auth_refused", upstream="advoware") == 0
