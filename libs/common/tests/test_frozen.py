"""`recordsync.frozen.replace` says what `dataclasses.replace` says."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from synckit.ports import RecordState, Snapshot
from synckit.reconcile.plan import Side

MEMORY = Memory("p1", RecordState(fence=7))
SEEN = Observation(datetime(2026, 12, 1, tzinfo=UTC))
OF_MEMORY = st.fixed_dictionaries(
    {}, optional={"result": st.text(), "rounds": st.integers(), "causes": st.frozensets(st.text()), "claim": st.none()}
)
OF_SEEN = st.fixed_dictionaries({}, optional={"right_id": st.text(), "lists_read": st.booleans(), "left": st.none()})


@given(OF_MEMORY, OF_SEEN)
def test_a_copy_is_what_dataclasses_make(memory: dict[str, Any], seen: dict[str, Any]) -> None:
    assert replace(MEMORY, **memory) == dataclasses.replace(MEMORY, **memory)
    assert replace(SEEN, **seen) == dataclasses.replace(SEEN, **seen)


def test_a_copy_is_frozen_and_leaves_its_original() -> None:
    copy = replace(MEMORY, rounds=1)
    assert (copy.rounds, MEMORY.rounds) == (1, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        copy.rounds = 2  # type: ignore[misc]


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError):
        replace(MEMORY, roundz=1)  # type: ignore[call-arg]


@pytest.mark.parametrize("wide", [Memory, Observation])
def test_what_is_copied_whole_has_only_given_fields(wide: type) -> None:
    """Else a copy would carry on what was worked out of the original."""
    assert all(each.init for each in dataclasses.fields(wide))
    assert not hasattr(wide, "__post_init__")


def test_what_has_slots_is_made_anew() -> None:
    """What a snapshot's payload was read as is not that of another payload."""
    snapshot = Snapshot("1", {"name": "Muster"})
    snapshot.canonical[Side.LEFT] = {"name": "Muster"}
    assert replace(snapshot, payload={}).canonical == {}
