"""Erstgespräche whose next call is due: each minute in office hours an event for each, the longest due first.

Outside the hours EspoCRM is not even asked; with their first minute all that came due meanwhile are found at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from kanzlei import topics
from kanzlei.consultations import PART, check_event
from kanzlei.office_hours import OfficeHours
from synckit.events import ChangeEvent, Origin
from synckit.ports import Clock
from ticker.domain import queries
from ticker.handlers import Found

MOST = 10_000
"""Records that one look finds; the rest is found a minute later, when these are done."""


@dataclass(frozen=True, slots=True)
class Due:
    """A row of EspoCRM's list: id, and since when somebody wants to be called."""

    id: str
    since: datetime


class DueLists(Protocol):
    """EspoCRM's list of Erstgespräche."""

    def due(self, where: Sequence[Mapping[str, Any]], limit: int) -> AsyncGenerator[Due, None]:
        """At most so many that match, the longest due first."""


class ConsultationsDue:
    """A `handlers.Look` with `OwnEvents`.

    Each is told once, and again where it stays: after a minute, then after twice as long each time. So one that EspoCRM
    does not let us write is no dead letter a minute. Another time of its call makes it a new one.
    """

    entity = PART
    name = "due"
    origin = Origin.TICKER
    topic = topics.ERSTGESPRAECH_CHECK
    patience = timedelta(minutes=1)
    longest = timedelta(hours=1)

    def __init__(self, lists: DueLists, hours: OfficeHours, clock: Clock) -> None:
        self._lists = lists
        self._hours = hours
        self._clock = clock
        self._told: dict[Due, tuple[float, timedelta]] = {}

    async def find(self) -> Found:
        now = self._clock.now()
        if not self._hours.is_open(now):
            return Found((), 0)
        due = [row async for row in self._lists.due(queries.waiting_for_a_call(now), MOST)]
        at = self._clock.monotonic()
        self._told = {row: self._told[row] for row in due if row in self._told}
        fresh = [row for row in due if row not in self._told or self._is_over(at, *self._told[row])]
        capped = len(due) >= MOST
        return Found([row.id for row in fresh], len(due), capped, partial(self._remember, fresh, at))

    def event(self, key: str, at: datetime, trace: str) -> ChangeEvent:
        return check_event(key, self.origin, at, traceparent=trace)

    @staticmethod
    def _is_over(now: float, told_at: float, patience: timedelta) -> bool:
        """A timer's slots are a minute apart, give or take: half of one is no reason to wait for the next."""
        return now - told_at >= patience.total_seconds() - 30.0

    async def _remember(self, rows: Sequence[Due], at: float) -> None:
        for row in rows:
            before = self._told.get(row)
            self._told[row] = (at, min(before[1] * 2, self.longest) if before else self.patience)


async def overdue(lists: DueLists, hours: OfficeHours, now: datetime) -> timedelta:
    """For how much of the office's hours the longest due one has waited; nothing where none does, or it is closed."""
    if not hours.is_open(now):
        return timedelta()
    async for row in lists.due(queries.waiting_for_a_call(now), 1):
        return hours.open_between(row.since, now)
    return timedelta()
