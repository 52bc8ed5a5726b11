"""Every metric has a sentence, a base unit, and only labels that can't hold an id."""

from __future__ import annotations

from synckit.service import metrics, remote_metrics, worker_metrics
from synckit.worker.observer import Handled, WorkerObserver

LABELS = {"entity", "action", "direction", "outcome", "reason", "upstream", "remote", "method", "code", "topic"}
LABELS |= {"service", "version", "check"}


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_names_sentences_and_labels_keep_to_the_house() -> None:
    modules = (metrics, remote_metrics, worker_metrics)
    ours = [one for module in modules for one in vars(module).values() if hasattr(one, "_labelnames")]
    assert len(ours) > 20
    for metric in ours:
        assert metric._name.startswith("sync_")
        assert metric._documentation.endswith(".")
        assert set(metric._labelnames) <= LABELS
        if metric._type == "histogram":
            assert metric._name.endswith("_seconds")


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
