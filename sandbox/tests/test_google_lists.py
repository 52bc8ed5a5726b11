"""Lists of events: pages, filters, sync tokens and the four ways in which they die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.google_caller import KMO, SB, Caller, Office, at, event, office, reason


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with office() as caller:
        yield caller


async def filled(caller: Caller, number: int) -> Office:
    calendar = await caller.calendar()
    for each in range(number):
        await calendar.new(id=f"abcde{each:02d}")
    return calendar


async def pages(calendar: Office, **query: Any) -> list[list[str]]:
    """The ids of each page."""
    found: list[list[str]] = []
    more: dict[str, str] = {}
    while True:
        _, page = await calendar.events("GET", **query, **more)
        found.append([row["id"] for row in page["items"]])
        assert ("nextSyncToken" in page) != ("nextPageToken" in page)
        if "nextPageToken" not in page:
            return found
        more = {"pageToken": page["nextPageToken"]}


async def test_a_long_list_has_an_empty_page_in_the_middle(caller: Caller) -> None:
    calendar = await filled(caller, 7)
    assert [len(page) for page in await pages(calendar, maxResults="3")] == [3, 0, 3, 1]
    await caller.control("POST", "/google/pages", {"limit": 2, "empty": False})
    assert [len(page) for page in await pages(calendar)] == [2, 2, 2, 1]


async def test_what_changes_while_paging_comes_with_the_next_sync(caller: Caller) -> None:
    calendar = await filled(caller, 4)
    _, first = await calendar.events("GET", maxResults="2")
    await calendar.events("PUT", "/abcde00", event(summary="Neu"))
    await calendar.events("DELETE", "/abcde03")
    _, empty = await calendar.events("GET", maxResults="2", pageToken=first["nextPageToken"])
    _, last = await calendar.events("GET", maxResults="2", pageToken=empty["nextPageToken"])
    changed, _ = await calendar.all(syncToken=last["nextSyncToken"])
    assert [row["id"] for row in last["items"]] == ["abcde02"]
    assert [(row["id"], row["status"]) for row in changed] == [("abcde00", "confirmed"), ("abcde03", "cancelled")]


async def test_a_tombstone_says_little(caller: Caller) -> None:
    calendar = await filled(caller, 1)
    _, token = await calendar.all()
    await calendar.events("DELETE", "/abcde00")
    rows, _ = await calendar.all(syncToken=token)
    assert [set(row) for row in rows] == [{"kind", "etag", "id", "status"}]
    assert (await calendar.all())[0] == []
    assert [row["status"] for row in (await calendar.all(showDeleted="true"))[0]] == ["cancelled"]


async def test_nothing_new_is_an_empty_sync(caller: Caller) -> None:
    calendar = await filled(caller, 2)
    _, token = await calendar.all()
    for _ in range(3):
        rows, token = await calendar.all(syncToken=token)
        assert rows == []


async def test_a_token_expires(caller: Caller) -> None:
    """After it no list shows what was deleted before; by its id it is still seen to be gone."""
    calendar = await filled(caller, 2)
    _, token = await calendar.all()
    await calendar.events("DELETE", "/abcde01")
    await calendar.expire()
    assert reason(await calendar.events("GET", syncToken=token)) == (410, "fullSyncRequired")
    assert [row["id"] for row in (await calendar.all(showDeleted="true"))[0]] == ["abcde00"]
    assert (await calendar.events("GET", "/abcde01"))[1]["status"] == "cancelled"


async def test_a_token_dies_of_age(caller: Caller) -> None:
    calendar = await filled(caller, 1)
    _, token = await calendar.all()
    caller.clock.pass_(days=29)
    assert reason(await calendar.events("GET", syncToken=token)) == (410, "fullSyncRequired")


@pytest.mark.parametrize("token", ["x", "bm9uc2Vuc2U", "W10", "e30"])
async def test_a_token_that_is_none_is_400(caller: Caller, token: str) -> None:
    calendar = await filled(caller, 1)
    status, told = await calendar.events("GET", syncToken=token)
    assert (status, told["error"]["message"]) == (400, "Invalid sync token value.")


async def test_a_dead_token_may_be_400_too(caller: Caller) -> None:
    calendar = await filled(caller, 1)
    _, token = await calendar.all()
    await calendar.expire(answer=400)
    status, told = await calendar.events("GET", syncToken=token)
    assert (status, told["error"]["message"]) == (400, "Invalid sync token value.")


async def test_a_token_of_another_calendar_or_question_is_400(caller: Caller) -> None:
    calendar, other = await filled(caller, 1), await filled(caller, 1)
    _, token = await calendar.all()
    assert (await other.events("GET", syncToken=token))[0] == 400
    assert (await calendar.events("GET", syncToken=token, singleEvents="true"))[0] == 400
    assert (await calendar.events("GET", syncToken=token, eventTypes="default"))[0] == 400


async def test_a_change_of_rights_ends_all_tokens(caller: Caller) -> None:
    calendar = await filled(caller, 1)
    _, token = await calendar.all()
    await calendar.share(SB)
    assert reason(await calendar.events("GET", syncToken=token)) == (410, "fullSyncRequired")
    _, token = await calendar.all()
    await calendar.share(SB)
    assert (await calendar.events("GET", syncToken=token))[0] == 200


async def test_a_sync_dies_in_the_middle_of_paging(caller: Caller) -> None:
    calendar = await caller.calendar()
    _, token = await calendar.all()
    for each in range(5):
        await calendar.new(id=f"abcde{each}")
    await calendar.expire(while_paging=True)
    _, page = await calendar.events("GET", syncToken=token, maxResults="2")
    died = await calendar.events("GET", syncToken=token, maxResults="2", pageToken=page["nextPageToken"])
    assert len(page["items"]) == 2
    assert reason(died) == (410, "fullSyncRequired")
    assert reason(await calendar.events("GET", syncToken=token)) == (410, "fullSyncRequired")


@pytest.mark.parametrize(
    "name",
    [
        "iCalUID",
        "orderBy",
        "privateExtendedProperty",
        "q",
        "sharedExtendedProperty",
        "timeMin",
        "timeMax",
        "updatedMin",
    ],
)
async def test_a_sync_takes_no_other_filter(caller: Caller, name: str) -> None:
    calendar = await filled(caller, 1)
    _, token = await calendar.all()
    values = {"orderBy": "updated", "privateExtendedProperty": "a=1", "sharedExtendedProperty": "a=1"}
    value = values.get(name, "2026-10-01T00:00:00Z")
    assert reason(await calendar.events("GET", **{"syncToken": token, name: value})) == (400, "invalid")
    assert reason(await calendar.events("GET", syncToken=token, showDeleted="false")) == (400, "invalid")


async def test_a_window_is_open_at_both_ends(caller: Caller) -> None:
    calendar = await caller.calendar()
    for day, name in enumerate(("abcde1", "abcde2", "abcde3"), start=4):
        await calendar.new(id=name, start=at(f"2026-10-0{day}T09:00:00"), end=at(f"2026-10-0{day}T10:00:00"))
    query = {"timeMin": "2026-10-04T10:00:00+02:00", "timeMax": "2026-10-06T09:00:00+02:00"}
    _, page = await calendar.events("GET", **query)
    assert [row["id"] for row in page["items"]] == ["abcde2"]
    assert "nextSyncToken" not in page
    assert "nextSyncToken" in (await calendar.events("GET", timeMin=query["timeMin"]))[1]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"timeMin": "2026-10-04T10:00:00"}, (400, "invalid")),
        ({"timeMin": "2026-10-04T10:00:00Z", "timeMax": "2026-10-04T10:00:00Z"}, (400, "timeRangeEmpty")),
        ({"orderBy": "startTime"}, (400, "invalid")),
        ({"maxResults": "0"}, (400, "invalid")),
        ({"singleEvents": "yes"}, (400, "invalid")),
        ({"eventTypes": "party"}, (400, "invalid")),
        ({"pageToken": "nonsense"}, (400, "invalid")),
        ({"timeZone": "Europe/Atlantis"}, (400, "invalid")),
        ({"updatedMin": "2026-08-01T00:00:00Z"}, (410, "updatedMinTooLongAgo")),
    ],
)
async def test_a_question_that_cannot_be(caller: Caller, query: dict[str, str], answer: tuple[int, str]) -> None:
    calendar = await filled(caller, 1)
    assert reason(await calendar.events("GET", **query)) == answer


async def test_events_are_found_by_words_uid_and_properties(caller: Caller) -> None:
    calendar = await filled(caller, 1)
    await calendar.new(id="fffff", summary="Urteil", extendedProperties={"private": {"a": "1"}})
    for query in (
        {"q": "urteil"},
        {"iCalUID": "fffff@google.com"},
        {"privateExtendedProperty": "a=1"},
        {"updatedMin": "2026-09-30T00:00:00Z", "q": "Urteil"},
    ):
        _, page = await calendar.events("GET", **query)
        assert [row["id"] for row in page["items"]] == ["fffff"], query


async def test_kinds_are_asked_for_by_name(caller: Caller) -> None:
    primary = Office(caller, SB, SB)
    await primary.new(id="abcde")
    await primary.new(id="abcdf", eventType="outOfOffice")
    assert {row["id"] for row in (await primary.all())[0]} == {"abcde", "abcdf"}
    assert [row["id"] for row in (await primary.all(eventTypes="default"))[0]] == ["abcde"]


async def test_a_list_of_calendars_syncs(caller: Caller) -> None:
    """What is shown, hidden and deleted comes as a change."""
    calendar = await caller.calendar(shared_with=KMO)
    _, before = await caller.api("GET", "/users/me/calendarList", by=KMO)
    await caller.api("POST", "/users/me/calendarList", {"id": calendar.id}, by=KMO)
    again = await caller.api("POST", "/users/me/calendarList", {"id": calendar.id}, by=KMO)
    _, shown = await caller.api("GET", "/users/me/calendarList", by=KMO, syncToken=before["nextSyncToken"])
    await caller.control("POST", "/google/revoke", {"calendar": calendar.id})
    _, gone = await caller.api("GET", "/users/me/calendarList", by=KMO, syncToken=shown["nextSyncToken"])
    assert [row["id"] for row in before["items"]] == [KMO]
    assert reason(again) == (409, "duplicate")
    assert [(row["id"], row["accessRole"]) for row in shown["items"]] == [(calendar.id, "writer")]
    assert [(row["id"], row["deleted"]) for row in gone["items"]] == [(calendar.id, True)]
