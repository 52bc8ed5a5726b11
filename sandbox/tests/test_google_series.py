"""Series: occurrences, exceptions and their end, judged by recurring-ical-events; what no calendar can expand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest
import recurring_ical_events

from sandbox.tests.google_caller import Office, at, event, office, reason

WEEKLY = ["RRULE:FREQ=WEEKLY;COUNT=6"]


async def starts(calendar: Office, series: str, **query: Any) -> list[str]:
    _, page = await calendar.events("GET", f"/{series}/instances", **query)
    return [row["start"].get("dateTime") or row["start"]["date"] for row in page["items"]]


def judged(begins: str, ends: str, lines: list[str]) -> list[datetime]:
    """What another library makes of the same series."""
    stamps = [f"DT{name};TZID=Europe/Berlin:{time}" for name, time in (("START", begins), ("END", ends))]
    text = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", *stamps, *lines, "END:VEVENT", "END:VCALENDAR"]
    )
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between((2026, 1, 1), (2028, 9, 1))
    return sorted(each["DTSTART"].dt.astimezone(UTC) for each in found)


@pytest.mark.parametrize(
    "lines",
    [
        ["RRULE:FREQ=WEEKLY;COUNT=6"],
        ["RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20261130T225959Z"],
        ["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=5", "EXDATE;TZID=Europe/Berlin:20261130T090000"],
        ["RRULE:FREQ=YEARLY;COUNT=2"],
        ["RDATE;TZID=Europe/Berlin:20261012T090000,20261102T110000"],
    ],
)
async def test_occurrences_are_those_of_another_judge(lines: list[str]) -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(start=at("2026-10-31T09:00:00"), end=at("2026-10-31T10:00:00"), recurrence=lines)
        seen = await starts(calendar, made["id"])
    told = [datetime.fromisoformat(each).astimezone(UTC) for each in seen]
    assert told == judged("20261031T090000", "20261031T100000", lines)


@pytest.mark.parametrize(
    "fields",
    [
        {"recurrence": ["RRULE:FREQ=SECONDLY;COUNT=3"]},
        {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20261130"]},
        {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20200101T000000Z"]},
        {"recurrence": ["DTSTART:20261005T090000Z"]},
        {"recurrence": ["RRULE:nonsense"]},
        {"recurrence": "RRULE:FREQ=WEEKLY"},
        {"recurrence": ["EXDATE:" + ",".join(["20261005T070000Z"] * 1500), *WEEKLY]},
    ],
)
async def test_a_rule_that_cannot_be_is_400(fields: dict[str, Any]) -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        assert reason(await calendar.events("POST", "", event(**fields))) == (400, "invalid")


async def test_a_series_needs_a_time_zone() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        times = {"start": {"dateTime": "2026-10-05T09:00:00Z"}, "end": {"dateTime": "2026-10-05T10:00:00Z"}}
        refused = await calendar.events("POST", "", event(recurrence=WEEKLY, **times))
    assert reason(refused) == (400, "required")


async def test_a_series_keeps_its_hour_over_the_clock_change() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(start=at("2026-10-19T09:00:00"), end=at("2026-10-19T10:00:00"), recurrence=WEEKLY)
        seen = await starts(calendar, made["id"], maxResults="2")
    assert seen == ["2026-10-19T09:00:00+02:00", "2026-10-26T09:00:00+01:00"]


async def test_an_exception_is_known_by_its_original_start() -> None:
    """Moved and cancelled ones stay themselves when the master's hour changes, and nothing is doubled."""
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(id="abcde", recurrence=WEEKLY)
        _, token = await calendar.all()
        _, page = await calendar.events("GET", "/abcde/instances")
        second, third = page["items"][1]["id"], page["items"][2]["id"]
        moved = event(start=at("2026-10-14T15:00:00"), end=at("2026-10-14T16:00:00"))
        _, exception = await calendar.events("PUT", f"/{second}", moved)
        await calendar.events("DELETE", f"/{third}")
        rows, token = await calendar.all(syncToken=token)
        later = {"start": at("2026-10-05T11:00:00"), "end": at("2026-10-05T12:00:00")}
        await calendar.events("PUT", "/abcde", event(recurrence=WEEKLY, **later))
        seen = await starts(calendar, "abcde")
        listed, _ = await calendar.all()
    assert second == "abcde_20261012T070000Z"
    assert exception["originalStartTime"]["dateTime"] == "2026-10-12T09:00:00+02:00"
    assert exception["iCalUID"] == made["iCalUID"]
    assert [(row["id"], row["status"], row["recurringEventId"]) for row in rows] == [
        (second, "confirmed", "abcde"),
        (third, "cancelled", "abcde"),
    ]
    assert [each[5:13] for each in seen] == ["10-05T11", "10-14T15", "10-26T11", "11-02T11", "11-09T11"]
    assert {row["id"]: row["status"] for row in listed} == {
        "abcde": "confirmed",
        second: "confirmed",
        third: "cancelled",
    }


