"""Which rows are worth an event, where cursors go, what a slot is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticker.domain import queries, schedule, selection
from ticker.domain.rows import LeftRow, RightRow

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MOMENTS = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SECONDS = st.floats(min_value=0.5, max_value=100_000)


def test_only_the_trace_of_our_own_last_write_is_left_out() -> None:
    rows = [
        LeftRow("ours", NOON, "us"),
        LeftRow("ours-then-theirs-in-the-same-second", NOON, "anna"),
        LeftRow("theirs-later", NOON + timedelta(seconds=1), "anna"),
        LeftRow("ours-another-write", NOON + timedelta(seconds=1), "us"),
        LeftRow("never-seen", NOON, "us"),
        LeftRow("nobody", NOON, None),
    ]
    known = {row.id: NOON for row in rows if row.id != "never-seen"}
    assert selection.changed_by_others(rows, known, "us") == [row.id for row in rows[1:]]
    assert selection.changed_by_others(rows, known, None) == [row.id for row in rows]


def test_known_times_are_compared_to_the_second() -> None:
    assert selection.changed_by_others([LeftRow("a", NOON, "us")], {"a": NOON.replace(microsecond=5)}, "us") == []


def test_at_a_desk_only_linked_parties_with_another_row_id_have_changed() -> None:
    rows = [RightRow("1", "same"), RightRow("2", "new"), RightRow("3", "unlinked"), RightRow("4", "never seen")]
    linked = {"1": "a", "2": "b", "4": "d"}
    assert selection.changed_at_a_desk(rows, linked, {"1": "same", "2": "old"}) == ["b", "d"]


@given(st.lists(st.text(max_size=3)))
def test_repeats_go_and_the_order_stays(ids: list[str]) -> None:
    kept = selection.without_repeats(ids)
    assert len(kept) == len(set(ids))
    assert kept == sorted(kept, key=ids.index)


@given(MOMENTS, SECONDS)
def test_the_next_slot_is_ahead_and_is_the_next(now: datetime, seconds: float) -> None:
    wait = schedule.until_next_slot(now, seconds)
    assert 0 < wait <= seconds * 1.000001 + 1e-3
    assert schedule.slot(now + timedelta(seconds=wait + 0.001), seconds) > schedule.slot(now, seconds)


@given(MOMENTS, st.none() | MOMENTS, st.none() | MOMENTS, st.booleans())
def test_a_cursor_never_goes_back_and_never_passes_what_was_not_seen(
    began: datetime, before: datetime | None, newest: datetime | None, capped: bool
) -> None:
    moved = datetime.fromisoformat(
        schedule.next_cursor(before.isoformat() if before else None, began, newest, capped=capped)
    )
    assert moved <= began
    before = None if before and before > began else before
    assert before is None or moved >= before
    furthest = [began - schedule.SKEW, *([newest] if newest else []), *([before] if before else [])]
    assert moved <= max(furthest)
    if capped and newest and (before is None or newest > before):
        assert moved == min(newest, began)


@pytest.mark.parametrize("cursor", [None, "", "yesterday", "2026-06-01T12:00:00"])
def test_without_a_good_cursor_a_look_goes_back_a_day(cursor: str | None) -> None:
    assert schedule.start_of(cursor, NOON, timedelta(minutes=2)) == NOON - timedelta(hours=24)


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(days=400)])
def test_a_cursor_that_has_passed_the_present_is_none(ahead: timedelta) -> None:
    """Of a clock that was wrong once: nobody knows what it skipped."""
    assert schedule.start_of((NOON + ahead).isoformat(), NOON, timedelta(minutes=2)) == NOON - timedelta(hours=24)


def test_a_look_begins_before_its_cursor() -> None:
    assert schedule.start_of(NOON.isoformat(), NOON, timedelta(minutes=2)) == NOON - timedelta(minutes=2)


def test_a_flood_is_believed_only_after_a_long_silence() -> None:
    assert schedule.believable(NOON - timedelta(minutes=3), NOON, 1000, 9999) == 1000
    assert schedule.believable(NOON - timedelta(hours=30), NOON, 1000, 9999) == 9999


def test_the_question_for_waiting_states_names_each_with_its_time() -> None:
    text = json.dumps(queries.in_waiting_states(NOON, timedelta(minutes=10)))
    for part in ("pending_sync", "dirty", '"failed"', "permanently_failed", '"syncing"'):
        assert part in text
    for moment in ("2026-06-01 12:00:00", "2026-05-31 12:00:00", "2026-06-01 11:50:00"):
        assert moment in text
