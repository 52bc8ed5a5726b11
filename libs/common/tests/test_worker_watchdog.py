"""The lease and the watchdog's judgement: what may last, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit.worker.lease import Lease
from synckit.worker.watch import Patience, Seen, Watch

PATIENCE = Patience(rebalance=120, first_assignment=60, stuck=120, silent=60, refused_commits=2, gap=5)


def first_reason(seen: Seen, seconds: int) -> tuple[int, str] | None:
    """Looks once a second at a loop that goes on saying the same."""
    watch = Watch(PATIENCE)
    for second in range(seconds):
        reason = watch.look(float(second), replace(seen, at=float(second)))
        if reason is not None:
            return second, reason
    return None


@pytest.mark.parametrize(
    ("seen", "second", "reason"),
    [
        (Seen(at=0, rebalancing=True), 121, "rebalancing without end"),
        (Seen(at=0, assigned_once=False), 61, "no first assignment"),
        (Seen(at=0, lag=1), 121, "lag, nothing running, no progress"),
        (Seen(at=0, commits_refused=2), 0, "commits refused: another member with our id, or none of ours"),
    ],
)
def test_a_bad_state_ends_the_process_when_it_has_lasted_too_long(seen: Seen, second: int, reason: str) -> None:
    assert first_reason(seen, 300) == (second, reason)


@pytest.mark.parametrize(
    "seen",
    [
        Seen(at=0),
        Seen(at=0, lag=5, resting=False),
        Seen(at=0, lag=5, in_contact=False),
        Seen(at=0, commits_refused=1),
    ],
)
def test_a_worker_that_rests_works_or_waits_for_its_broker_lives(seen: Seen) -> None:
    assert first_reason(seen, 1000) is None


def test_progress_starts_the_patience_anew() -> None:
    watch = Watch(PATIENCE)
    reasons = [watch.look(float(s), Seen(at=float(s), lag=1, progress_at=float(s // 100))) for s in range(1000)]
    assert set(reasons) == {None}


def test_a_loop_that_says_nothing_is_ended() -> None:
    watch = Watch(PATIENCE)
    reasons = [watch.look(float(second), Seen(at=0.0)) for second in range(62)]
    assert reasons[:61] == [None] * 61
    assert reasons[61] == "event loop silent"


@given(frozen=st.floats(min_value=6, max_value=10_000))
def test_time_that_the_process_was_stopped_does_not_count(frozen: float) -> None:
    watch = Watch(PATIENCE)
    seen = Seen(at=0, rebalancing=True, assigned_once=False, lag=1)
    assert watch.look(0.0, seen) is None
    assert watch.look(frozen, seen) is None
    assert watch.look(frozen + 1, replace(seen, at=frozen + 1)) is None


def test_a_lease_is_held_for_its_time_after_the_last_heartbeat_left() -> None:
    now = [0.0]
    lease = Lease(10.0, lambda: now[0])
    assert not lease.held()
    lease.renew()
    now[0] = 10.0
    assert lease.held()
    now[0] = 10.1
    assert not lease.held()
    lease.renew(asked_at=5.0)
    assert lease.held()
    lease.renew(asked_at=1.0)
    now[0] = 14.0
    assert lease.held()
