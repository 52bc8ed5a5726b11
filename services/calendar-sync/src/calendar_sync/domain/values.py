"""Appointments as both sides mean them, what Google answers, and the rules that a plan keeps to. Frozen, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from calendar_sync.domain.local_time import DAY
from synckit.reconcile.plan import Canonical

FIELDS = ("title", "notes", "place", "start", "end", "all_day", "recurrence", "preparation")
NEVER = datetime(9999, 12, 31)
TIMES = ("start", "end", "all_day")
TEXTS = ("title", "notes", "place")
LABELS = {
    "title": "Betreff",
    "notes": "Notiz",
    "place": "Ort",
    "start": "Beginn",
    "end": "Ende",
    "all_day": "Ganztägig",
    "recurrence": "Wiederholung",
    "preparation": "Vorbereitung",
}
"""What a user calls the fields."""


class Every(IntEnum):
    """The unit of a rhythm; the numbers are Advoware's `turnusArt`."""

    DAY = 1
    WEEK = 2
    MONTH = 3
    YEAR = 4


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every `interval`-th unit from the first occurrence on. `until`: last local day on which one may begin."""

    every: Every
    interval: int = 1
    until: date | None = None

    def __str__(self) -> str:
        """Its one form as text: what bases hold."""
        return f"{self.every.name.lower()}/{self.interval}/{self.until.isoformat() if self.until else ''}"

    @classmethod
    def of(cls, text: str) -> Recurrence:
        """What `str` made. ValueError for anything else."""
        every, interval, until = text.split("/")
        return cls(Every[every.upper()], int(interval), date.fromisoformat(until) if until else None)


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment or series in local wall time, without a zone.

    Of whole days, `start` and `end` are the first and the last day at midnight. `preparation` is in minutes before
    `start`. Of a series the times are those of its first occurrence.
    """

    start: datetime
    end: datetime
    all_day: bool = False
    title: str | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)
    place: str | None = field(default=None, repr=False)
    recurrence: Recurrence | None = None
    preparation: int = 0

    def as_fields(self) -> dict[str, Any]:
        """As the reconcile core compares it."""
        told = {name: getattr(self, name) for name in FIELDS}
        return {**told, "recurrence": str(self.recurrence) if self.recurrence else None}

    @classmethod
    def of_fields(cls, fields: Canonical) -> Appointment:
        """What `as_fields` made."""
        told: dict[str, Any] = {name: fields.get(name) for name in FIELDS}
        rhythm = told["recurrence"]
        told["recurrence"] = Recurrence.of(rhythm) if rhythm else None
        return cls(**{**told, "preparation": told["preparation"] or 0, "all_day": bool(told["all_day"])})

    @property
    def last_moment(self) -> datetime:
        """Wall time at which it is over; of a series, at the latest. `NEVER`: it has no end."""
        if self.recurrence is not None:
            until = self.recurrence.until
            over = datetime.combine(until, self.end.time()) if until else NEVER
            return over if over is NEVER else over + (self.end - self.start) + DAY
        return self.end + DAY if self.all_day else self.end

    def touches(self, window: Window) -> bool:
        """True where any part of it may lie in the window."""
        begins = self.start - timedelta(minutes=self.preparation)
        return begins <= window.end and self.last_moment >= window.start

    def moved_to(self, start: datetime, end: datetime) -> Appointment:
        """The same one at another time, without a rhythm: an occurrence."""
        return replace(self, start=start, end=end, recurrence=None)


@dataclass(frozen=True, slots=True)
class Window:
    """Local wall times, both included."""

    start: datetime
    end: datetime

    def narrowed(self, margin: timedelta = DAY) -> Window:
        """The part in which an absence means something."""
        return Window(self.start + margin, self.end - margin)

    def holds(self, appointment: Appointment) -> bool:
        """True where it lies in it as a whole, or (a series) takes place in it surely."""
        if appointment.recurrence is not None:
            return appointment.start <= self.end and appointment.last_moment >= self.start
        return appointment.start >= self.start and appointment.last_moment <= self.end


class Mode(StrEnum):
    DRY = "dry"
    PROTECT = "protect"
    ON = "on"


class Strategy(StrEnum):
    SOURCE = "source-system-wins"
    LATEST = "last-change-wins"


class Profile(StrEnum):
    FULL = "full"
    TITLE_ONLY = "title-only"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the office has settled for one employee. `deletes_all`: `CALENDAR_DELETE_FROM_GOOGLE=all`."""

    kuerzel: str
    tenant: str = "kanzlei"
    mode: Mode = Mode.ON
    strategy: Strategy = Strategy.SOURCE
    profile: Profile = Profile.FULL
    deletes_all: bool = False
    past_days: int = 30
    future_days: int = 730
    expand_days: int = 60
    max_advoware_writes: int = 200
    acl_role: str = "writer"

    def window(self, today: date) -> Window:
        """The days that are kept in step, whole ones."""
        start = datetime.combine(today, datetime.min.time()) - timedelta(days=self.past_days)
        return Window(start, start + timedelta(days=self.past_days + self.future_days + 1, seconds=-1))


@dataclass(frozen=True, slots=True)
class CalendarRef:
    """One employee's calendar. `email` is whose it is for, `owner` the account that owns it."""

    id: str
    email: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as Google answered it. `etag` changes on every write."""

    id: str
    etag: str
    body: Mapping[str, Any] = field(repr=False)
    updated: datetime | None = None

    @property
    def is_cancelled(self) -> bool:
        """True for what is deleted: single events, series, and single occurrences."""
        return self.body.get("status") == "cancelled"

    @property
    def master_id(self) -> str:
        """Of an exception: the series; "" for all others."""
        return str(self.body.get("recurringEventId") or "")

    @property
    def is_series(self) -> bool:
        """True for the master of a series."""
        return bool(self.body.get("recurrence"))


@dataclass(frozen=True, slots=True)
class EventList:
    """All that was asked for: the whole window (`full`), or what has changed since a token.

    `skew` is Google's clock less ours.
    """

    items: tuple[Event, ...]
    token: str = ""
    full: bool = True
    skew: timedelta = timedelta(0)
