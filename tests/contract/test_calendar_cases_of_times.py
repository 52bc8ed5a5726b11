"""Cases 9 to 11 of the fifteen, and the further cheap ones, through HTTP: series, clock changes, whole days."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.calendar_over_http import HttpOffice, Json, Start, employee, http_office, starts, times

NINE, TEN = "2026-10-20T09:00:00", "2026-10-20T10:00:00"


@pytest.fixture
async def office(aiohttp_server: Start, tmp_path: Path) -> AsyncIterator[HttpOffice]:
    async with http_office(aiohttp_server, tmp_path) as made:
        await made.run()
        yield made


async def test_case_9_a_series_over_the_clock_change(office: HttpOffice) -> None:
    """One moved, one cancelled, then another hour at the desk: the same on the wall before and after, one write."""
    weekly: Json = {"dauertermin": 1, "turnus": 1, "turnusArt": 2, "datumBis": "2026-11-10T00:00:00"}
    frnr = await office.enters("Jour fixe", "2026-10-13T09:00:00", **weekly)
    await office.quiet()
    (master,) = await office.events()
    assert [at for at, _ in await office.shown()] == [
        f"2026-{day}T09:00" for day in ("10-13", "10-20", "10-27", "11-03", "11-10")
    ]
    moved = times("2026-10-28T14:00:00", "2026-10-28T15:00:00")
    await office.edits(f"{master['id']}_20261027T080000Z", **moved)
    await office.bins(f"{master['id']}_20261103T080000Z")
    await office.quiet()
    rows = await office.termine()
    lines = ["Entfällt am 27.10.2026 (Google)", "Entfällt am 03.11.2026 (Google)"]
    assert [line for line in rows[frnr]["notiz"].splitlines() if line.startswith("Entf")] == lines
    assert sorted(row["datum"] for row in rows.values()) == ["2026-10-13T09:00:00", "2026-10-28T14:00:00"]
    before = await office.writes()
    await office.changes(frnr, datum="2026-10-13T10:00:00", uhrzeitBis="11:00:00")
    await office.run()
    assert await office.writes() - before == 1, "one write to the master"
    await office.quiet()
    shown = [at for at, _ in await office.shown()]
    assert shown == ["2026-10-13T10:00", "2026-10-20T10:00", "2026-10-28T14:00", "2026-11-10T10:00"]


async def test_case_9_this_and_following(office: HttpOffice) -> None:
    """The old series ends, a new one begins: one Dauertermin each, and no day twice."""
    series = await office.puts(
        "Sport", "2026-10-13T18:00:00", "2026-10-13T19:00:00", recurrence=["RRULE:FREQ=WEEKLY;COUNT=6"]
    )
    await office.quiet()
    await office.edits(series, recurrence=["RRULE:FREQ=WEEKLY;UNTIL=20261026T225959Z"])
    await office.puts("Sport", "2026-10-27T20:00:00", "2026-10-27T21:00:00", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    await office.quiet()
    rows = sorted((row["datum"], row["datumBis"][:10], row["dauertermin"]) for row in (await office.termine()).values())
    assert rows == [("2026-10-13T18:00:00", "2026-10-26", 1), ("2026-10-27T20:00:00", "2026-11-17", 1)]
    assert len(await office.shown()) == len(set(await office.shown())) == 6


async def test_case_10_the_hour_that_is_left_out(office: HttpOffice) -> None:
    """02:30 on 28 March: 03:30 in Google, told once, the desk's value stays, and nothing goes back and forth."""
    frnr = await office.enters("Nachts", "2027-03-28T02:30:00", "02:45:00")
    await office.run()
    for _ in range(10):
        assert await office.unchanged()
    assert (await office.termine())[frnr]["datum"] == "2027-03-28T02:30:00"
    (event,) = await office.events()
    assert starts(event) == "2027-03-28T03:30"
    assert [kind for _, kind, _ in office.store.notices] == ["left_out_hour"]


async def test_case_10_the_hour_that_comes_twice(office: HttpOffice) -> None:
    """02:30 on 25 October is the first of the two, stable over ten runs."""
    await office.enters("Zweimal", "2026-10-25T02:30:00", "02:45:00")
    await office.run()
    (event,) = await office.events()
    assert event["start"]["dateTime"] in ("2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00")
    for _ in range(10):
        assert await office.unchanged()


