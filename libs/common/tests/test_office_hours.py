"""When the office is open: the days on which the clock is changed, holidays of one Land, and what holds always."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.office_hours import LANDS, LONGEST, OfficeHours, is_holiday, office_hours

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = "Mon-Fri 08:00-18:00"
NORMAL = office_hours(WEEK)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-06-01T05:59:59", False),  # Monday, 07:59:59 in summer
        ("2026-06-01T06:00:00", True),
        ("2026-06-01T15:59:59", True),
        ("2026-06-01T16:00:00", False),
        ("2026-06-06T10:00:00", False),  # Saturday
        ("2026-06-07T10:00:00", False),
        ("2026-03-27T06:59:59", False),  # the Friday before the clock is put forward
        ("2026-03-27T07:00:00", True),
        ("2026-03-30T05:59:59", False),  # and the Monday after
        ("2026-03-30T06:00:00", True),
        ("2026-10-23T06:00:00", True),  # the Friday before it is put back
        ("2026-10-26T06:00:00", False),  # and the Monday after
        ("2026-10-26T07:00:00", True),
    ],
)
def test_open_by_the_clock_on_the_wall(at: str, is_open: bool) -> None:
    assert NORMAL.is_open(utc(at)) is is_open


@pytest.mark.parametrize(
    ("day", "land", "free"),
    [
        (date(2026, 12, 24), "BY", False),
        (date(2026, 12, 25), "DE", True),
        (date(2026, 12, 31), "NI", False),
        (date(2025, 10, 31), "NI", True),  # Reformation Day
        (date(2025, 10, 31), "NW", False),
        (date(2025, 10, 31), "DE", False),
        (date(2017, 10, 31), "NW", True),  # its 500th year, everywhere
        (date(2026, 1, 6), "BY", True),  # Epiphany
        (date(2026, 1, 6), "NI", False),
        (date(2026, 3, 9), "BE", False),
        (date(2026, 10, 3), "DE", True),
        (date(2026, 4, 6), "DE", True),  # Easter Monday
        (date(2026, 4, 6), "none", False),
    ],
)
def test_holidays_are_those_of_the_land(day: date, land: str, free: bool) -> None:
    assert is_holiday(day, land) is free
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN)
    assert office_hours("Mon-Sun 08:00-18:00", land).is_open(noon) is not free


def test_christmas_eve_at_noon_is_a_day_like_any_other() -> None:
    assert NORMAL.is_open(datetime(2026, 12, 24, 12, tzinfo=BERLIN))


@given(moments, zones)
def test_it_does_not_matter_how_a_moment_is_written(at: datetime, zone: ZoneInfo) -> None:
    assert NORMAL.is_open(at) is NORMAL.is_open(at.astimezone(zone))


@given(moments, st.sampled_from(LANDS))
def test_what_is_open_is_in_the_hours_of_a_working_day(at: datetime, land: str) -> None:
    local = at.astimezone(BERLIN)
    expected = local.weekday() < 5 and 8 <= local.hour < 18 and not is_holiday(local.date(), land)
    assert office_hours(WEEK, land).is_open(at) is expected


@given(moments, st.timedeltas(timedelta(), timedelta(days=10)), st.timedeltas(timedelta(), timedelta(days=10)))
def test_open_time_adds_up(start: datetime, first: timedelta, second: timedelta) -> None:
    middle, end = start + first, start + first + second
    whole = NORMAL.open_between(start, end)
    assert whole == NORMAL.open_between(start, middle) + NORMAL.open_between(middle, end)
    assert timedelta() <= whole <= end - start


@given(moments, st.integers(1, 59))
def test_a_minute_is_open_where_its_begin_is(at: datetime, seconds: int) -> None:
    """Stretches begin and end on full minutes."""
    begin = at.replace(second=0, microsecond=0)
    passed = NORMAL.open_between(begin, begin + timedelta(seconds=seconds))
    assert passed == (timedelta(seconds=seconds) if NORMAL.is_open(begin) else timedelta())


@given(moments, moments)
def test_nothing_passes_backwards_and_no_more_than_a_month_is_reckoned(one: datetime, other: datetime) -> None:
    start, end = sorted((one, other))
    assert NORMAL.open_between(end, start) == timedelta()
    assert NORMAL.open_between(start, end) <= LONGEST


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_whole_day_has_the_hours_that_it_has(day: str, hours: int) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=BERLIN)
    always = office_hours("Mon-Sun 00:00-24:00", "none")
    assert always.open_between(begin, begin + timedelta(days=1)) == timedelta(hours=hours)


def test_stretches_may_differ_by_day_and_be_broken() -> None:
    broken = office_hours("Mon-Thu 13:00-18:00, Mon-Fri 08:00-12:00", "none")
    monday = [hour for hour in range(24) if broken.is_open(datetime(2026, 6, 1, hour, tzinfo=BERLIN))]
    friday = [hour for hour in range(24) if broken.is_open(datetime(2026, 6, 5, hour, tzinfo=BERLIN))]
    assert (monday, friday) == ([8, 9, 10, 11, 13, 14, 15, 16, 17], [8, 9, 10, 11])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "always",
        "Mon-Fri",
        "Mo-Fr 08:00-18:00",
        "Fri-Mon 08:00-18:00",
        "Mon-Fri 18:00-08:00",
        "Mon-Fri 08:00-24:01",
        "Mon-Fri 08:60-18:00",
        "Mon-Fri 8:00-18:00",
        "Mon 08:00-12:00, Mon 11:00-13:00",
        "Mon-Fri 08:00-18:00,",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        office_hours(text)


@pytest.mark.parametrize("land", ["", "XX", "ni", "BAYERN", "Augsburg"])
def test_a_land_that_is_none_is_refused(land: str) -> None:
    with pytest.raises(ValueError, match="a Land is one of"):
        office_hours(WEEK, land)


@given(st.text(max_size=40))
def test_no_text_ends_otherwise(text: str) -> None:
    try:
        made = office_hours(text)
    except ValueError:
        return
    assert isinstance(made, OfficeHours)
