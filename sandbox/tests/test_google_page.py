"""The page for people: a week is read, and events are made, moved, split, copied, deleted and restored there."""

from __future__ import annotations

from typing import Any

from sandbox.tests.google_caller import Caller, Office, at, office

WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=4"
FORM = {"summary": "Besprechung", "start": "2026-10-05T09:00", "end": "2026-10-05T10:00"}


async def page(caller: Caller, path: str) -> str:
    async with caller.client.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def post(calendar: Office, **fields: Any) -> int:
    given = {"kalender": calendar.id, **FORM, **fields}
    async with calendar.caller.client.post("/_page/events", data=given, allow_redirects=False) as answer:
        return answer.status


async def listed(calendar: Office) -> list[tuple[str, str]]:
    rows, _ = await calendar.all(singleEvents="true", orderBy="startTime")
    return [(row["summary"], row["start"].get("dateTime", row["start"].get("date"))[:16]) for row in rows]


async def test_a_week_shows_what_is_in_it() -> None:
    async with office() as caller:
        assert "Noch keine Kalender" in await page(caller, "/")
        calendar = await caller.calendar()
        made = await calendar.new(summary="Anhörung <b>", location="Saal 3")
        week = await page(caller, "/?tag=2026-10-07")
        other = await page(caller, "/?tag=2026-10-14")
        form = await page(caller, f"/_page/events?kalender={calendar.id}&id={made['id']}")
    assert "Anhörung &lt;b&gt;" in week
    assert "09:00–10:00" in week
    assert "Anhörung" not in other
    assert 'value="2026-10-05T09:00"' in form


async def test_an_event_is_made_changed_deleted_and_restored() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        assert await post(calendar) == 303
        event_id = (await calendar.all())[0][0]["id"]
        assert (
            await post(
                calendar, id=event_id, tun="save", start="2026-10-06T00:00", end="2026-10-07T00:00", ganztags="on"
            )
            == 303
        )
        assert await listed(calendar) == [("Besprechung", "2026-10-06")]
        assert (await calendar.events("GET", f"/{event_id}"))[1]["end"] == {"date": "2026-10-08"}
        assert await post(calendar, id=event_id, tun="delete") == 303
        assert await listed(calendar) == []
        assert "Papierkorb" in await page(caller, f"/?kalender={calendar.id}")
        assert await post(calendar, id=event_id, tun="restore") == 303
        assert await listed(calendar) == [("Besprechung", "2026-10-06")]
        assert await post(calendar, id=event_id, tun="save", end="2026-10-01T10:00") == 400


async def test_a_copy_takes_the_marker_along() -> None:
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(extendedProperties={"private": {"advo": "1"}})
        assert await post(calendar, id=made["id"], tun="copy", summary="Kopie") == 303
        rows, _ = await calendar.all(privateExtendedProperty="advo=1")
    assert sorted(row["summary"] for row in rows) == ["Besprechung", "Kopie"]


async def test_one_occurrence_is_moved_and_the_rest_is_split() -> None:
    """This and following: the old series ends, a new one has what is left of the count."""
    async with office() as caller:
        calendar = await caller.calendar()
        made = await calendar.new(
            id="abcde", recurrence=[WEEKLY], start=at("2026-10-12T09:00:00"), end=at("2026-10-12T10:00:00")
        )
        second = f"{made['id']}_20261019T070000Z"
        assert (
            await post(
                calendar, id=second, tun="save", summary="Verlegt", start="2026-10-20T09:00", end="2026-10-20T10:00"
            )
            == 303
        )
        third = f"{made['id']}_20261026T080000Z"
        assert (
            await post(
                calendar, id=third, tun="following", summary="Neu", start="2026-10-26T14:00", end="2026-10-26T15:00"
            )
            == 303
        )
        assert await listed(calendar) == [
            ("Besprechung", "2026-10-12T09:00"),
            ("Verlegt", "2026-10-20T09:00"),
            ("Neu", "2026-10-26T14:00"),
            ("Neu", "2026-11-02T14:00"),
        ]
        assert await post(calendar, id="abcde_20261012T070000Z", tun="delete-series") == 303
        assert [row[0] for row in await listed(calendar)] == ["Neu", "Neu"]
