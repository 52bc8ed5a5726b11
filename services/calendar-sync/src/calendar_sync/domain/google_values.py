"""What the edge reads of Google and hands in: raw bodies with their identity, frozen. Nothing interprets a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarRef:
    """A calendar and who acts in it. `account` writes and pays; `owner` is whom Google calls its data owner."""

    calendar_id: str
    account: str
    owner: str = ""
    marker: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was read. `body` is all that Google said of it; its repr shows none of it."""

    event_id: str
    etag: str
    body: Body = field(repr=False)
    updated: datetime | None = None

    @property
    def status(self) -> str:
        """confirmed, tentative or cancelled."""
        return str(self.body.get("status") or "confirmed")

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"


@dataclass(frozen=True, slots=True)
class EventList:
    """All pages of one list. `token` is for the next one. `full`: the whole window, not what changed since a token."""

    events: tuple[Event, ...]
    token: str
    full: bool
    pages: int = 1


@dataclass(frozen=True, slots=True)
class Channel:
    """A push channel. Google wants both ids back to stop it."""

    channel_id: str
    resource_id: str
    expires: datetime
