"""What asks for a calendar to be synced: events of the topic `calendar.sync`, and tokens of Google's push channels.

Pure. The token makes the push address stateless: it says which employee is meant and until when, and proves it.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime

from synckit.errors import InvalidEvent
from synckit.events import ChangeEvent, key_of, name_of

DOMAIN, NOUN = "calendar", "sync"
ALL, EMPLOYEE = "all", "employee"
"""The two actions: `calendar.sync.all` with the key `all`, `calendar.sync.employee` with the employee's Kürzel."""
CHANNEL_ID = re.compile(r"[A-Za-z0-9_+/=-]{1,64}\Z")
_TOKEN = re.compile(r"([!-~]{1,100})\.([0-9]{1,12})\.([0-9a-f]{64})\Z")


def employee_event(
    kuerzel: str, origin: str, at: datetime, *, not_before: datetime | None = None, traceparent: str | None = None
) -> ChangeEvent:
    """ "Sync this employee's calendar." ValueError for a Kürzel that makes no key."""
    return ChangeEvent(
        NOUN, key_of(kuerzel), EMPLOYEE, origin, at, domain=DOMAIN, not_before=not_before, traceparent=traceparent
    )


def all_event(origin: str, at: datetime, *, traceparent: str | None = None) -> ChangeEvent:
    """ "Sync everybody's."."""
    return ChangeEvent(NOUN, ALL, ALL, origin, at, domain=DOMAIN, traceparent=traceparent)


def push_token(secret: str, channel_id: str, kuerzel: str, expires: datetime) -> str:
    """For `events.watch`: at most 256 characters, good for this channel, employee and time alone."""
    key, until = key_of(kuerzel), str(int(expires.timestamp()))
    return f"{key}.{until}.{_proof(secret, channel_id, key, until)}"


def pushed_for(secret: str, channel_id: str, token: str, now: datetime) -> str | None:
    """The Kürzel that a push message is for; None where it proves nothing, or is over. Constant time."""
    found = _TOKEN.match(token) if CHANNEL_ID.match(channel_id) else None
    key, until, given = found.groups() if found else ("", "0", "")
    is_ours = hmac.compare_digest(given, _proof(secret, channel_id if found else "", key, until))
    if not is_ours or int(until) <= now.astimezone(UTC).timestamp():
        return None
    try:
        return name_of(key)
    except InvalidEvent:
        return None


def _proof(secret: str, channel_id: str, key: str, until: str) -> str:
    """None of the three can hold a line break: they can't be told apart otherwise than meant."""
    return hmac.new(secret.encode(), f"{channel_id}\n{key}\n{until}".encode(), "sha256").hexdigest()
