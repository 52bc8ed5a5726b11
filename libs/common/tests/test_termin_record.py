"""Laws of Advoware's Termine as values: whatever is shown is read or refused, and what is written reads the same."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.advoware.termin_record import FIELDS, body_of, employee_of, number_of, replaced, termin_of
from kanzlei.termine import LAST_SECOND, TerminValues, Unreadable

MINUTES = st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(second=0, microsecond=0)
)
VALUES = st.builds(
    TerminValues,
    datum=MINUTES,
    sb=st.sampled_from(("SB", "MÜ", "")),
    anwalt=st.just("KMO"),
    uhrzeit_bis=st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0)) | st.just(LAST_SECOND),
    datum_bis=st.none() | MINUTES,
    text=st.text(),
    notiz=st.text(),
    ort=st.text(),
    dauertermin=st.booleans(),
    turnus=st.integers(0, 999),
    turnus_art=st.integers(0, 4),
    vorbereitung=st.integers(0, 24 * 60 - 1).map(lambda minutes: timedelta(minutes=minutes)),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
ROWS = st.fixed_dictionaries(
    {"frNr": st.integers(1, 99_999), "rowId": st.just("AAE=")},
    optional=dict.fromkeys((*FIELDS.values(), "geaendertAm"), ANYTHING),
)


def shown(values: TerminValues, **more: Any) -> dict[str, Any]:
    return {"frNr": 70001, "rowId": "AAE=", "geaendertAm": None, **body_of(values), **more}


@given(ROWS)
def test_every_row_is_read_or_refused(row: dict[str, Any]) -> None:
    with suppress(Unreadable):
        termin = termin_of(row)
        assert termin.frnr == row["frNr"]
        assert (termin.values.datum.second, termin.values.datum.tzinfo) == (0, None)


@given(VALUES)
def test_what_is_written_reads_the_same(values: TerminValues) -> None:
    read = termin_of(shown(values)).values
    if values.uhrzeit_bis == LAST_SECOND and not values.has_whole_days:
        values = dataclasses.replace(values, uhrzeit_bis=time(23, 59))
    assert read.differing(values) == ()


@given(VALUES, VALUES)
def test_a_put_changes_what_differs_alone(before: TerminValues, after: TerminValues) -> None:
    row = shown(before, aktenzeichen="12/26")
    names = termin_of(row).values.differing(after)
    body = replaced(row, after, names)
    kept = {FIELDS[name] for name in FIELDS if name not in names} - {"uhrzeitBis"}
    assert {name: body[name] for name in kept} == {name: row[name] for name in kept}
    assert (body["aktenzeichen"], "rowId" in body, "geaendertAm" in body) == ("12/26", False, False)
    assert termin_of({**row, **body}).values.differing(termin_of(shown(after)).values) == ()


@given(ANYTHING)
def test_what_is_no_row_has_no_number(value: object) -> None:
    assert number_of(value) is None
    assert employee_of(value) is None


@pytest.mark.parametrize(
    ("at", "is_whole"), [(None, True), (time(0), True), (LAST_SECOND, True), (time(23, 59), False)]
)
def test_three_ends_make_whole_days(at: time | None, is_whole: bool) -> None:
    values = TerminValues(datum=datetime(2026, 3, 2), uhrzeit_bis=at)  # noqa: DTZ001
    assert values.has_whole_days is is_whole
    assert not dataclasses.replace(values, datum=datetime(2026, 3, 2, 9)).has_whole_days  # noqa: DTZ001


def test_whole_days_never_end_in_a_second_that_is_cut() -> None:
    """23:59:59 would be stored as 23:59, and the Termin would have times all of a sudden."""
    row = shown(TerminValues(datum=datetime(2026, 3, 2)), uhrzeitBis="23:59:59")  # noqa: DTZ001
    values = termin_of(row).values
    assert replaced(row, dataclasses.replace(values, text="neu"), ("text",))["uhrzeitBis"] == "00:00:00"