@pytest.mark.parametrize(
    ("first", "day"), [("2026-10-24T22:00:00", "2026-10-25"), ("2027-03-27T22:00:00", "2027-03-28")]
)
async def test_case_10_a_night_over_the_clock_change(office: HttpOffice, first: str, day: str) -> None:
    """22:00 to 06:00 stays 22:00 to 06:00 on the wall, nine hours or seven."""
    frnr = await office.enters("Nachtdienst", first, "06:00:00", datumBis=f"{day}T00:00:00")
    await office.quiet()
    (event,) = await office.events()
    assert (starts(event), event["end"]["dateTime"][:16]) == (first[:16], f"{day}T06:00")
    await office.edits(event["id"], location="Kanzlei")
    await office.quiet()
    row = (await office.termine())[frnr]
    assert (row["datum"], row["uhrzeitBis"], row["datumBis"][:10]) == (first, "06:00:00", day)


async def test_case_10_an_end_before_its_begin(office: HttpOffice) -> None:
    """An error of the desk's: 30 minutes in Google, told once, never written back. With a day to end on it is right."""
    wrong = await office.enters("Falsch", "2026-10-20T23:30:00", "00:30:00")
    right = await office.enters("Richtig", "2026-10-21T23:30:00", "00:30:00", datumBis="2026-10-22T00:00:00")
    await office.quiet()
    found = {event["summary"]: event["end"]["dateTime"][:16] for event in await office.events()}
    assert found == {"Falsch": "2026-10-21T00:00", "Richtig": "2026-10-22T00:30"}
    rows = await office.termine()
    assert (rows[wrong]["uhrzeitBis"], rows[right]["uhrzeitBis"]) == ("00:30:00", "00:30:00")
    assert [kind for _, kind, _ in office.store.notices] == ["reversed"]


async def test_case_11_whole_days(office: HttpOffice) -> None:
    """Google's end is the day after; a series ends on its day; from hours to a whole day and back leaves nothing."""
    holiday = await office.enters("Urlaub", "2027-05-01T00:00:00", "23:59:59", datumBis="2027-05-03T00:00:00")
    weekly: Json = {"dauertermin": 1, "turnus": 1, "turnusArt": 2, "datumBis": "2026-12-20T00:00:00"}
    await office.enters("Homeoffice", "2026-12-06T00:00:00", "23:59:59", **weekly)
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    events = {event["summary"]: event for event in await office.events()}
    assert (events["Urlaub"]["start"], events["Urlaub"]["end"]) == ({"date": "2027-05-01"}, {"date": "2027-05-04"})
    assert events["Homeoffice"]["recurrence"] == ["RRULE:FREQ=WEEKLY;UNTIL=20261220"]
    both = {"start": {"date": "2026-10-20", "dateTime": None, "timeZone": None}}
    await office.edits(events["Besprechung"]["id"], **both, end={"date": "2026-10-21", "dateTime": None})
    await office.quiet()
    row = (await office.termine())[frnr]
    assert (row["datum"], row["uhrzeitBis"]) in (
        ("2026-10-20T00:00:00", "23:59:59"),
        ("2026-10-20T00:00:00", "00:00:00"),
    )
    await office.changes(frnr, datum=NINE, uhrzeitBis="10:00:00")
    await office.quiet()
    event = await office.phone("GET", f"/{events['Besprechung']['id']}")
    assert (starts(event), "date" in event["start"]) == (NINE[:16], False)
    for place in range(5):
        await office.edits(events["Urlaub"]["id"], location=f"Ort {place}")
        await office.run()
    assert (await office.termine())[holiday]["datumBis"][:10] == "2027-05-03"
    assert await office.unchanged()


# -- further cheap ones ------------------------------------------------------------------------------------------------


