"""The calendars' round: one event for all of them, of which their service makes one for each employee."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kanzlei import topics
from kanzlei.calendar_events import ALL, all_event, employee_event
from synckit.events import ChangeEvent, Origin
from ticker.handlers import Found

CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class CalendarRound:
    """A `handlers.Look` with `OwnEvents`. Asks nobody: who works here is calendar-sync's question.

    `origin`: a round of the ticker's is spread over minutes by its receiver, one by hand is not.
    """

    kuerzel: str | None = None
    origin: Origin = Origin.TICKER
    name: str = "round"
    entity: str = CALENDAR
    topic: str = topics.CALENDAR_SYNC

    def by_hand(self, kuerzel: str | None) -> CalendarRound:
        """At once; of one employee, or of all."""
        return replace(self, kuerzel=kuerzel, origin=Origin.OPERATOR)

    async def find(self) -> Found:
        return Found([self.kuerzel or ALL], 1)

    def event(self, _key: str, at: datetime, trace: str) -> ChangeEvent:
        if self.kuerzel is None:
            return all_event(self.origin, at, traceparent=trace)
        return employee_event(self.kuerzel, self.origin, at, traceparent=trace)
