"""Hypothesis strategies for appointments, and the clocks around which they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from calendar_sync.domain.values import Every
from kanzlei.termine import LAST_SECOND, TerminValues

DAYS = st.one_of(
    st.dates(date(2026, 3, 27), date(2026, 3, 31)),
    st.dates(date(2026, 10, 23), date(2026, 10, 27)),
    st.dates(date(2025, 1, 1), date(2028, 12, 31)),
)
MINUTES = st.one_of(st.sampled_from([0, 1, 120, 150, 179, 180, 1439]), st.integers(0, 1439))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TITLES = st.one_of(st.just(""), st.sampled_from(["Müller ./. Schmidt", "<wichtig> & mehr", "a\r\nb", "é"]), TEXT)
NOTES = st.one_of(TEXT, st.sampled_from(["&lt;b&gt;", "<b>fett</b>", "Zeile 1\n\nZeile 2", "[g:kein]", " voran"]))


def moments() -> st.SearchStrategy[datetime]:
    return st.builds(lambda day, minute: datetime.combine(day, time()) + timedelta(minutes=minute), DAYS, MINUTES)


@st.composite
def singles(draw: st.DrawFn) -> TerminValues:
    """Single Termine of every kind that a desk can enter."""
    start = draw(moments())
    texts: Mapping[str, Any] = {"text": draw(TITLES), "notiz": draw(NOTES), "ort": draw(TITLES)}
    kind = draw(st.sampled_from(["timed", "days", "several", "night", "none", "reversed"]))
    prepared = timedelta(minutes=draw(st.sampled_from([0, 0, 15, 30, 90])))
    base = TerminValues(datum=start, sb="SB", anwalt="SB", vorbereitung=prepared, **texts)
    lasting = start + timedelta(minutes=draw(st.sampled_from([1, 30, 60, 480, 1439])))
    if kind in ("days", "several"):
        last = start + timedelta(days=draw(st.integers(1, 5))) if kind == "several" else None
        ends = draw(st.sampled_from([LAST_SECOND, time(), None]))
        return _with(base, datum=_midnight(start), uhrzeit_bis=ends, datum_bis=last and _midnight(last))
    if kind == "none":
        return _with(base, uhrzeit_bis=start.time())
    if kind == "reversed":
        return _with(base, uhrzeit_bis=(start - timedelta(minutes=30)).time())
    other_day = lasting.date() != start.date()
    return _with(base, uhrzeit_bis=lasting.time(), datum_bis=_midnight(lasting) if other_day else None)


@st.composite
def series(draw: st.DrawFn) -> TerminValues:
    """Dauertermine: timed within a day, or of whole days."""
    start = draw(moments().filter(lambda each: each.hour < 23))
    every = draw(st.sampled_from(list(Every)))
    until = draw(st.one_of(st.none(), st.integers(0, 800).map(lambda days: _midnight(start) + timedelta(days=days))))
    rhythm: Mapping[str, Any] = {
        "dauertermin": True,
        "turnus": draw(st.integers(0, 4)),
        "turnus_art": int(every),
        "datum_bis": until,
    }
    prepared = timedelta(minutes=draw(st.sampled_from([0, 0, 30])))
    if draw(st.booleans()):
        return TerminValues(datum=_midnight(start), sb="SB", text=draw(TITLES), uhrzeit_bis=LAST_SECOND, **rhythm)
    ends = (start + timedelta(minutes=draw(st.sampled_from([1, 30, 59])))).time()
    return TerminValues(datum=start, sb="SB", text="Jour fixe", uhrzeit_bis=ends, vorbereitung=prepared, **rhythm)


def _with(values: TerminValues, **changes: object) -> TerminValues:
    return replace(values, **changes)  # type: ignore[arg-type]


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.date(), time())
