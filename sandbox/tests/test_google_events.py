"""Single events: what is taken and what refused, what an update keeps, how they die and live again."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.tests.google_caller import KMO, SB, Office, at, event, office, reason

LONG = "x" * 9000


async def refused(calendar: Office, **fields: Any) -> tuple[int, str]:
    return reason(await calendar.events("POST", "", event(**fields)))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"id": "wxyz1"}, "invalid"),
        ({"id": "abcd"}, "invalid"),
        ({"id": "ABCDE"}, "invalid"),
        ({"id": "abcde", "iCalUID": "abcde@google.com"}, "invalid"),
        ({"start": {"date": "2026-10-05"}}, "invalid"),
        ({"start": {"date": "2026-10-05", "dateTime": "2026-10-05T09:00:00Z"}}, "invalid"),
        ({"start": {"dateTime": "2026-10-05T09:00:00"}}, "required"),
        ({"start": {"dateTime": "2026-02-30T09:00:00Z"}}, "invalid"),
        ({"start": {"dateTime": "2026-10-05 09:00:00Z"}}, "invalid"),
        ({"start": {"dateTime": "2026-10-05T09:00:00", "timeZone": "Europe/Atlantis"}}, "invalid"),
        ({"start": None}, "required"),
        ({"end": at("2026-10-05T08:59:00")}, "timeRangeEmpty"),
        ({"start": {"date": "2026-10-05"}, "end": {"date": "2026-10-05"}}, "timeRangeEmpty"),
        ({"status": "done"}, "invalid"),
        ({"status": "cancelled"}, "invalid"),
        ({"visibility": "secret"}, "invalid"),
        ({"transparency": "free"}, "invalid"),
        ({"colorId": "12"}, "invalid"),
        ({"summary": 7}, "invalid"),
        ({"summary": "a\x00b"}, "invalid"),
        ({"titel": "x"}, "badRequest"),
        ({"description": LONG}, "invalid"),
        ({"attendees": [{"email": "nobody"}]}, "invalid"),
        ({"reminders": {"useDefault": False, "overrides": [{"method": "sms", "minutes": 5}]}}, "invalid"),
        ({"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 40321}]}}, "invalid"),
        (
            {"reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}},
            "cannotUseDefaultRemindersAndSpecifyOverride",
        ),
        ({"extendedProperties": {"private": {"k" * 45: "v"}}}, "invalid"),
        ({"extendedProperties": {"private": {"k": "v" * 1025}}}, "invalid"),
        ({"extendedProperties": {"private": {f"k{n}": "v" for n in range(301)}}}, "invalid"),
        ({"extendedProperties": {"private": {f"k{n}": "v" * 1000 for n in range(40)}}}, "invalid"),
        ({"eventType": "party"}, "invalid"),
        ({"eventType": "focusTime"}, "eventTypeRestriction"),
        ({"eventType": "fromGmail"}, "eventTypeRestriction"),
        ({"birthdayProperties": {"type": "birthday"}}, "eventTypeRestriction"),
    ],
)
async def test_an_event_that_cannot_be_is_400(fields: dict[str, Any], word: str) -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        assert await refused(calendar, **fields) == (400, word)
        assert await calendar.all() == ([], (await calendar.all())[1])


async def test_nothing_but_a_json_object_is_a_body() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        assert reason(await calendar.events("POST", "", [])) == (400, "parseError")
        assert reason(await calendar.events("GET", "", sorted="yes")) == (400, "invalid")


async def test_an_event_reads_as_it_is_kept() -> None:
    """Wall times get their offset, line ends become one, what is empty is not there."""
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(summary=" Termin ", description="a\r\nb", location="", colorId="3")
        _, read = await calendar.events("GET", f"/{made['id']}")
        _, utc = await calendar.events("GET", f"/{made['id']}", timeZone="UTC")
    assert read == made
    assert (made["summary"], made["description"], made.get("location")) == ("Termin", "a\nb", None)
    assert made["start"] == {"dateTime": "2026-10-05T09:00:00+02:00", "timeZone": "Europe/Berlin"}
    assert utc["start"]["dateTime"] == "2026-10-05T07:00:00Z"
    assert made["organizer"]["email"] == calendar.id
    assert made["iCalUID"] == f"{made['id']}@google.com"


@pytest.mark.parametrize(
    ("wall", "shown"),
    [
        ("2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T03:00:00", "2026-10-25T03:00:00+01:00"),
    ],
)
async def test_hours_of_the_clock_change(wall: str, shown: str) -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(start=at(wall), end=at("2026-12-01T00:00:00"))
    assert made["start"]["dateTime"] == shown


async def test_an_event_may_last_no_time_at_all() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(end=at("2026-10-05T09:00:00"))
    assert made["start"] == made["end"]


async def test_an_id_is_taken_for_ever() -> None:
    """409 while it lives and after its death; an update to `confirmed` brings it back."""
    async with office() as caller:
        calendar = await caller.calendar()
        await calendar.new(id="abcde")
        living = reason(await calendar.events("POST", "", event(id="abcde")))
        await calendar.events("DELETE", "/abcde")
        dead = reason(await calendar.events("POST", "", event(id="abcde")))
        _, seen = await calendar.events("GET", "/abcde")
        _, still = await calendar.events("PUT", "/abcde", event())
        _, again = await calendar.events("PUT", "/abcde", event(status="confirmed"))
    assert living == dead == (409, "duplicate")
    assert (seen["status"], still["status"], again["status"]) == ("cancelled", "cancelled", "confirmed")


async def test_a_second_delete_is_410() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        await calendar.new(id="abcde")
        first, _ = await calendar.events("DELETE", "/abcde")
        second = await calendar.events("DELETE", "/abcde")
        never = await calendar.events("DELETE", "/abcdf")
    assert first == 204
    assert reason(second) == (410, "deleted")
    assert reason(never) == (404, "notFound")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_an_old_etag_is_412(method: str) -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new()
        path = f"/{made['id']}"
        _, newer = await calendar.events("PUT", path, event(summary="Neu"), by=calendar.by)
        body = None if method == "DELETE" else event(summary="Alt")
        late = await calendar.events(method, path, body, etag=made["etag"])
        good, _ = await calendar.events(method, path, body, etag=newer["etag"])
    assert reason(late) == (412, "conditionNotMet")
    assert good in (200, 204)


async def test_an_update_keeps_nothing_that_it_does_not_name() -> None:
    """But for a conference and attachments, of which the caller need not know."""
    conference = {"createRequest": {"requestId": "r1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}}
    paper = [{"fileUrl": "https://drive.example/1", "title": "Vollmacht"}]
    async with office() as caller:
        calendar = await caller.calendar()
        body = event(conferenceData=conference, attachments=paper, location="Saal 1", colorId="4")
        more = {"conferenceDataVersion": "1", "supportsAttachments": "true"}
        _, made = await calendar.events("POST", "", body, **more)
        _, plain = await calendar.events("PUT", f"/{made['id']}", event(summary="Neu"))
        _, knowing = await calendar.events("PUT", f"/{made['id']}", event(summary="Neuer"), **more)
        _, emptied = await calendar.events(
            "PUT", f"/{made['id']}", event(attachments=[], location="x"), supportsAttachments="true"
        )
    assert made["conferenceData"]["entryPoints"]
    for each in (plain, knowing):
        assert each["conferenceData"] == made["conferenceData"]
        assert each["attachments"] == paper
        assert each.keys().isdisjoint({"location", "colorId"})
    assert "attachments" not in emptied
    assert emptied["conferenceData"] == made["conferenceData"]


async def test_what_a_caller_does_not_know_it_cannot_set() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(attachments=[{"fileUrl": "https://drive.example/1"}], conferenceData={"notes": "x"})
    assert made.keys().isdisjoint({"attachments", "conferenceData"})


async def test_a_patch_merges() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(location="Saal 1", extendedProperties={"private": {"a": "1", "b": "2"}})
        body = {"summary": "Neu", "location": None, "extendedProperties": {"private": {"a": None, "c": "3"}}}
        _, told = await calendar.events("PATCH", f"/{made['id']}", body)
        halfway = await calendar.events("PATCH", f"/{made['id']}", {"start": {"date": "2026-10-05"}})
    assert (told["summary"], told["start"], "location" in told) == ("Neu", made["start"], False)
    assert told["extendedProperties"] == {"private": {"b": "2", "c": "3"}}
    assert reason(halfway) == (400, "invalid")


async def test_etag_updated_and_sequence_move_apart() -> None:
    """Nothing changed: all stay. Reminders: the etag alone moves. A move in time: the sequence as well."""
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new()
        path, seen = f"/{made['id']}", [made]
        for body in (
            event(),
            event(reminders={"useDefault": False}),
            event(reminders={"useDefault": False}, summary="Neu"),
            event(end=at("2026-10-05T11:00:00")),
        ):
            caller.clock.pass_(minutes=1)
            seen.append((await calendar.events("PUT", path, body))[1])
        low = await calendar.events("PUT", path, event(sequence=0))
    etags, moments, numbers = ([each[name] for each in seen] for name in ("etag", "updated", "sequence"))
    assert etags[0] == etags[1] != etags[2] != etags[3] != etags[4]
    assert moments[0] == moments[2] < moments[3] < moments[4]
    assert numbers == [0, 0, 0, 0, 1]
    assert (low[0], "Invalid sequence value" in low[1]["error"]["message"]) == (400, True)


async def test_a_day_becomes_an_hour_and_back() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        day = {"start": {"date": "2026-10-05"}, "end": {"date": "2026-10-06"}}
        made = await calendar.new(**day)
        _, timed = await calendar.events("PUT", f"/{made['id']}", event())
        _, again = await calendar.events("PUT", f"/{made['id']}", event(**day))
    assert made["start"] == again["start"] == {"date": "2026-10-05"}
    assert "date" not in timed["start"]


async def test_an_ical_uid_is_unique_for_inserts() -> None:
    """An import of the same updates."""
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(iCalUID="uid-1@office")
        taken = await calendar.events("POST", "", event(iCalUID="uid-1@office"))
        _, same = await calendar.events("POST", "/import", event(iCalUID="uid-1@office", summary="Neu"))
        _, other = await calendar.events("POST", "/import", event(iCalUID="uid-2@office"))
        nameless = await calendar.events("POST", "/import", event())
    assert reason(taken) == (409, "duplicate")
    assert (same["id"], same["summary"]) == (made["id"], "Neu")
    assert other["id"] != made["id"]
    assert reason(nameless) == (400, "required")


async def test_a_foreign_event_belongs_to_its_organizer() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        foreign = event(iCalUID="x@elsewhere", organizer={"email": "chef@elsewhere.example"})
        _, made = await calendar.events("POST", "/import", foreign)
        shared = await calendar.events("PUT", f"/{made['id']}", event(summary="Neu"))
        own, _ = await calendar.events("PUT", f"/{made['id']}", event(colorId="5"))
        taken = await calendar.events("PUT", f"/{made['id']}", event(organizer={"email": calendar.id}))
    assert reason(shared) == (403, "forbiddenForNonOrganizer")
    assert own == 200
    assert reason(taken) == (403, "cannotChangeOrganizer")


async def test_an_event_moves_to_another_calendar() -> None:
    async with office() as caller:
        here, there = await caller.calendar(), await caller.calendar()
        made = await here.new()
        status, moved = await here.events("POST", f"/{made['id']}/move", destination=there.id)
        _, left = await here.events("GET", f"/{made['id']}")
        nowhere = await there.events("POST", f"/{made['id']}/move", destination="c_nowhere")
    assert (status, moved["id"], moved["organizer"]["email"]) == (200, made["id"], there.id)
    assert left["status"] == "cancelled"
    assert reason(nowhere) == (404, "notFound")


BIRTHDAY = {
    "eventType": "birthday",
    "start": {"date": "2026-10-05"},
    "end": {"date": "2026-10-06"},
    "recurrence": ["RRULE:FREQ=YEARLY"],
    "visibility": "private",
    "transparency": "transparent",
}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"eventType": "focusTime", "focusTimeProperties": {}}, 200),
        ({"eventType": "outOfOffice"}, 200),
        ({"eventType": "workingLocation"}, 400),
        ({"eventType": "workingLocation", "workingLocationProperties": {"type": "homeOffice"}}, 200),
        ({"eventType": "outOfOffice", "start": {"date": "2026-10-05"}, "end": {"date": "2026-10-06"}}, 400),
        (BIRTHDAY, 200),
        (BIRTHDAY | {"visibility": "public"}, 400),
        (BIRTHDAY | {"extendedProperties": {"private": {"a": "1"}}}, 400),
        (BIRTHDAY | {"recurrence": ["RRULE:FREQ=WEEKLY"]}, 400),
    ],
)
async def test_other_kinds_live_in_primary_calendars(fields: dict[str, Any], status: int) -> None:
    async with office() as caller:
        primary = Office(caller, SB, SB)
        seen, told = await primary.events("POST", "", event(**fields))
        assert seen == status, told
        if status == 200:
            changed = await primary.events("PUT", f"/{told['id']}", event(eventType="default"))
            assert reason(changed) == (400, "eventTypeRestriction")


async def test_one_person_does_not_see_the_others_private_calendar() -> None:
    async with office() as caller:
        await Office(caller, SB, SB).new()
        assert reason(await Office(caller, SB, KMO).events("GET")) == (404, "notFound")
