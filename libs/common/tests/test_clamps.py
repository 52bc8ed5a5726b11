"""Laws of the clamps: total for any value that JSON or a header can hold, and what they answer can be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit import clamps

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NASTY: tuple[Any, ...] = (
    "",
    " ",
    "nan",
    "inf",
    "-Infinity",
    "1e400",
    "-1e400",
    "1_000",
    "٣",
    "9" * 30,
    "9" * 5000,
    "0x10",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "99999-01-01",
    "2026-13-01",
    "2026-06-01T12:00:00+99:99",
    "Mon, 01 Jun 99999999999999999999 12:00:00 GMT",
    "Mon, 01 Jun 2026 12:00:00 +99999999",
    "\ud800",
    "a\r\nX-Injected: b",
    10**400,
    -(10**400),
    2**63,
    float("nan"),
    float("inf"),
    5e-324,
    True,
    None,
    [],
    {},
    b"1",
    NOW,
)
TEXTS_LIKE_TIMES = st.builds(
    "{}-{:02}-{:02}{}{}".format,
    st.integers(0, 10**6),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(["", "T00:00:00", " 23:59:59", "T25:00:00"]),
    st.sampled_from(["", "Z", "+14:00", "-23:59", "+99:00"]),
)
ANYTHING = st.one_of(
    st.sampled_from(NASTY),
    TEXTS_LIKE_TIMES,
    st.integers(),
    st.floats(),
    st.text(),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5),
)


@given(ANYTHING)
def test_a_duration_is_always_within_its_bounds(value: Any) -> None:
    """No negative lifetime, no infinite one, no bool."""
    found = clamps.seconds(value, default=7.0, least=1.0, most=60.0)
    assert 1.0 <= found <= 60.0
    assert timedelta(seconds=found) > timedelta()


@given(ANYTHING)
def test_a_retry_after_is_absent_or_within_an_hour(value: Any) -> None:
    """Seconds and dates alike."""
    found = clamps.retry_after(value, NOW)
    assert found is None or 0.0 <= found <= 3600.0


@given(ANYTHING, st.sampled_from([UTC, BERLIN]))
def test_a_moment_bears_every_calculation_of_ours(value: Any, zone: Any) -> None:
    """Zones, overlaps, subtraction and printing: what looks and stores do with it."""
    found = clamps.moment(value, zone)
    if found is not None:
        assert found.utcoffset() == timedelta()
        for at in (found - timedelta(days=366), found + timedelta(days=300)):
            assert clamps.moment(at.astimezone(BERLIN).isoformat()) in (at, None)


@given(ANYTHING)
def test_a_day_has_a_year_that_can_be(value: Any) -> None:
    """Neither year 1 nor 9999."""
    found = clamps.day(value)
    assert found is None or (type(found) is date and 1000 <= found.year < 9999)


@given(ANYTHING)
def test_whole_numbers_fit_a_database(value: Any) -> None:
    """int64, and never a bool."""
    found = clamps.whole(value)
    assert found is None or (type(found) is int and 0 <= found < 2**63)


@given(ANYTHING)
def test_an_identity_may_stand_in_a_path(value: Any) -> None:
    """Nothing that ends a path, no sign, no number that no database holds; the same again when it is read again."""
    found = clamps.identity(value)
    assert not set(found) & set("/?#%\\ \r\n")
    assert clamps.identity(found) == found
    assert not found.isdigit() or 0 < int(found) < 2**63


@given(ANYTHING)
def test_header_text_is_one_line_of_ascii(value: Any) -> None:
    """What aiohttp would refuse as an injection never comes out."""
    found = clamps.header_text(value)
    assert found.isascii()
    assert not set(found) & {chr(code) for code in (*range(33), 127)}


@given(ANYTHING)
def test_versions_epochs_and_numbers_are_total(value: Any) -> None:
    """An epoch is a moment, a version is text, a number is finite."""
    at = clamps.epoch(value)
    assert at is None or 1970 <= at.year <= 9999
    assert isinstance(clamps.version(value), str)
    found = clamps.number(value)
    assert found is None or abs(found) < float("inf")


@given(st.one_of(st.binary(), st.text()))
def test_what_is_no_json_is_a_value_error(text: bytes | str) -> None:
    """And nothing else, whatever the bytes are."""
    try:
        clamps.parsed_json(text)
    except ValueError:
        return
    except RecursionError:
        pytest.fail("nested too deeply")


@pytest.mark.parametrize(
    "text", ["[NaN, 1]", "[Infinity, 1]", "[-1e400, 1]", f"[{'9' * 5000}, 1]", f"[-{'9' * 5000}, 1]"]
)
def test_numbers_that_are_none_are_read_as_null(text: str) -> None:
    """What is read can be written again: json.dumps refuses NaN, and Python integers of 5,000 digits."""
    found = clamps.parsed_json(text.encode())
    assert found == [None, 1]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("text", ["[" * 200_000, b"\xff", "", "{", "9" * 5000 + ","])
def test_hostile_texts_are_value_errors(text: bytes | str) -> None:
    """Depth, encodings, nothing at all."""
    with pytest.raises(ValueError, match=r"."):
        clamps.parsed_json(text)


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (clamps.identity, "0101", "101"),
        (clamps.identity, 101.0, "101"),
        (clamps.identity, " 101 ", "101"),
        (clamps.identity, "6a1f", "6a1f"),
        (clamps.identity, True, ""),
        (clamps.identity, 0, ""),
        (clamps.identity, -5, ""),
        (clamps.identity, 2**63, ""),
        (clamps.identity, "a/b", ""),
        (clamps.version, 7, "7"),
        (clamps.version, "AAA=", "AAA="),
        (clamps.version, {"a": 1}, ""),
        (clamps.moment, "0001-01-01", None),
        (clamps.moment, "2026-06-01 12:00:00", NOW),
        (clamps.moment, "2026-06-01T14:00:00+02:00", NOW),
        (clamps.day, "1899-12-30T00:00:00", date(1899, 12, 30)),
        (clamps.day, "20260601", None),
        (clamps.day, "99999-01-01", None),
        (clamps.day, "9999-12-31", None),
        (clamps.whole, "12", 12),
        (clamps.whole, 12.5, None),
        (clamps.header_text, " key\n", "key"),
        (clamps.header_text, "k\ney", ""),
    ],
)
def test_what_is_made_of_single_values(read: Callable[[Any], Any], value: Any, found: Any) -> None:
    """The cases that a person would ask for."""
    assert read(value) == found
