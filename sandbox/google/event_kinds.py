"""What Google allows for the other kinds of events: birthdays, focus time, out of office, working location, mails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.google.errors import GoogleError
from sandbox.google.times import is_all_day
from sandbox.google.world import Calendar

PRIMARY_ONLY = frozenset({"birthday", "focusTime", "outOfOffice", "workingLocation"})
TIMED_ONLY = frozenset({"focusTime", "outOfOffice"})
PROPERTIES = {
    "birthdayProperties": "birthday",
    "focusTimeProperties": "focusTime",
    "outOfOfficeProperties": "outOfOffice",
    "workingLocationProperties": "workingLocation",
}


def refused(message: str) -> GoogleError:
    return GoogleError(400, "eventTypeRestriction", message, "calendar")


def kind_of(body: Mapping[str, Any]) -> str:
    return str(body.get("eventType", "default"))


def check_kind(body: Mapping[str, Any], before: Mapping[str, Any] | None, calendar: Calendar) -> None:
    """400 where an event of this kind can't be like this, here."""
    kind = kind_of(body)
    if before is not None and kind != kind_of(before):
        raise refused("Event type cannot be changed.")
    foreign = [name for name, of in PROPERTIES.items() if name in body and of != kind]
    if foreign:
        raise refused(f"{foreign[0]} cannot be set on an event of type {kind}.")
    if before is None and kind == "fromGmail":
        raise refused("Events of type fromGmail cannot be created.")
    if kind in PRIMARY_ONLY and not calendar.primary:
        raise refused(f"Events of type {kind} can only be created on primary calendars.")
    if kind in TIMED_ONLY and is_all_day(body["start"]):
        raise refused(f"Events of type {kind} cannot be all-day.")
    if kind == "workingLocation" and "workingLocationProperties" not in body:
        raise refused("Working location properties are missing.")
    if kind == "birthday":
        _check_birthday(body)


def _check_birthday(body: Mapping[str, Any]) -> None:
    yearly = any("FREQ=YEARLY" in line for line in body.get("recurrence", []))
    if not is_all_day(body["start"]) or not yearly:
        raise refused("Birthdays are all-day and recur every year.")
    if body.get("visibility") != "private" or body.get("transparency") != "transparent":
        raise refused("Birthdays are private and transparent.")
    if body.get("extendedProperties", {}).get("private") or body.get("description") or body.get("attendees"):
        raise refused("Birthdays take neither private extended properties, description nor attendees.")
