"""Steps 19 to 22: desk and phone show the same calendar, whoever changed what, over a change of the clocks too."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from demo import appointments
from demo.appointments import ahead, clock_change
from demo.calendars import ZONE, CalendarDay, Json
from demo.morning import Morning
from demo.wait import expect, until

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


async def appointment_in_the_phone(morning: Morning) -> str:
    """A new appointment at a desk: with title and place in the phone's calendar, and a second run writes nothing."""
    async with morning.calendars() as day:
        mail = await day.hire("DPH")
        at = ahead(9)
        await entered(day, "DPH", appointments.HEARING, at, ort=appointments.COURT, notiz=appointments.NOTE)
        began = asyncio.get_running_loop().time()
        await in_step(day, "DPH")
        took = asyncio.get_running_loop().time() - began
        event = await only_event(day, mail)
        shown = (event["summary"], event["location"], event["start"]["dateTime"][:16])
        expect(shown == (appointments.HEARING, appointments.COURT, f"{at:%Y-%m-%dT%H:%M}"), f"the phone shows {shown}")
        again = await in_step(day, "DPH")
        expect(not any(again["counts"].values()), f"the second run wrote {again['counts']}")
    return f"calendar made and shared, event on the phone after {took:.1f} s; a second run wrote nothing"


async def moved_in_google(morning: Morning) -> str:
    """An appointment is dragged to another day on the phone: moved at the desk, by Google's push, nobody asks."""
    async with morning.calendars() as day:
        mail = await day.hire("DMV")
        termin = await entered(day, "DMV", appointments.DRAGGED, ahead(9))
        await in_step(day, "DMV")
        await day.watched(mail)
        to = ahead(14, 30, days=23)
        began = asyncio.get_running_loop().time()
        await day.move(mail, await only_event(day, mail), start=to.isoformat(), end=(to + HOUR).isoformat())

        async def moved() -> Json | None:
            row = await only_termin(day, "DMV")
            return row if row["datum"] == to.isoformat() else None

        row = await until(moved, "the Termin is moved at the desk")
        took = asyncio.get_running_loop().time() - began
        expect((row["frNr"], row["uhrzeitBis"]) == (termin["frNr"], "15:30:00"), "another Termin, or another end")
    return f"moved at the desk after {took:.1f} s, the same Termin {row['frNr']}"


async def both_changed(morning: Morning) -> str:
    """The place is changed at the desk and the time on the phone before anybody syncs: both sides have both."""
    async with morning.calendars() as day:
        mail = await day.hire("DBO")
        termin = await entered(day, "DBO", appointments.MERGED, ahead(10))
        await in_step(day, "DBO")
        event, to = await only_event(day, mail), ahead(16)
        async with morning.without_calendar_sync():
            await day.desk("POST", f"termine/{termin['frNr']}", {"ort": appointments.OTHER_PLACE})
            await day.move(mail, event, start=to.isoformat(), end=(to + HOUR).isoformat())
        await in_step(day, "DBO")
        row, event = await only_termin(day, "DBO"), await only_event(day, mail)
        wanted = (f"{to:%Y-%m-%dT%H:%M}", appointments.OTHER_PLACE)
        desk, phone = (row["datum"][:16], row["ort"]), (event["start"]["dateTime"][:16], event.get("location", ""))
        expect(desk == wanted, f"the desk shows {desk}")
        expect(phone == wanted, f"the phone shows {phone}")
    return "time from the phone and place from the desk, on both sides"


async def series_over_the_clock_change(morning: Morning) -> str:
    """A weekly series at nine goes over the change of the clocks, and one occurrence is moved on the phone."""
    async with morning.calendars() as day:
        mail = await day.hire("DSE")
        first = datetime.combine(clock_change() - timedelta(days=10), datetime.min.time()).replace(hour=9)
        rhythm = {"dauertermin": 1, "turnus": 1, "turnusArt": 2, "datumBis": (first + 4 * WEEK).isoformat()}
        series = await entered(day, "DSE", appointments.SERIES, first, **rhythm)
        await in_step(day, "DSE")
        occurrences = await occurrences_of(day, mail, await only_event(day, mail))
        walls = [each["start"]["dateTime"][:16] for each in occurrences]
        expect(walls == [f"{first + week * WEEK:%Y-%m-%dT%H:%M}" for week in range(5)], f"the phone shows {walls}")
        offsets = {each["start"]["dateTime"][19:] for each in occurrences}
        expect(len(offsets) == 2, f"{offsets}: the clocks did not change")
        to = first + 3 * WEEK + timedelta(hours=2)
        await day.move(mail, occurrences[3], start=to.isoformat(), end=(to + HOUR).isoformat())
        await in_step(day, "DSE")
        rows = await day.termine("DSE")
        moved = [row["datum"] for row in rows if row["frNr"] != series["frNr"]]
        (master,) = [row for row in rows if row["frNr"] == series["frNr"]]
        expect(moved == [to.isoformat()], f"the desk shows single appointments at {moved}")
        expect(f"Entfällt am {first + 3 * WEEK:%d.%m.%Y}" in master["notiz"], "the series does not say what it misses")
        expect(master["datum"] == first.isoformat(), "the series itself was moved")
    return "five times nine o'clock, with two offsets; the fourth is a Termin of its own at eleven, the series says so"


async def entered(day: CalendarDay, kuerzel: str, title: str, at: datetime, **more: Any) -> Json:
    """Somebody at a desk enters an hour's appointment."""
    until_ = f"{at + HOUR:%H:%M:%S}"
    body = {"text": title, "datum": at.isoformat(), "uhrzeitBis": until_, "sb": kuerzel, "anwalt": kuerzel, **more}
    made: Json = await day.desk("POST", "termine", body)
    return made


async def in_step(day: CalendarDay, kuerzel: str) -> Json:
    """A run by hand that must end well."""
    run = await day.sync(kuerzel)
    expect(run["state"] == "done", f"the run of {kuerzel} is {run['state']}: {run['reason']}")
    return run


async def only_event(day: CalendarDay, mail: str) -> Json:
    """The one event of the phone."""
    events = await day.events(mail)
    expect(len(events) == 1, f"{len(events)} events on the phone")
    return events[0]


async def only_termin(day: CalendarDay, kuerzel: str) -> Json:
    """The one Termin of the desk."""
    rows = await day.termine(kuerzel)
    expect(len(rows) == 1, f"{len(rows)} appointments at the desk")
    return rows[0]


async def occurrences_of(day: CalendarDay, mail: str, series: Json) -> list[Json]:
    """The days of a series, as the phone shows them."""
    path = f"{await day.path_of(mail, series['id'])}/instances?timeZone={ZONE}"
    told = await day.google("GET", path, person=mail)
    return sorted(told["items"], key=lambda each: str(each["start"]["dateTime"]))
