"""From a request's body, and from what was there, to what is kept: insert, update and patch of one event."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.google import event_fields, series, times
from sandbox.google.errors import GoogleError, forbidden, invalid, required
from sandbox.google.event_kinds import check_kind
from sandbox.google.world import Calendar

SYSTEM = ("created", "creator", "organizer", "iCalUID", "recurringEventId", "originalStartTime", "hangoutLink")
MOVES = ("start", "end", "recurrence")
PRIVATE_TO_A_GUEST = frozenset({"reminders", "colorId", "extendedProperties", "transparency", "visibility", "status"})


@dataclass(frozen=True)
class Extras:
    """What the caller's version understands; of the rest an update keeps what was there."""

    conference: bool = False
    attachments: bool = False


PLAIN = Extras()


def fresh(body: Mapping[str, Any], calendar: Calendar, extras: Extras) -> dict[str, Any]:
    """What an insert keeps."""
    kept = _checked(body, calendar)
    _drop_unspoken(kept, extras)
    if kept.get("status") == "cancelled":
        raise invalid()
    check_kind(kept, None, calendar)
    _create_conference(kept)
    return {"status": "confirmed", "reminders": {"useDefault": True}, "eventType": "default", "sequence": 0} | kept


def updated(before: Mapping[str, Any], body: Mapping[str, Any], calendar: Calendar, extras: Extras) -> dict[str, Any]:
    """What a PUT keeps: all of the body and nothing else, but for what its caller could not know of."""
    _check_sequence(before, body)
    _check_organizer(before, body)
    kept = _checked(body, calendar, instance="recurringEventId" in before)
    for name, understood in (("conferenceData", extras.conference), ("attachments", extras.attachments)):
        if not understood:
            kept.pop(name, None)
        if name in before and (not understood or name not in body):
            kept[name] = before[name]
    kept = {"status": before["status"], "reminders": {"useDefault": True}, "eventType": before["eventType"]} | kept
    kept |= {name: before[name] for name in SYSTEM if name in before}
    check_kind(kept, before, calendar)
    _check_guest(before, kept, calendar)
    _create_conference(kept)
    moved = any(before.get(name) != kept.get(name) for name in MOVES)
    kept["sequence"] = max(before["sequence"] + moved, body.get("sequence") or 0)
    return kept


def patched(before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the PUT that a PATCH means: objects are merged, arrays replaced, null takes away."""
    whole = {name: value for name, value in before.items() if name not in ("created", "creator", "updated")}
    return _merged(whole, body)


def _merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for name, value in given.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping) and name not in ("start", "end"):
            merged[name] = _merged(merged[name], value)
        elif name in ("start", "end") and isinstance(value, Mapping):
            merged[name] = _merged_time(merged.get(name, {}), value)
        else:
            merged[name] = value
    return merged


def _merged_time(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Who patches a date into a time has to null the other form, as with Google; a zone may be left out."""
    merged = {**before, **given}
    return {name: value for name, value in merged.items() if value is not None}


def _checked(body: Mapping[str, Any], calendar: Calendar, *, instance: bool = False) -> dict[str, Any]:
    kept = event_fields.checked(body)
    start, end = (times.kept(body.get(name), name, calendar.zone) for name in ("start", "end"))
    if times.is_all_day(start) != times.is_all_day(end):
        raise invalid("Invalid start time: both must be dates, or both must be times.")
    first, last = times.moment(start, calendar.zone), times.moment(end, calendar.zone)
    if last < first or (last == first and times.is_all_day(start)):
        raise GoogleError(400, "timeRangeEmpty", "The specified time range is empty.", "calendar")
    kept |= {"start": start, "end": end}
    if body.get("recurrence"):
        if instance:
            raise invalid("Recurrence cannot be set on an instance of a recurring event.")
        _check_zones(body)
        kept["recurrence"] = series.check(body["recurrence"], start)
    return kept


def _check_zones(body: Mapping[str, Any]) -> None:
    for name in ("start", "end"):
        if body[name].get("date") is None and not body[name].get("timeZone"):
            raise required(f"Missing time zone definition for {name} time.")


def _drop_unspoken(kept: dict[str, Any], extras: Extras) -> None:
    if not extras.conference:
        kept.pop("conferenceData", None)
    if not extras.attachments:
        kept.pop("attachments", None)


def _check_sequence(before: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    given = body.get("sequence")
    if given is None:
        return
    if not isinstance(given, int) or given < before["sequence"]:
        raise invalid(
            "Invalid sequence value. The specified sequence number is below the current sequence number of the "
            "resource. Re-fetch the resource and use its sequence number on the following request."
        )


def _check_organizer(before: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    given = body.get("organizer")
    email = given.get("email") if isinstance(given, Mapping) else None
    if email is not None and email != before["organizer"]["email"]:
        raise forbidden("cannotChangeOrganizer", "Cannot change the organizer of an event.", "calendar")


def _check_guest(before: Mapping[str, Any], kept: Mapping[str, Any], calendar: Calendar) -> None:
    """Of somebody else's event only what is one's own can be changed."""
    if before["organizer"]["email"] == calendar.id:
        return
    shared = (set(before) | set(kept)) - PRIVATE_TO_A_GUEST - {"sequence", "updated"}
    if any(before.get(name) != kept.get(name) for name in shared):
        message = "Shared properties can only be changed by the organizer of the event."
        raise forbidden("forbiddenForNonOrganizer", message, "calendar")


def _create_conference(kept: dict[str, Any]) -> None:
    """A request for a conference is answered at once."""
    wish = kept.get("conferenceData", {}).get("createRequest")
    if not wish or "entryPoints" in kept["conferenceData"]:
        return
    name = "-".join(secrets.token_hex(length) for length in (2, 2, 2))
    uri = f"https://meet.google.com/{name}"
    kept["conferenceData"] = {
        "conferenceId": name,
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "createRequest": wish | {"status": {"statusCode": "success"}},
        "entryPoints": [{"entryPointType": "video", "uri": uri, "label": uri.removeprefix("https://")}],
    }
    kept["hangoutLink"] = uri
