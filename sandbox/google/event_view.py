"""An event as an answer shows it, to this account, in this time zone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.google import series, times
from sandbox.google.access import at_least
from sandbox.google.world import Calendar, Event

BUSY = ("status", "transparency", "eventType", "recurrence", "created", "updated", "iCalUID", "sequence")
TIMES = ("start", "end", "originalStartTime")


def shown(event: Event, calendar: Calendar, email: str, zone: str | None = None) -> dict[str, Any]:
    """The whole event, or what this account's role lets it see of it."""
    body = event.body
    if not _sees(body, calendar, email):
        body = {name: body[name] for name in (*BUSY, *TIMES, "organizer", "recurringEventId") if name in body}
        body = body | {"visibility": "private"}
    head = {"kind": "calendar#event", "etag": event.etag, "id": event.id, "htmlLink": _link(event.id, calendar.id)}
    told = head | {name: value for name, value in body.items() if name not in TIMES}
    told |= {name: times.shown(body[name], zone or calendar.zone) for name in TIMES if name in body}
    for role in ("creator", "organizer"):
        if role in body:
            told[role] = _person(body[role], calendar, email)
    return told


def tombstone(event: Event, calendar: Calendar, zone: str | None = None) -> dict[str, Any]:
    """What a list guarantees of a deleted one, and no more."""
    told: dict[str, Any] = {"kind": "calendar#event", "etag": event.etag, "id": event.id, "status": "cancelled"}
    if event.master_id:
        original = event.body["originalStartTime"]
        told |= {"recurringEventId": event.master_id, "originalStartTime": times.shown(original, zone or calendar.zone)}
    return told


def _sees(body: Mapping[str, Any], calendar: Calendar, email: str) -> bool:
    role = calendar.role_of(email)
    if not at_least(role, "reader"):
        return False
    return body.get("visibility") not in ("private", "confidential") or role in ("writer", "owner")


def _person(told: Mapping[str, Any], calendar: Calendar, email: str) -> dict[str, Any]:
    known = dict(told)
    if known["email"] == calendar.id and not calendar.primary:
        known["displayName"] = calendar.fields["summary"]
    if known["email"] in (calendar.id, email):
        known["self"] = True
    return known


def _link(event_id: str, calendar_id: str) -> str:
    name = base64.urlsafe_b64encode(f"{event_id} {calendar_id}".encode()).decode().rstrip("=")
    return f"https://www.google.com/calendar/event?eid={name}"


def overlaps(event: Event, calendar: Calendar, least: Any, most: Any) -> bool:
    """Ends after `least` and begins before `most`; a series does where one of its occurrences does."""
    if least is None and most is None:
        return True
    body = event.body
    spans = [(body["start"], body["end"])]
    if body.get("recurrence"):
        spans = [(first, series.end_of(body, first)) for first in series.originals(body)]
    elif "originalStartTime" in body:
        original = body["originalStartTime"]
        spans.append(
            (original, times.at_wall(times.wall(original) + times.whole_days(body["start"], body["end"]), original))
        )
    return any(_within(first, last, calendar.zone, least, most) for first, last in spans)


def _within(first: times.Time, last: times.Time, zone: str, least: Any, most: Any) -> bool:
    begins, ends = times.moment(first, zone), times.moment(last, zone)
    return (least is None or ends > least or (begins == ends and ends >= least)) and (most is None or begins < most)
