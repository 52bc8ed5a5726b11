"""A marker finds its own note and no other: a pending note that counts as told is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordsync.notes import compose, marker_of
from synckit.ports import PendingNote

IDS = st.text("0123456789abcdef", min_size=1, max_size=17)
FENCES = st.integers(1, 0xFFFFFF)


def post(*markers: str) -> str:
    return compose([PendingNote("conflict:titel", "Abgleich mit Advoware: …", marker, None) for marker in markers])


@pytest.mark.parametrize(
    "other",
    [("6633f1a2b4c5d665a", 0x1F3), ("9933f1a2b4c5d665a", 0x1F), ("9933f1a2b4c5d665a", 0x1F3)],
    ids=["a later look", "another record", "a later look at another record"],
)
def test_a_marker_is_not_found_in_the_note_of(other: tuple[str, int]) -> None:
    assert marker_of("6633f1a2b4c5d665a", 0x1F) not in post(marker_of(*other))


@given(IDS, FENCES, IDS, FENCES)
def test_a_marker_is_found_in_its_own_note_alone(left_id: str, fence: int, other_id: str, other_fence: int) -> None:
    mine, other = marker_of(left_id, fence), marker_of(other_id, other_fence)
    assert mine in post(other, mine)
    assert (mine in post(other)) == ((left_id, fence) == (other_id, other_fence))
