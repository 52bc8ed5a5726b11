"""Journeys of one employee's calendar, on fakes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from calendar_office import Office
from fake_google import days_of, times_of

from calendar_sync.domain.block import split
from calendar_sync.domain.values import Profile
from synckit.testing.faults import Crash

NINE = datetime(2026, 10, 20, 9)
WEEKLY = {"dauertermin": True, "turnus": 1, "turnus_art": 2}


async def test_a_new_termin_is_one_event() -> None:
    office = Office()
    frnr = office.termin(NINE, text="Müller ./. Schmidt", ort="Saal 2", notiz="Akte <wichtig>")
    report = await office.run()
    assert (report.state, report.counts["insert_event"]) == ("done", 1), report
    event = office.event_of(frnr)
    assert event.body["summary"] == "Müller ./. Schmidt"
    assert event.body["description"] == "Akte &lt;wichtig&gt;"
    assert event.body["start"] == {"dateTime": "2026-10-20T09:00:00", "timeZone": "Europe/Berlin"}
    assert await office.quiet() == 1


async def test_a_new_event_is_one_termin() -> None:
    office = Office()
    await office.run()
    event_id = office.google.enter(office.calendar, summary="Mittag", **times_of(NINE, NINE + timedelta(hours=1)))
    await office.run()
    termin = office.termin_of(event_id)
    assert (termin.values.text, termin.values.datum, termin.values.uhrzeit_bis) == ("Mittag", NINE, time(10))
    assert split(termin.values.notiz)[1].mark
    assert await office.quiet() == 1


async def test_different_fields_are_merged() -> None:
    office = Office()
    frnr = office.termin(NINE)
    await office.run()
    event = office.event_of(frnr)
    office.google.shift(office.calendar, event.id, timedelta(hours=2))
    office.desk.change(frnr, text="Verhandlung")
    await office.run()
    assert office.desk.termine[frnr].values.datum == NINE + timedelta(hours=2)
    assert office.event_of(frnr).body["summary"] == "Verhandlung"
    assert not office.store.notices
    assert await office.quiet() == 1


async def test_same_field_the_source_wins_and_tells() -> None:
    office = Office()
    frnr = office.termin(NINE, text="A")
    await office.run()
    office.google.edit(office.calendar, office.event_of(frnr).id, summary="G")
    office.desk.change(frnr, text="D")
    await office.run()
    assert office.event_of(frnr).body["summary"] == "D"
    assert [kind for _, kind, _ in office.store.notices] == ["conflict"]
    assert any(entry.loser == "G" for _, entry in office.store.lines)
    assert await office.quiet() == 1


async def test_deleted_at_the_desk_is_deleted_in_google() -> None:
    office = Office()
    frnr = office.termin(NINE)
    await office.run()
    office.desk.remove(frnr)
    await office.run()
    assert office.google.living(office.calendar) == []
    assert await office.quiet() == 1


async def test_own_one_deleted_in_google_goes_at_the_desk() -> None:
    office = Office()
    await office.run()
    event_id = office.google.enter(office.calendar, summary="Mittag", **times_of(NINE, NINE + timedelta(hours=1)))
    await office.run()
    office.google.remove(office.calendar, event_id)
    await office.run()
    assert office.desk.termine == {}
    assert await office.quiet() == 1


async def test_one_of_advowares_comes_back_with_a_notice() -> None:
    office = Office()
    frnr = office.termin(NINE)
    await office.run()
    office.google.remove(office.calendar, office.event_of(frnr).id)
    await office.run()
    assert office.event_of(frnr).body["summary"] == "Besprechung"
    assert [kind for _, kind, _ in office.store.notices] == ["came_back"]
    assert await office.quiet() == 1


async def test_series_with_a_moved_and_a_cancelled_occurrence() -> None:
    office = Office()
    start = datetime(2026, 10, 6, 9)
    frnr = office.termin(start, text="Jour fixe", **WEEKLY, datum_bis=datetime(2026, 12, 15))
    await office.run()
    master = office.event_of(frnr)
    assert master.body["recurrence"] == ["RRULE:FREQ=WEEKLY;UNTIL=20261215T225959Z"]
    moved = f"{master.id}_20261027T080000Z"
    office.google.shift(office.calendar, moved, timedelta(days=1))
    office.google.remove(office.calendar, f"{master.id}_20261103T080000Z")
    await office.run()
    block = split(office.desk.termine[frnr].values.notiz)[1]
    assert block.omitted == (date(2026, 10, 27), date(2026, 11, 3))
    own = office.termin_of(moved)
    assert own.values.datum == datetime(2026, 10, 28, 9)
    assert len(office.desk.termine) == 2
    assert await office.quiet() == 1
    office.google.shift(office.calendar, moved, timedelta(days=-1))
    await office.run()
    assert await office.quiet() <= 2
    assert list(office.desk.termine) == [frnr]
    assert split(office.desk.termine[frnr].values.notiz)[1].omitted == (date(2026, 11, 3),)


async def test_series_that_advoware_cannot_hold_is_expanded() -> None:
    office = Office()
    await office.run()
    rule = ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]
    start = datetime(2026, 10, 5, 9)
    event_id = office.google.enter(
        office.calendar, summary="Sport", recurrence=rule, **times_of(start, start + timedelta(hours=1))
    )
    await office.run()
    count = len(office.desk.termine)
    assert 16 <= count <= 18
    assert await office.quiet() == 1
    first = min(office.desk.termine)
    office.desk.change(first, text="Schwimmen")
    await office.run()
    assert office.event_of(first).body["summary"] == "Schwimmen"
    office.desk.remove(first + 1)
    await office.run()
    assert len(office.desk.termine) == count - 1
    assert await office.quiet() <= 2
    office.google.remove(office.calendar, event_id)
    await office.quiet()
    assert office.desk.termine == {}


async def test_whole_days_end_exclusively_in_google() -> None:
    office = Office()
    frnr = office.termin(datetime(2026, 10, 12), uhrzeit_bis=time(), datum_bis=datetime(2026, 10, 14))
    await office.run()
    event = office.event_of(frnr)
    assert (event.body["start"], event.body["end"]) == ({"date": "2026-10-12"}, {"date": "2026-10-15"})
    office.google.edit(office.calendar, event.id, **days_of(datetime(2026, 10, 13), datetime(2026, 10, 14)))
    await office.run()
    values = office.desk.termine[frnr].values
    assert (values.datum, values.datum_bis, values.has_whole_days) == (
        datetime(2026, 10, 13),
        datetime(2026, 10, 14),
        True,
    )
    assert await office.quiet() == 1


async def test_what_comes_back_shows_nothing_that_is_hidden_now() -> None:
    """A deleted event keeps its body at Google's; its old place and notes don't come back with it."""
    office = Office()
    frnr = office.termin(NINE, text="Mueller", ort="Saal 2", notiz="Akte 7")
    await office.run()
    office.google.remove(office.calendar, office.event_of(frnr).id)
    await office.run(profile=Profile.BUSY)
    body = office.event_of(frnr).body
    assert (body["summary"], body.get("location"), body.get("description")) == ("Termin", None, None)


async def test_a_made_termin_is_not_made_again_in_an_outage() -> None:
    """Killed after the POST, then nothing but empty answers: the intent waits until something can be seen."""
    office = Office()
    await office.run()
    office.google.enter(office.calendar, summary="Mittag", **times_of(NINE, NINE + timedelta(hours=1)))

    def kill(point: str) -> None:
        if point == "advoware.create.after":
            raise Crash

    office.desk.faults.hook = kill
    with pytest.raises(Crash):
        await office.run()
    office.desk.faults.clear()
    office.desk.is_empty = True
    assert (await office.run()).state == "skipped"
    office.desk.is_empty = False
    await office.quiet()
    assert len(office.desk.termine) == 1


async def test_all_of_a_few_may_be_deleted_at_once() -> None:
    """What is deleted in one run is no control for the rest of it."""
    office = Office()
    numbers = [office.termin(NINE + timedelta(days=day)) for day in range(3)]
    await office.run()
    for frnr in numbers:
        office.desk.remove(frnr)
    assert (await office.run()).state == "done"
    assert office.google.living(office.calendar) == []


async def test_many_cancelled_occurrences_are_no_missing_termine() -> None:
    """Killed while a series was expanded, then deleted in Google: its Termine go, and no single ones come of them."""
    office = Office()
    await office.run()
    rule = ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]
    times = times_of(datetime(2026, 10, 5, 9), datetime(2026, 10, 5, 10))
    event_id = office.google.enter(office.calendar, summary="Sport", recurrence=rule, **times)
    office.desk.faults.crash_at(12)
    with pytest.raises(Crash):
        await office.run()
    office.desk.faults.clear()
    office.google.remove(office.calendar, event_id)
    await office.quiet()
    assert office.desk.termine == {}
    assert office.google.living(office.calendar) == []
    assert office.reports[-1].state == "done"
    office.desk.calls.clear()
    await office.run()
    assert office.desk.calls == ["appointments"]
