"""What a run needs of the world. Advoware's diary is `kanzlei.termine.Appointments`.

Every method raises the errors of `synckit.errors` and of `calendar_sync.domain.google_errors`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from calendar_sync.domain.memory import Diary, JournalEntry, Memory, Outcome, Row
from calendar_sync.domain.values import CalendarRef, Event, EventList


class Google(Protocol):
    """Calendars and events, acting for one employee at a time. Bodies are Google's own."""

    async def events(
        self, calendar: CalendarRef, sync_token: str | None, since: datetime, until: datetime
    ) -> EventList:
        """All pages, or an error. SyncTokenDead, CalendarLost. Times are aware; the token goes before them."""

    async def event(self, calendar: CalendarRef, event_id: str) -> Event | None:
        """One by its id. None: it is not there; a deleted one may still be shown as cancelled."""

    async def insert(self, calendar: CalendarRef, body: Mapping[str, Any]) -> Event:
        """The body carries our id, so it is safe to repeat. IdTaken where an event, even a cancelled one, has it."""

    async def update(self, calendar: CalendarRef, event_id: str, body: Mapping[str, Any], etag: str) -> Event:
        """The whole event. StaleVersion where the etag is another one now."""

    async def delete(self, calendar: CalendarRef, event_id: str, etag: str) -> None:
        """Safe to repeat. StaleVersion where the etag is another one now."""

    async def instances(self, calendar: CalendarRef, master_id: str, original_start: str) -> Event | None:
        """One occurrence of a series, by the RFC 3339 time at which it would begin. None where there is none."""

    async def reachable(self, calendar: CalendarRef) -> bool:
        """False only where the calendar was asked for twice, and is gone or closed to us."""

    async def find_calendar(self, marker: str) -> CalendarRef | None:
        """The one whose description holds this line."""

    async def create_calendar(self, summary: str, marker: str) -> CalendarRef:
        """Not safe to repeat: announced first, and looked for by its marker."""

    async def share(self, calendar: CalendarRef, email: str, role: str) -> None:
        """Gives an address a right in it; nobody is mailed."""

    async def unshare(self, calendar: CalendarRef, email: str) -> None:
        """Takes the right back."""

    async def shared_with(self, calendar: CalendarRef) -> Mapping[str, str]:
        """Address → right."""

    async def show_to(self, calendar: CalendarRef, email: str) -> None:
        """Puts it into that person's list."""

    async def all_calendars(self) -> Sequence[CalendarRef]:
        """All that carry a marker of ours."""


class StateStore(Protocol):
    """Rows, diaries and the journal of all employees."""

    async def load(self, kuerzel: str) -> Memory:
        """Takes the run's fence. An employee who is not known has an empty diary."""

    async def peek(self, kuerzel: str) -> Memory:
        """The same without a fence: nothing can be saved with it."""

    async def intend(self, memory: Memory, diary: Diary, rows: Sequence[Row]) -> None:
        """What is about to be made, before it is. StaleVersion where a newer run has begun."""

    async def commit(self, memory: Memory, outcome: Outcome) -> None:
        """All of a run in one transaction. StaleVersion where a newer run has begun."""

    async def holders(self, frnrs: Collection[int], besides: str) -> Mapping[int, frozenset[str]]:
        """Other employees with a linked row of these Termine."""

    async def journal(self, kuerzel: str, since: datetime) -> tuple[JournalEntry, ...]:
        """What was written since then, oldest first."""

    async def decide_list(self, kuerzel: str, digest: str, *, released: bool) -> None:
        """A person's answer to exactly that list of deletions."""