async def test_this_and_following_is_a_split() -> None:
    """The old series ends, exceptions after its end go with it, a new one begins under its own id."""
    async with office() as caller:
        calendar = await caller.calendar()
        await calendar.new(id="abcde", recurrence=WEEKLY)
        late = event(summary="Ausnahme", start=at("2026-10-27T09:00:00"), end=at("2026-10-27T10:00:00"))
        await calendar.events("PUT", "/abcde_20261026T080000Z", late)
        ended = event(recurrence=["RRULE:FREQ=WEEKLY;UNTIL=20261018T215959Z"])
        await calendar.events("PUT", "/abcde", ended)
        rest = {"start": at("2026-10-19T14:00:00"), "end": at("2026-10-19T15:00:00")}
        await calendar.new(id="abcdf", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"], **rest)
        rows, _ = await calendar.all(singleEvents="true", orderBy="startTime")
    assert [row["start"]["dateTime"][5:13] for row in rows] == [
        "10-05T09",
        "10-12T09",
        "10-19T14",
        "10-26T14",
        "11-02T14",
        "11-09T14",
    ]


async def test_a_deleted_series_takes_its_exceptions_along() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        await calendar.new(id="abcde", recurrence=WEEKLY)
        await calendar.events("DELETE", "/abcde_20261012T070000Z")
        _, token = await calendar.all()
        await calendar.events("DELETE", "/abcde")
        rows, _ = await calendar.all(syncToken=token)
        instance = await calendar.events("GET", "/abcde_20261019T070000Z")
    assert [(row["id"], row["status"]) for row in rows] == [("abcde", "cancelled")]
    assert reason(instance) == (404, "notFound")


async def test_an_occurrence_has_no_rule_of_its_own() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        await calendar.new(id="abcde", recurrence=WEEKLY)
        ruled = await calendar.events("PUT", "/abcde_20261012T070000Z", event(recurrence=WEEKLY))
        never = await calendar.events("GET", "/abcde_20261013T070000Z")
        one = await starts(calendar, "abcde", originalStart="2026-10-12T09:00:00+02:00")
        single = await calendar.events("GET", "/abcde_20261012T070000Z/instances")
    assert reason(ruled) == (400, "invalid")
    assert reason(never) == (404, "notFound")
    assert one == ["2026-10-12T09:00:00+02:00"]
    assert reason(single) == (400, "invalid")


async def test_a_series_of_days_ends_on_a_date() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        days = {"start": {"date": "2026-12-18"}, "end": {"date": "2026-12-19"}}
        made = await calendar.new(recurrence=["RRULE:FREQ=DAILY;UNTIL=20261220"], **days)
        timed = await calendar.events("POST", "", event(recurrence=["RRULE:FREQ=DAILY;UNTIL=20261220T000000Z"], **days))
        seen = await starts(calendar, made["id"])
    assert seen == ["2026-12-18", "2026-12-19", "2026-12-20"]
    assert reason(timed) == (400, "invalid")


async def test_a_window_shows_a_series_by_its_occurrences() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        await calendar.new(id="abcde", recurrence=WEEKLY)
        inside, _ = await calendar.all(timeMin="2026-11-01T00:00:00Z", timeMax="2026-11-04T00:00:00Z")
        after, _ = await calendar.all(timeMin="2026-11-10T00:00:00Z")
    assert [row["id"] for row in inside] == ["abcde"]
    assert after == []