async def test_two_employees_of_one_name(office: HttpOffice) -> None:
    """Their calendars are told by the Kürzel alone."""
    await office.enters("Meins", NINE)
    await office.enters("Deins", NINE, sb="CD", anwalt="CD")
    await office.quiet()
    await office.quiet("CD")
    assert office.calendar() != office.calendar("CD")
    assert [event["summary"] for event in await office.events("CD")] == ["Deins"]


async def test_an_employee_leaves_and_comes_back(office: HttpOffice) -> None:
    """The calendar stays, to be read; back again it is the same one, to be written."""
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    calendar = office.calendar()
    gone = replace(employee("SB"), aktiv=False)
    office.clock.advance(900)
    report = await office.of(office.store).run(gone, office.rules["SB"], office.lease)
    assert (report.state, "Ausgeschieden" in report.reason) == ("done", True)
    assert len(await office.events()) == 1
    await office.changes(frnr, text="Verhandlung")
    await office.of(office.store).run(gone, office.rules["SB"], office.lease)
    assert (await office.events())[0]["summary"] == "Besprechung"
    await office.quiet()
    assert office.calendar() == calendar
    (event,) = await office.events()
    assert event["summary"] == "Verhandlung"
    await office.edits(event["id"], location="Saal 1")


async def test_no_minutes_at_all(office: HttpOffice) -> None:
    """Sent to Google as one minute, never written back."""
    frnr = await office.enters("Frist", NINE, "09:00:00")
    await office.quiet()
    (event,) = await office.events()
    assert event["end"]["dateTime"][:16] == "2026-10-20T09:01"
    await office.edits(event["id"], location="Saal 1")
    await office.quiet()
    row = (await office.termine())[frnr]
    assert (row["uhrzeitBis"], row["ort"]) == ("09:00:00", "Saal 1")


async def test_years_that_are_none(office: HttpOffice) -> None:
    """Placeholders of 1900 and 9999 harm nobody, and are no reason to delete."""
    await office.enters("Besprechung", NINE)
    for at in ("1900-01-01T00:00:00", "9999-12-31T00:00:00"):
        await office.enters("Platzhalter", at, "00:00:00")
    await office.quiet()
    assert [event["summary"] for event in await office.events()] == ["Besprechung"]
    assert len(await office.termine()) == 3


async def test_letters_in_one_part_or_two(office: HttpOffice) -> None:
    """The same text for a person is no change."""
    frnr = await office.enters("Müller Straße", NINE)
    await office.quiet()
    (event,) = await office.events()
    await office.edits(event["id"], summary=unicodedata.normalize("NFD", "Müller Straße"))
    before = await office.writes()
    await office.quiet()
    assert await office.writes() == before
    assert (await office.termine())[frnr]["text"] == "Müller Straße"


async def test_a_stricter_occurrence_makes_the_series_stricter(office: HttpOffice) -> None:
    """As Google has it since 2026: nothing is deleted for it, and what is private shows the time alone at the desk."""
    series = await office.puts("Arzt", NINE, TEN, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    await office.quiet()
    await office.edits(f"{series}_20261027T080000Z", visibility="private")
    await office.quiet()
    rows = [row for row in (await office.termine()).values() if row["dauertermin"]]
    assert [row["datum"] for row in rows] == [NINE]
    assert len(await office.shown()) == 3


async def test_too_fast_with_a_time_to_wait(office: HttpOffice) -> None:
    """429 with Retry-After: nothing is doubled, and the next run does the rest."""
    for number in range(4):
        await office.enters(f"Termin {number}", f"2026-10-{12 + number}T09:00:00")
    await office.fault("google", "status", path="/events$", method="POST", status=429, retry_after=1)
    assert await office.attempt() in ("failed", "done")
    await office.quiet()
    assert sorted(event["summary"] for event in await office.events()) == [f"Termin {n}" for n in range(4)]


async def test_a_page_for_people_of_google(office: HttpOffice) -> None:
    """200 with HTML is no empty list."""
    await office.enters("Besprechung", NINE)
    await office.quiet()
    office.store.known["SB"] = replace(office.store.known["SB"], token="")
    before = await office.writes()
    await office.fault("google", "body", path="/events$", method="GET", body="<html>Wartung</html>")
    assert await office.attempt() not in ("done",)
    assert await office.writes() == before
    assert await office.unchanged()
