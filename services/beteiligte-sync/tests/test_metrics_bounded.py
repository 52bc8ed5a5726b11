"""No answer of a remote makes a series of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync import metrics
from synckit.service.metrics import REGISTRY

NAME = "sync_refused_calls_total"


def samples() -> list[float]:
    found = (sample for family in REGISTRY.collect() for sample in family.samples if sample.name == NAME)
    return [sample.value for sample in found if sample.labels["entity"] == "beteiligte"]


@given(st.lists(st.integers(300, 999), max_size=50))
def test_any_status_is_counted_under_a_known_word(statuses: list[int]) -> None:
    metrics.expect(["beteiligte"])
    series, before = len(samples()), sum(samples())
    for status in statuses:
        metrics.refused("beteiligte", "advoware", status)
    assert len(samples()) == series == len(metrics.REMOTES) * (len(metrics.STATUSES) + 1)
    assert sum(samples()) == before + len(statuses)
