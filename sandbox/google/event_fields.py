"""The writable fields of an event, each with its check. What comes back is what Google keeps: nothing that is empty."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.google.errors import GoogleError, invalid, required, too_big

MOST_TEXT = {"summary": 1024, "location": 1024, "description": 8192}
MOST_BODY = 1024 * 1024
MOST_ATTENDEES, MOST_OVERRIDES, MOST_ATTACHMENTS, MOST_PROPERTIES = 200, 5, 25, 300
PROPERTY_KEY, PROPERTY_VALUE, PROPERTIES_BYTES = 44, 1024, 32 * 1024
MINUTES = range(40321)
ID = re.compile(r"[0-9a-v]{5,1024}\Z")
STATUS = ("confirmed", "tentative", "cancelled")
TRANSPARENCY = ("opaque", "transparent")
VISIBILITY = ("default", "public", "private", "confidential")
COLORS = tuple(str(number) for number in range(1, 12))
READ_ONLY = frozenset(
    {
        "kind",
        "etag",
        "htmlLink",
        "created",
        "updated",
        "creator",
        "organizer",
        "hangoutLink",
        "recurringEventId",
        "originalStartTime",
        "attendeesOmitted",
        "privateCopy",
        "locked",
        "endTimeUnspecified",
        "id",
        "iCalUID",
        "sequence",
    }
)
"""Taken in a body, and not kept from there."""
Check = Callable[[str, Any], Any]


def check_id(event_id: Any) -> str:
    """An id of the caller's: base32hex in small letters."""
    if not isinstance(event_id, str) or not ID.match(event_id):
        raise invalid("Invalid resource id value.")
    return event_id


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid()
    if "\x00" in value:
        raise invalid(f"Invalid {name}.")
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_TEXT.get(name, 1024):
        raise too_big()
    return text


def _line(name: str, value: Any) -> str:
    return _text(name, value).strip()


def _one_of(*allowed: str) -> Check:
    def check(_: str, value: Any) -> Any:
        if value not in allowed:
            raise invalid()
        return value

    return check


def _flag(_: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid()
    return value


def _object(_: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise invalid()
    return dict(value)


def _attendees(_: str, value: Any) -> list[dict[str, Any]]:
    rows = _rows(value, MOST_ATTENDEES)
    kept = []
    for row in rows:
        if not isinstance(row.get("email"), str) or "@" not in row["email"]:
            raise invalid("Invalid attendee email.")
        kept.append({"responseStatus": "needsAction"} | row)
    return kept


def _attachments(_: str, value: Any) -> list[dict[str, Any]]:
    rows = _rows(value, MOST_ATTACHMENTS)
    if any(not isinstance(row.get("fileUrl"), str) for row in rows):
        raise required("Missing attachment file URL.")
    return rows


def _rows(value: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(row, Mapping) for row in value):
        raise invalid()
    if len(value) > most:
        raise too_big()
    return [dict(row) for row in value]


def _reminders(_: str, value: Any) -> dict[str, Any]:
    given = _object("reminders", value)
    overrides = _rows(given.get("overrides") or [], 100)
    if len(overrides) > MOST_OVERRIDES:
        raise invalid("Too many reminders.")
    if overrides and given.get("useDefault", False):
        message = "Cannot specify both default reminders and overrides at the same time."
        raise GoogleError(400, "cannotUseDefaultRemindersAndSpecifyOverride", message, "calendar")
    for row in overrides:
        if row.get("method") not in ("email", "popup"):
            raise invalid("Invalid reminder method.")
        if not isinstance(row.get("minutes"), int) or row["minutes"] not in MINUTES:
            raise invalid("Invalid reminder minutes.")
    kept: dict[str, Any] = {"useDefault": bool(given.get("useDefault", False))}
    return kept | ({"overrides": overrides} if overrides else {})


def _properties(_: str, value: Any) -> dict[str, Any]:
    given = _object("extendedProperties", value)
    if set(given) - {"private", "shared"}:
        raise invalid()
    kept = {part: _pairs(pairs) for part, pairs in given.items() if pairs}
    number = sum(len(pairs) for pairs in kept.values())
    if number > MOST_PROPERTIES or len(json.dumps(kept, ensure_ascii=False).encode()) > PROPERTIES_BYTES:
        raise too_big()
    return {part: pairs for part, pairs in kept.items() if pairs}


def _pairs(pairs: Any) -> dict[str, str]:
    """A null takes its key away."""
    if not isinstance(pairs, Mapping):
        raise invalid()
    kept = {str(key): value for key, value in pairs.items() if value is not None}
    for key, value in kept.items():
        if not isinstance(value, str):
            raise invalid()
        if not key or len(key) > PROPERTY_KEY or len(value) > PROPERTY_VALUE:
            raise too_big()
    return kept


FIELDS: dict[str, Check] = {
    "summary": _line,
    "description": _text,
    "location": _line,
    "status": _one_of(*STATUS),
    "transparency": _one_of(*TRANSPARENCY),
    "visibility": _one_of(*VISIBILITY),
    "colorId": _one_of(*COLORS),
    "eventLabelId": _line,
    "eventType": _one_of("default", "birthday", "focusTime", "fromGmail", "outOfOffice", "workingLocation"),
    "attendees": _attendees,
    "attachments": _attachments,
    "reminders": _reminders,
    "extendedProperties": _properties,
    "conferenceData": _object,
    "source": _object,
    "gadget": _object,
    "birthdayProperties": _object,
    "focusTimeProperties": _object,
    "outOfOfficeProperties": _object,
    "workingLocationProperties": _object,
    "anyoneCanAddSelf": _flag,
    "guestsCanInviteOthers": _flag,
    "guestsCanModify": _flag,
    "guestsCanSeeOtherGuests": _flag,
}
DEFAULTS: dict[str, Any] = {
    "transparency": "opaque",
    "visibility": "default",
    "anyoneCanAddSelf": False,
    "guestsCanInviteOthers": True,
    "guestsCanModify": False,
    "guestsCanSeeOtherGuests": True,
}
"""Not kept, because an answer does not show them."""
TIMES = frozenset({"start", "end", "recurrence"})


def checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a body as they are kept, without times; 400 for a field that no event has."""
    unknown = set(body) - set(FIELDS) - READ_ONLY - TIMES
    if unknown:
        raise GoogleError(
            400, "badRequest", f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.'
        )
    kept = {name: check(name, body[name]) for name, check in FIELDS.items() if body.get(name) is not None}
    return {name: value for name, value in kept.items() if value not in ("", [], {}) and DEFAULTS.get(name) != value}
