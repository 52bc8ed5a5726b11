"""No state of a series and of its occurrences is one from which no look leads on, however they came into it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from calendar_machine import CalendarMachine
from calendar_office import Office
from fake_google import times_of
from hypothesis import given, settings
from hypothesis import strategies as st

from calendar_sync.domain.memory import Kind, Row, State
from calendar_sync.domain.values import Strategy
from synckit.errors import RemoteUnavailable
from synckit.testing.faults import Crash

FIRST = datetime(2026, 10, 8, 9)
HELD = "RRULE:FREQ=WEEKLY;COUNT=4"
NOT_HELD = "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=4"
HAS_ONE = [(kind, state) for kind in (Kind.SERIES, Kind.SINGLE) for state in State] + [
    (Kind.EXPANDED, State.LINKED),
    (Kind.EXPANDED, State.GONE),
]
HAS_NONE = [
    (Kind.EXPANDED, State.LINKED),
    (Kind.EXPANDED, State.GONE),
    (Kind.SERIES, State.CREATING),
    (Kind.SINGLE, State.CREATING),
]
"""What a series can be remembered as, with a Termin of its own and without one."""
WHOLE = st.one_of(
    st.tuples(st.just(HELD), st.sampled_from(HAS_ONE)), st.tuples(st.just(NOT_HELD), st.sampled_from(HAS_NONE))
)
PART = st.tuples(st.sampled_from([State.LINKED, State.CREATING, State.GONE]), st.booleans())


def series(office: Office, rule: str) -> str:
    """A person enters one."""
    times = times_of(FIRST, FIRST + timedelta(minutes=30))
    return office.google.enter(office.calendar, summary="Jour fixe", recurrence=[rule], **times)


def keep(office: Office, row: Row) -> None:
    """As if a run had left it so."""
    office.store.pairs["SB", row.key] = row


@pytest.mark.asyncio
async def test_a_series_restored_while_it_ends_goes_on() -> None:
    """An outage interrupts its deletion, a person restores it: all of its occurrences stand at the desk again."""
    office = Office()
    await office.quiet()
    event_id = series(office, NOT_HELD)
    await office.quiet()
    assert len(office.desk.termine) == 4
    office.google.remove(office.calendar, event_id)
    office.desk.faults.fail_at(3, RemoteUnavailable("advoware", "no answer", maybe_applied=True))
    report = await office.run()
    assert report.state == "failed"
    assert 0 < len(office.desk.termine) < 4
    office.desk.faults.clear()
    office.google.restore(office.calendar, event_id)
    await office.quiet()
    assert len(office.desk.termine) == 4
    assert {row.kind for row in office.rows.values()} == {Kind.EXPANDED, Kind.OCCURRENCE}


@pytest.mark.asyncio
async def test_restored_before_it_came_back_is_one() -> None:
    """Edited at the desk, it was to come back in Google; a person restores it while that is announced alone."""
    office = Office()
    office.rules = replace(office.rules, strategy=Strategy.LATEST)
    await office.quiet()
    event_id = office.google.enter(office.calendar, summary="Essen", **times_of(FIRST, FIRST + timedelta(hours=1)))
    await office.quiet()
    (frnr,) = office.desk.termine
    office.google.remove(office.calendar, event_id)
    office.desk.change(frnr, ort="Saal 1")
    office.google.faults.crash_at(2)
    with pytest.raises(Crash):
        await office.run()
    office.google.faults.clear()
    assert [row.state for row in office.rows.values()] == [State.CREATING]
    office.google.restore(office.calendar, event_id)
    await office.quiet()
    (event,) = office.google.living(office.calendar)
    assert (event.id, event.body["location"]) == (event_id, "Saal 1")


@pytest.mark.asyncio
async def test_a_changed_occurrence_keeps_its_termin() -> None:
    """Its series was expanded and becomes one that Advoware can hold: the moved one stands there once."""
    office = Office()
    await office.quiet()
    event_id = series(office, NOT_HELD)
    await office.quiet()
    office.google.shift(office.calendar, f"{event_id}_20261015T070000Z", timedelta(hours=1))
    await office.quiet()
    office.google.edit(office.calendar, event_id, recurrence=[HELD])
    await office.quiet()
    at = sorted((termin.values.datum, termin.values.dauertermin) for termin in office.desk.termine.values())
    assert at == [(FIRST, True), (datetime(2026, 10, 15, 10), False)]
    assert len(office.google.living(office.calendar)) == 2


@settings(max_examples=120, deadline=None)
@given(
    whole=WHOLE,
    now=st.sampled_from([HELD, NOT_HELD, "single", "gone", "the same"]),
    parts=st.lists(PART, min_size=4, max_size=4),
    deleted=st.sets(st.integers(0, 5)),
    strategy=st.sampled_from(list(Strategy)),
)
def test_any_state_leads_to_agreement(**told: Any) -> None:
    """Rows in any state beside any two sides: after quiet both sides are alike, and each Termin is some pair's."""
    asyncio.run(leads_on(**told))


async def leads_on(
    whole: tuple[str, tuple[Kind, State]],
    now: str,
    parts: list[tuple[State, bool]],
    deleted: set[int],
    strategy: Strategy,
) -> None:
    machine = CalendarMachine()
    office = machine.office = machine.make(strategy, False)
    await office.quiet()
    rule, (kind, state) = whole
    event_id = series(office, rule)
    await office.quiet()
    last = FIRST + timedelta(days=14 if rule is HELD else 7)
    office.google.shift(office.calendar, f"{event_id}_{last:%Y%m%d}T070000Z", timedelta(hours=1))
    await office.quiet()
    tamper(office, event_id, now, deleted)
    remembered(office, kind, state, parts)
    await settled(machine)
    machine.both_sides_agree()
    machine.nothing_is_doubled()
    known = {row.frnr for row in office.rows.values() if row.state is not State.GONE}
    assert set(office.desk.termine) <= known, "a Termin of which nobody thinks any more"


def remembered(office: Office, kind: Kind, state: State, parts: list[tuple[State, bool]]) -> None:
    """A run was killed, a database fell back: the rows say something else."""
    now = office.clock.now()
    whole = next(row for row in office.rows.values() if not row.parent)
    keep(office, replace(whole, kind=kind, state=state, since=now))
    if state is State.DECLINED and whole.frnr in office.desk.termine:
        office.desk.change(whole.frnr, anwalt="XX")
    for row, (told, is_unsaved) in zip([row for row in office.rows.values() if row.parent], parts, strict=False):
        frnr = None if is_unsaved and told is State.CREATING else row.frnr
        keep(office, replace(row, state=told, frnr=frnr, since=now))
        if told is State.GONE and row.frnr in office.desk.termine:
            office.desk.remove(row.frnr)


def tamper(office: Office, event_id: str, now: str, deleted: set[int]) -> None:
    """People on both sides."""
    match now:
        case "gone":
            office.google.remove(office.calendar, event_id)
        case "single":
            office.google.edit(office.calendar, event_id, recurrence=None)
        case "the same":
            pass
        case _:
            office.google.edit(office.calendar, event_id, recurrence=[now])
    numbers = sorted(office.desk.termine)
    for each in deleted:
        if each < len(numbers):
            office.desk.remove(numbers[each])


async def settled(machine: CalendarMachine) -> None:
    await asyncio.to_thread(machine.settle)
    before = machine.office.writes
    await machine.office.run()
    assert machine.office.writes == before, "a run after quiet writes"
