"""What a person does on the web page: save, this and following, copy, restore, delete; one occurrence or the series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.google import event_body, series, times
from sandbox.google.errors import invalid
from sandbox.google.event_body import Extras
from sandbox.google.events import Events
from sandbox.google.world import Calendar

FORM = ("summary", "location", "description", "start", "end")
ALL = Extras(conference=True, attachments=True)


class Person:
    """Acts in the name of the calendar's owner."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def do(self, calendar: Calendar, verb: str, event_id: str, body: Mapping[str, Any]) -> None:
        """`save, following, copy, restore, delete, delete-series`; GoogleError as the API has it."""
        by = calendar.owner
        if not event_id:
            self._events.insert(calendar, body, by)
        elif verb in ("delete", "delete-series"):
            event = self._events.find(calendar, event_id)
            whole = (event.master_id or event_id) if verb == "delete-series" else event_id
            self._events.delete(calendar, whole, by)
        elif verb == "restore":
            self._events.patch(calendar, event_id, {"status": "confirmed"}, by)
        elif verb == "copy":
            self._copy(calendar, event_id, body)
        elif verb == "following":
            self._following(calendar, event_id, body)
        elif verb == "save":
            self._save(calendar, event_id, body)
        else:
            raise invalid()

    def _save(self, calendar: Calendar, event_id: str, body: Mapping[str, Any]) -> None:
        given = dict(body)
        if self._events.find(calendar, event_id).master_id:
            given.pop("recurrence", None)
        merged = given | {name: None for name, value in given.items() if value in ("", [])}
        for name in ("start", "end"):
            other = {"date": None} if "dateTime" in given[name] else {"dateTime": None, "timeZone": None}
            merged[name] = given[name] | other
        self._events.patch(calendar, event_id, merged, calendar.owner)

    def _copy(self, calendar: Calendar, event_id: str, body: Mapping[str, Any]) -> None:
        """A copy takes all along, extended properties too, as Google's does."""
        before = self._events.find(calendar, event_id).body
        dropped = (*event_body.SYSTEM, "updated", "sequence", "status")
        kept = {name: value for name, value in before.items() if name not in dropped}
        self._events.insert(calendar, kept | {name: body[name] for name in FORM}, calendar.owner, ALL)

    def _following(self, calendar: Calendar, event_id: str, body: Mapping[str, Any]) -> None:
        """The old series ends before this occurrence; the rest is a new one."""
        event = self._events.find(calendar, event_id)
        if event.master_id is None:
            raise invalid("Event is not an occurrence of a recurring event.")
        master, original = self._events.find(calendar, event.master_id), event.body["originalStartTime"]
        rules = [line for line in master.body["recurrence"] if line.startswith("RRULE")]
        earlier = [each for each in series.originals(master.body) if times.wall(each) < times.wall(original)]
        rest = [_shortened(line, len(earlier)) for line in rules]
        kept: dict[str, Any] = {
            name: master.body[name] for name in ("extendedProperties", "colorId") if name in master.body
        }
        self._events.insert(calendar, {**body, **kept, "recurrence": rest}, calendar.owner)
        if not earlier:
            self._events.delete(calendar, master.id, calendar.owner)
            return
        ended = [_ended(line, original) if line.startswith("RRULE") else line for line in master.body["recurrence"]]
        self._events.patch(calendar, master.id, {"recurrence": ended}, calendar.owner)


def _parts(line: str) -> list[str]:
    return line.removeprefix("RRULE:").split(";")


def _ended(line: str, original: Mapping[str, str]) -> str:
    """The rule until just before this occurrence."""
    if "date" in original:
        until = (times.wall(original) - timedelta(days=1)).strftime("%Y%m%d")
    else:
        begins = datetime.fromisoformat(original["dateTime"]).astimezone(UTC)
        until = (begins - timedelta(seconds=1)).strftime(series.STAMP)
    kept = [part for part in _parts(line) if not part.startswith(("COUNT=", "UNTIL="))]
    return f"RRULE:{';'.join((*kept, f'UNTIL={until}'))}"


def _shortened(line: str, gone: int) -> str:
    """A rule that counts has so many fewer left."""
    parts = [f"COUNT={int(part[6:]) - gone}" if part.startswith("COUNT=") else part for part in _parts(line)]
    return f"RRULE:{';'.join(parts)}"
