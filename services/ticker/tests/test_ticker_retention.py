"""How old a guard is without a time in its row, and which time is not believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.domain.retention import TIMED, abandoned, fence_at, is_leap

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEPT = timedelta(days=30)
moments = st.integers(0, 7_600_000_000).map(lambda seconds: datetime.fromtimestamp(1_110_000_000 + seconds, UTC))


@given(moments, moments)
def test_a_later_fence_is_a_greater_one(first: datetime, second: datetime) -> None:
    assert (fence_at(first) <= fence_at(second)) or first > second
    assert TIMED <= fence_at(first) < 2**63


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_guard_goes_when_its_days_have_passed(age: timedelta) -> None:
    first, end = abandoned(NOON, KEPT, NOON - timedelta(days=1))
    assert (first <= fence_at(NOON - age) < end) == (age > KEPT)


@pytest.mark.parametrize(
    ("since", "first"),
    [(None, TIMED), (NOON - KEPT + timedelta(seconds=1), TIMED), (NOON - KEPT, 0), (NOON - 2 * KEPT, 0)],
)
def test_a_fence_without_time_is_as_old_as_the_newest_of_them(since: datetime | None, first: int) -> None:
    assert abandoned(NOON, KEPT, since)[0] == first


def test_a_week_without_a_run_is_a_leap() -> None:
    assert not is_leap(NOON, None)
    assert not is_leap(NOON, NOON - timedelta(days=7))
    assert is_leap(NOON, NOON - timedelta(days=7, seconds=1))
    assert not is_leap(NOON, NOON + timedelta(days=401))
