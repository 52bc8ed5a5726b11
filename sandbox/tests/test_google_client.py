"""Google's own client against the sandbox: the way of a new calendar, from the token to a sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from sandbox.google.service_account import ROLE_ACCOUNT
from sandbox.tests.google_caller import SB, event, in_thread, now, office


async def test_a_calendar_is_made_shared_and_shown(tmp_path: Path) -> None:
    async with office(now()) as caller:
        role, employee = caller.service(ROLE_ACCOUNT, tmp_path), caller.service(SB, tmp_path)

        def steps() -> Any:
            made = role.calendars().insert(body={"summary": "Termine SB", "description": "mark"}).execute()
            rule = {"role": "writer", "scope": {"type": "user", "value": SB}}
            role.acl().insert(calendarId=made["id"], body=rule, sendNotifications=False).execute()
            shown = employee.calendarList().insert(body={"id": made["id"]}).execute()
            return made, shown, role.calendarList().list().execute()["items"]

        made, shown, listed = await in_thread(steps)
    assert (made["dataOwner"], made["timeZone"]) == (ROLE_ACCOUNT, "Europe/Berlin")
    assert shown["accessRole"] == "writer"
    assert {row["id"]: row["accessRole"] for row in listed}[made["id"]] == "owner"


async def test_a_sync_tells_what_changed_since(tmp_path: Path) -> None:
    async with office(now()) as caller:
        role = caller.service(ROLE_ACCOUNT, tmp_path)

        def steps() -> Any:
            calendar = role.calendars().insert(body={"summary": "Termine"}).execute()["id"]
            events = role.events()
            first = events.insert(calendarId=calendar, body=event(id="abcde1")).execute()
            events.insert(calendarId=calendar, body=event(id="abcde2")).execute()
            token = events.list(calendarId=calendar, showDeleted=True).execute()["nextSyncToken"]
            update = events.update(calendarId=calendar, eventId="abcde1", body=event(summary="Neu"))
            update.headers["If-Match"] = first["etag"]
            update.execute()
            events.delete(calendarId=calendar, eventId="abcde2").execute()
            again = events.update(calendarId=calendar, eventId="abcde1", body=event(summary="Alt"))
            again.headers["If-Match"] = first["etag"]
            with pytest.raises(HttpError) as refused:
                again.execute()
            return events.list(calendarId=calendar, syncToken=token).execute(), refused.value.resp.status

        told, status = await in_thread(steps)
    assert status == 412
    assert [(row["id"], row["status"], row.get("summary")) for row in told["items"]] == [
        ("abcde1", "confirmed", "Neu"),
        ("abcde2", "cancelled", None),
    ]


async def test_an_app_opens_only_what_it_made(tmp_path: Path) -> None:
    """With the least scopes an employee's private calendar stays closed."""
    async with office(now()) as caller:
        employee = caller.service(SB, tmp_path)

        def steps() -> Any:
            with pytest.raises(HttpError) as refused:
                employee.events().list(calendarId="primary").execute()
            return refused.value

        error = await in_thread(steps)
    assert (error.resp.status, error.error_details[0]["reason"]) == (403, "insufficientPermissions")
