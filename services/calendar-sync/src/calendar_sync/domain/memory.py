"""What is remembered of one employee's calendar, and what a run adds to it. Frozen, to JSON and back exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from calendar_sync.domain.frozen_json import fields_to_json, from_json
from calendar_sync.domain.values import Appointment, CalendarRef
from synckit.reconcile.plan import Base, Canonical


class State(StrEnum):
    """Of a pair. CREATING: announced, on the side whose id is missing; CREATING with both ids: in Google.

    SLEEPING lies outside the window. DECLINED: this employee took it out of the own calendar and it stands in another
    one's diary. GONE: on both sides; its ids and its generation are kept for a while.
    """

    CREATING = "creating"
    LINKED = "linked"
    SLEEPING = "sleeping"
    DECLINED = "declined"
    GONE = "gone"


class Kind(StrEnum):
    """SERIES: a Dauertermin and its master. EXCEPTION: one occurrence of it that a person changed or cancelled.

    EXPANDED: a series of Google's that Advoware can't hold; OCCURRENCE: one of its occurrences, a Termin of its own.
    """

    SINGLE = "single"
    SERIES = "series"
    EXCEPTION = "exception"
    EXPANDED = "expanded"
    OCCURRENCE = "occurrence"


class Born(StrEnum):
    ADVOWARE = "advoware"
    GOOGLE = "google"


class CalendarState(StrEnum):
    """CREATING: announced, perhaps made. LOST: gone, or not ours to see. LEFT: the employee has left, read-only."""

    NONE = "none"
    CREATING = "creating"
    READY = "ready"
    LOST = "lost"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Row:
    """One pair. `key` is its own id; `mark` is what Advoware carries of what was born in Google.

    `base_left` is what Advoware held when both agreed, `base_right` Google. `etag` and `row_id` are the versions then.
    `parent` is the key of the series, `original` the occurrence's own start. `due`: parked until then, for `reason`.
    `told`: what a person was told once. `day` is where the Termin was seen last.
    """

    key: str
    born: Born
    state: State
    kind: Kind = Kind.SINGLE
    frnr: int | None = None
    event_id: str = ""
    generation: int = 0
    origin: str = ""
    mark: str = ""
    parent: str = ""
    original: datetime | None = None
    base_left: Canonical = dataclasses.field(default_factory=dict, repr=False)
    base_right: Canonical = dataclasses.field(default_factory=dict, repr=False)
    etag: str = ""
    row_id: str = ""
    profile: str = ""
    day: date | None = None
    since: datetime | None = None
    tries: int = 0
    due: datetime | None = None
    reason: str = ""
    told: tuple[str, ...] = ()

    @property
    def base(self) -> Base:
        """As the reconcile core takes it: left is Advoware, right is Google."""
        return Base(self.base_left, self.base_right)

    @property
    def is_live(self) -> bool:
        """True for a pair that both sides are held to."""
        return self.state is State.LINKED

    @property
    def left(self) -> Appointment | None:
        """What Advoware held."""
        return Appointment.of_fields(self.base_left) if self.base_left else None

    @property
    def right(self) -> Appointment | None:
        """What Google held."""
        return Appointment.of_fields(self.base_right) if self.base_right else None

    def agreeing(self, left: Appointment, right: Appointment) -> Row:
        """Both sides are as they are now."""
        return replace(self, base_left=left.as_fields(), base_right=right.as_fields())

    def parked(self, due: datetime, reason: str) -> Row:
        """Not tried again before `due`."""
        return replace(self, tries=self.tries + 1, due=due, reason=reason)

    def unparked(self) -> Row:
        """It works again."""
        return replace(self, tries=0, due=None, reason="") if self.tries or self.due else self

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return fields_to_json(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` made."""
        return from_json(cls, told)


@dataclass(frozen=True, slots=True)
class HeldList:
    """Deletions that wait for a person: exactly these. `digest` is what a person answers to."""

    digest: str
    keys: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class Diary:
    """One employee's calendar as a whole.

    `token` goes on where Google's last list ended, `listed_at` is when the last full list was read, with `days` as the
    window's settings. `released` and `rejected` are keys of deletions that a person answered.
    """

    kuerzel: str
    email: str = ""
    calendar: CalendarRef | None = None
    state: CalendarState = CalendarState.NONE
    token: str = ""
    listed_at: datetime | None = None
    days: tuple[int, int] = (0, 0)
    profile: str = ""
    held: HeldList | None = None
    released: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    reason: str = ""
    synced_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return fields_to_json(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` made."""
        return from_json(cls, told)


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it. `now` is the database's time, aware; `fence` is this run's.

    `office_live` are live pairs of the whole office, `office_deleted` those that it lost within a day.
    """

    diary: Diary
    rows: tuple[Row, ...]
    now: datetime
    fence: int = 0
    office_live: int = 0
    office_deleted: int = 0


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One field that this service wrote, or one record that it made or deleted (`field` is "" then).

    `side` is `advoware` or `google`. `before` and `after` are what it held; `loser` is a value that a conflict dropped.
    """

    key: str
    side: str
    action: str
    field: str = ""
    before: Any = dataclasses.field(default=None, repr=False)
    after: Any = dataclasses.field(default=None, repr=False)
    loser: Any = dataclasses.field(default=None, repr=False)
    rule: str = ""
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return fields_to_json(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` made."""
        return from_json(cls, told)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told once for each `kind` and `key`. `text` is German and may hold values: to EspoCRM alone."""

    kind: str
    kuerzel: str
    key: str
    text: str = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `state` is `done`, `skipped`, `failed` or `waiting`; `reason` is German.

    `waiting` and `parked` are lines for people: key and reason. `held` is the digest of deletions that wait.
    """

    kuerzel: str
    state: str
    reason: str = ""
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    waiting: tuple[tuple[str, str], ...] = ()
    parked: tuple[tuple[str, str], ...] = ()
    held: str = ""
    left_over: int = 0

    @property
    def unsaved(self) -> bool:
        """True where something is left for the next run."""
        return bool(self.left_over or self.waiting) or self.state != "done"

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return fields_to_json(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` made."""
        return from_json(cls, told)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves: saved in one transaction, after all that it did. `rows` replace those with the same key."""

    diary: Diary
    rows: tuple[Row, ...] = ()
    removed: tuple[str, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    notices: tuple[Notice, ...] = ()
    report: Report | None = None
    deletions: int = 0
