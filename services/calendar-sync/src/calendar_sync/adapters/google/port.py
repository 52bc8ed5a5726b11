"""`ports.Google`: events and calendars of one office, as runs ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from calendar_sync.adapters.google.calendars import GoogleCalendars
from calendar_sync.adapters.google.events import GoogleEvents
from calendar_sync.domain.values import CalendarRef, Event, EventList


class GooglePort:
    """Joins the two; adds nothing of its own."""

    def __init__(self, events: GoogleEvents, calendars: GoogleCalendars) -> None:
        self._events = events
        self._calendars = calendars

    async def events(
        self, calendar: CalendarRef, sync_token: str | None, since: datetime, until: datetime
    ) -> EventList:
        """The window's end is not asked for: a token goes with an open list alone, and what lies after it sleeps."""
        if sync_token:
            return await self._events.changes(calendar, sync_token)
        return await self._events.window(calendar, since)

    async def event(self, calendar: CalendarRef, event_id: str) -> Event | None:
        return await self._events.event(calendar, event_id)

    async def insert(self, calendar: CalendarRef, body: Mapping[str, Any]) -> Event:
        return await self._events.insert(calendar, body)

    async def update(self, calendar: CalendarRef, event_id: str, body: Mapping[str, Any], etag: str) -> Event:
        return await self._events.update(calendar, event_id, body, etag)

    async def delete(self, calendar: CalendarRef, event_id: str, etag: str) -> None:
        await self._events.delete(calendar, event_id, etag)

    async def instances(self, calendar: CalendarRef, master_id: str, original_start: str) -> Event | None:
        return await self._events.instance(calendar, master_id, original_start)

    async def reachable(self, calendar: CalendarRef) -> bool:
        return await self._calendars.reachable(calendar)

    async def find_calendar(self, marker: str) -> CalendarRef | None:
        return await self._calendars.find(marker)

    async def create_calendar(self, summary: str, marker: str) -> CalendarRef:
        return await self._calendars.create(summary, marker)

    async def share(self, calendar: CalendarRef, email: str, role: str) -> None:
        await self._calendars.share(calendar, email, role)

    async def unshare(self, calendar: CalendarRef, email: str) -> None:
        await self._calendars.unshare(calendar, email)

    async def shared_with(self, calendar: CalendarRef) -> Mapping[str, str]:
        return await self._calendars.shared_with(calendar)

    async def show_to(self, calendar: CalendarRef, email: str) -> None:
        await self._calendars.show_to(calendar, email)

    async def all_calendars(self) -> Sequence[CalendarRef]:
        found = await self._calendars.ours()
        return [one for each in found.values() for one in each]
