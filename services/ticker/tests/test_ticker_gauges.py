"""The numbers that an office's dashboard is made of: all of them there from the start, bounded, and 0 when over."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hypothesis import given
from hypothesis import strategies as st

from synckit.service.metrics import REGISTRY
from ticker import metrics
from ticker.domain.census import STATES, Census
from ticker.gauges import show_census, show_letters

counts = st.integers(0, 10**9)
words = st.sampled_from([*metrics.PARKED_FOR, "a_new_word", "", "5f1a2b3c4d5e6f7a8"])


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def series(name: str) -> int:
    return sum(len(family.samples) for family in REGISTRY.collect() if family.name == name)


class Memory:
    def __init__(self, *taken: Census) -> None:
        self.taken = list(taken)

    async def take(self) -> Census:
        return self.taken.pop(0)


async def test_what_is_over_is_nothing_again() -> None:
    full = Census(
        parked={("beteiligte", "locked"): 3, ("adressen", "brake"): 1},
        waiting_seconds={"beteiligte": 90.5},
        records={("beteiligte", "linked"): 12},
        unlooked={"adressen": 4},
        notes={"beteiligte": 2},
    )
    memory = Memory(full, Census())
    await show_census(memory)
    assert gauge("sync_parked_records", entity="beteiligte", reason="locked") == 3
    assert gauge("sync_parked_oldest_seconds", entity="beteiligte") == 90.5
    assert gauge("sync_records", entity="beteiligte", state="linked") == 12
    assert gauge("sync_unlooked_records", entity="adressen") == 4
    assert gauge("sync_notes_waiting", entity="beteiligte") == 2
    await show_census(memory)
    assert gauge("sync_parked_records", entity="adressen", reason="brake") == 0
    assert gauge("sync_parked_oldest_seconds", entity="beteiligte") == 0
    assert gauge("sync_notes_waiting", entity="beteiligte") == 0


@given(st.dictionaries(st.tuples(st.sampled_from(metrics.ENTITIES), words), counts, max_size=30))
def test_no_reason_makes_a_series_of_its_own(parked: dict[tuple[str, str], int]) -> None:
    """What is no word of ours is counted as `other`, and the sum stays true."""
    metrics.census(Census(parked=parked))
    assert series("sync_parked_records") == len(metrics.ENTITIES) * len(metrics.PARKED_FOR)
    shown = [
        gauge("sync_parked_records", entity=entity, reason=reason) or 0
        for entity in metrics.ENTITIES
        for reason in metrics.PARKED_FOR
    ]
    assert sum(shown) == sum(parked.values())


def test_every_label_set_is_there_from_the_start() -> None:
    for entity in metrics.ENTITIES:
        assert gauge("sync_parked_oldest_seconds", entity=entity) is not None
        assert gauge("sync_unlooked_records", entity=entity) is not None
        assert gauge("sync_notes_waiting", entity=entity) is not None
        for state in STATES:
            assert gauge("sync_records", entity=entity, state=state) is not None
    for topic in metrics.LETTER_TOPICS:
        assert gauge("sync_dead_letters_open", topic=topic) is not None
    for source in ("espocrm", "advoware"):
        assert gauge("sync_brake_engaged", source=source) is not None


class Letters:
    def __init__(self, *counts: Sequence[tuple[str, int]]) -> None:
        self.counts = list(counts)

    async def open_by_topic(self) -> Collection[tuple[str, int]]:
        return self.counts.pop(0)


async def test_open_dead_letters_are_shown_by_topic() -> None:
    letters = Letters([("vmh.beteiligte.dlq", 2), ("calendar.sync.dlq", 0)], [])
    await show_letters(letters)
    assert gauge("sync_dead_letters_open", topic="vmh.beteiligte.dlq") == 2
    await show_letters(letters)
    assert gauge("sync_dead_letters_open", topic="vmh.beteiligte.dlq") == 0
