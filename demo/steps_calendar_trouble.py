"""Steps 23 to 27: deletions, an Advoware that answers nothing, a crash at the worst moment, write protection."""

from __future__ import annotations

from demo import appointments
from demo.appointments import ahead
from demo.calendars import CalendarDay, Json, command
from demo.morning import Morning
from demo.remotes import Remote
from demo.steps_calendar import HOUR, entered, in_step, only_event, only_termin
from demo.wait import expect, until
from deploy.local.table import CALENDAR


async def own_deleted_in_google(morning: Morning) -> str:
    """What was entered on the phone is deleted there: confirmed by reading it, then gone at the desk."""
    async with morning.calendars() as day:
        mail = await day.hire("DOW")
        await in_step(day, "DOW")
        event = await entered_on_the_phone(day, mail, appointments.OWN)
        await in_step(day, "DOW")
        termin = await only_termin(day, "DOW")
        expect(termin["text"] == appointments.OWN, "the desk has another title")
        async with Remote.of(morning.addresses.google_url) as google:
            since = await google.last_call()
            await day.delete(mail, event["id"])
            await in_step(day, "DOW")
            reads = await google.calls(method="GET", path=f"/events/{event['id']}$", since=since)
        expect(await day.termine("DOW") == [], "the desk has it still")
        expect(bool(reads), "the deletion was believed without reading the event")
    return f"Termin {termin['frNr']} gone at the desk, after the event was read by its id"


async def theirs_deleted_in_google(morning: Morning) -> str:
    """What was entered at a desk is deleted on the phone: back in Google, with one notice, untouched at the desk."""
    async with morning.calendars() as day:
        mail = await day.hire("DTH")
        termin = await entered(day, "DTH", appointments.THEIRS, ahead(11))
        await in_step(day, "DTH")
        before = {note["id"] for note in await morning.espo.notes()}
        await day.delete(mail, (await only_event(day, mail))["id"])
        await in_step(day, "DTH")
        event = await only_event(day, mail)
        await in_step(day, "DTH")
        fresh = [note for note in await morning.espo.notes() if note["id"] not in before]
        expect(event["summary"] == appointments.THEIRS, "back with another title")
        expect((await only_termin(day, "DTH"))["rowId"] == termin["rowId"], "the Termin was written")
        expect(len(fresh) == 1, f"{len(fresh)} notices for one deletion")
    return "back in Google after one run, one notice to a person, the Termin untouched"


async def empty_list(morning: Morning) -> str:
    """Advoware answers an empty list with 200: nothing is deleted, and afterwards all goes on."""
    async with morning.calendars() as day:
        mail = await day.hire("DEM")
        for place, title in enumerate(appointments.MANY):
            await entered(day, "DEM", title, ahead(8 + place))
        await in_step(day, "DEM")
        await day.switch(lie="empty_list")
        try:
            run = await day.sync("DEM")
        finally:
            await day.switch(lie=None)
        expect(run["state"] != "done", "the run believed the empty list")
        expect(len(await day.events(mail)) == len(appointments.MANY), "events were deleted in Google")
        again = await in_step(day, "DEM")
        expect(not any(again["counts"].values()), f"the run afterwards wrote {again['counts']}")
    return f"{len(appointments.MANY)} events stay; the run said: {run['reason']}"


async def killed_between_insert_and_save(morning: Morning) -> str:
    """calendar-sync is killed with -9 after Google has stored the event and before its answer: one event, no twin."""
    async with morning.calendars() as day, Remote.of(morning.addresses.google_url) as google:
        mail = await day.hire("DKI")
        await in_step(day, "DKI")
        await entered(day, "DKI", appointments.KILLED, ahead(12))
        since = await google.last_call()
        match = {"method": "POST", "path_regex": "/events$"}
        rule = await google.fault({"kind": "hold_after"}, match=match, times=1)
        try:
            await day.ask("DKI")

            async def stored() -> bool | None:
                posts = await google.calls(method="POST", path="/events$", since=since)
                return any(call["effect"] == 200 and call["ended"] is None for call in posts) or None

            await until(stored, "Google has stored the event and holds its answer back")
            morning.stack.kill(CALENDAR.name)
        finally:
            await google.mend(rule)
        morning.stack.start_process(CALENDAR.name)
        await in_step(day, "DKI")
        event = await only_event(day, mail)
        expect(event["summary"] == appointments.KILLED, "another event")
        again = await in_step(day, "DKI")
        expect(not any(again["counts"].values()), f"a further run wrote {again['counts']}")
    return "killed and restarted: one event, one Termin, and a further run writes nothing"


async def write_protection(morning: Morning) -> str:
    """With write protection (dry, then protect) it is shown and not written; switched on, what waited goes."""
    async with morning.calendars() as day:
        mail = await day.hire("DWP")
        await in_step(day, "DWP")
        kept = str(morning.stack.state_dir / "protected-plan.json")
        async with morning.without_calendar_sync():
            await entered(day, "DWP", appointments.PROTECTED, ahead(13))
            shown = [said(morning, "plan", "DWP", CALENDAR_MODE="dry") for _ in range(2)]
            expect(appointments.PROTECTED in shown[0] and shown[0] == shown[1], "the plan does not show it, or changes")
            expect(await day.events(mail) == [], "dry, and written to Google")
            await entered_on_the_phone(day, mail, appointments.FROM_PHONE)
            waiting = said(morning, "plan", "DWP", "--out", kept, CALENDAR_MODE="protect")
            said(morning, "apply", kept, CALENDAR_MODE="protect")
            titles = sorted(event["summary"] for event in await day.events(mail))
            desk = [row["text"] for row in await day.termine("DWP")]
        expect("wartet" in waiting, "the plan does not show what waits")
        expect(titles == sorted((appointments.PROTECTED, appointments.FROM_PHONE)), "protect did not write Google")
        expect(desk == [appointments.PROTECTED], "protected, and written to Advoware")
        await in_step(day, "DWP")
        expect(len(await day.termine("DWP")) == 2, "what waited did not go")
    return "dry: the same plan twice, nothing written; protect: Google alone; on: the waiting one went to the desk"


async def entered_on_the_phone(day: CalendarDay, mail: str, title: str) -> Json:
    """Somebody enters an hour's event on the phone."""
    at = ahead(17)
    times = {"start": at, "end": at + HOUR}
    body = {name: {"dateTime": f"{value.isoformat()}", "timeZone": "Europe/Berlin"} for name, value in times.items()}
    return await day.enter(mail, summary=title, **body)


def said(morning: Morning, *words: str, **settings: str) -> str:
    """What a command printed; it must end well."""
    done = command(morning.stack, *words, **settings)
    expect(done.returncode == 0, f"{words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
