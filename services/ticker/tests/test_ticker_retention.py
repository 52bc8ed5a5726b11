"""Marks of the fence: how old a guard is without a time in its row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ticker.domain.retention import Mark, abandoned, with_mark

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEPT = timedelta(days=30)


def test_there_is_one_mark_a_day() -> None:
    marks: list[Mark] = []
    for hour in range(24 * 3):
        marks = with_mark(marks, NOON + timedelta(hours=hour), hour)
    assert [fence for _, fence in marks] == [0, 24, 48]


def test_no_guard_is_old_before_the_days_have_passed() -> None:
    marks = with_mark([], NOON, 7)
    assert abandoned(marks, NOON + KEPT - timedelta(seconds=1), KEPT) == (0, marks)
    assert abandoned(marks, NOON + KEPT, KEPT) == (7, marks)


def test_what_is_as_old_as_the_newest_old_mark_goes_and_older_marks_are_dropped() -> None:
    marks = [(NOON + timedelta(days=day), day) for day in range(40)]
    fence, useful = abandoned(marks, NOON + timedelta(days=35), KEPT)
    assert fence == 5
    assert [each for _, each in useful] == list(range(5, 40))
    assert abandoned(useful, NOON + timedelta(days=35), KEPT) == (fence, useful)


def test_with_a_run_an_hour_a_guard_goes_within_a_day_of_its_time_and_marks_stay_few() -> None:
    marks: list[Mark] = []
    for hour in range(24 * 100):
        now = NOON + timedelta(hours=hour)
        fence, marks = abandoned(with_mark(marks, now, hour), now, KEPT)
        assert fence <= max(0, hour - 24 * 30)
        assert fence >= hour - 24 * 31
    assert len(marks) <= 32
