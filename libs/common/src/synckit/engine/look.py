"""One look at one record: what came in, what is known so far, what it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from synckit.engine.refused import Rejection
from synckit.engine.sieve import Sieve
from synckit.errors import RemoteRejected
from synckit.ports import (
    Attempted,
    BrakeLedger,
    Clock,
    JournalEntry,
    Lease,
    Link,
    LinkStore,
    Locks,
    Notifier,
    Parked,
    PendingNote,
    RecordState,
    RemoteStore,
    SearchableStore,
    Snapshot,
)
from synckit.reconcile.brake import BrakeLimits
from synckit.reconcile.plan import Base

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why we look: for the journal. What a look decides never depends on it, only what it reads first.

    `left_news`: all that we were told is that the left side changed, at the latest then. A look that ended later knows
    of it, unless the left side itself says otherwise.
    """

    event_id: str = ""
    traceparent: str = ""
    left_news: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look came to. `result` is a word of a closed set, for logs and metrics."""

    result: str
    left_writes: int = 0
    right_writes: int = 0
    conflicts: int = 0
    notices: int = 0
    held_by: tuple[str, str] | None = None
    """Source and why (`doubt`, `sweep`), where the brake for sweeps held it."""
    refused: tuple[Refused, ...] = ()
    undeliverable: int = 0
    """Notes that nobody could be given just now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that a remote refused, for logs and metrics: no value. `field` is as the remote named it, or ""."""

    upstream: str
    status: int
    rule: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`right_timeout`: how long after its intent a POST without an answer may still land. `whole_call`: the end that
    the client puts to a call; the rest of the former is what writing the intent down may take.

    `gone_pause`: between the two reads that must both say "gone". `delete`: what a deletion in EspoCRM does over there.
    """

    right_timeout: timedelta = timedelta(seconds=25)
    whole_call: timedelta = timedelta(seconds=20)
    gone_pause: timedelta = timedelta(seconds=1)
    delete: Literal["never", "when-unused"] = "never"
    brake: BrakeLimits = field(default_factory=BrakeLimits)


@dataclass(frozen=True, slots=True)
class Remotes:
    """The ports of one entity. `parents`: our memory of the entity that this one's records belong to.

    A child's notes go to its parent: `notifier` is that of the parent's type then. `brake`: shared by all workers.
    """

    left: RemoteStore
    right: SearchableStore
    links: LinkStore
    locks: Locks
    notifier: Notifier
    clock: Clock
    parents: LinkStore | None = None
    brake: BrakeLedger | None = None


class StoreTime:
    """A `Clock` by our memory's time: `at` when it was loaded, and from there on the process's monotonic clock.

    Counted from when the answer was there, so it is never ahead of the store. Two workers whose clocks are apart
    decide by the same time; without `at` the process's own has to do.
    """

    def __init__(self, at: datetime | None, clock: Clock) -> None:
        self._clock = clock
        self._at = at or clock.now()
        self._since = clock.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self._clock.monotonic() - self._since)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


@dataclass(slots=True)
class Look:
    """The state of a look in progress. Lives as long as the lock is held.

    `clock` tells the store's time: whatever a look decides by time, it decides by that.

    `link`: as it is now remembered. `parent`, `about`: a child's parent's link and left id, which its notes are about.
    """

    left_id: str
    state: RecordState
    lease: Lease
    cause: Cause
    clock: Clock
    left: Snapshot | None = None
    right: Snapshot | None = None
    link: Link | None = None
    parent: Link | None = None
    about: str = ""
    base: Base = field(default_factory=Base)
    result: str = "unchanged"
    touched: bool = False
    left_writes: int = 0
    right_writes: int = 0
    conflicts: int = 0
    journal: list[JournalEntry] = field(default_factory=list)
    notes: list[PendingNote] = field(default_factory=list)
    waiting: list[PendingNote] = field(default_factory=list)
    attempted: dict[str, Attempted] = field(default_factory=dict)
    committed: Base | None = None
    posted: set[str] = field(default_factory=set)
    causes: set[str] = field(default_factory=set)
    unparked: bool = False
    held_by: tuple[str, str] | None = None
    to_park: Parked | None = None
    standing: set[str] = field(default_factory=set)
    """Causes that nobody is told of in a note, and that the next look must know."""
    rejections: dict[str, Rejection] = field(default_factory=dict)
    """What was refused, by name: remembered, or in this look. `whole`: all that was sent, by its digest."""
    whole: dict[str, Rejection] = field(default_factory=dict)
    sieves: dict[str, Sieve] = field(default_factory=dict)
    """Lists of which an entry was refused, and it is not known yet which."""
    refused: list[Refused] = field(default_factory=list)
    undeliverable: set[str] = field(default_factory=set)
    is_refused: bool = False
    is_asked: bool = False
    """A person wants all to be tried again, whatever was refused."""
    kept: set[str] = field(default_factory=set)
    """Causes that no commit takes away until the family has looked at its rows; then those that are `over` go.

    `remembered`: causes that are committed.
    """
    over: set[str] = field(default_factory=set)
    remembered: set[str] = field(default_factory=set)
    sent: Mapping[str, Any] = field(default_factory=dict)
    """The body of the last write, whatever came of it."""

    def note_refusal(self, error: RemoteRejected) -> None:
        """For logs and metrics."""
        rule = error.reason if error.reason.replace(" ", "").isalnum() else ""
        self.refused.append(Refused(error.upstream, error.status, rule, error.field or ""))

    def has_moved(self, name: str) -> bool:
        """Whether the base of a field is newer than what is remembered of it."""
        known = self.committed or self.state.base
        return (self.base.left.get(name), self.base.right.get(name)) != (known.left.get(name), known.right.get(name))

    def pair(self) -> tuple[Snapshot, Snapshot]:
        """Both sides, where the flow has made sure of both."""
        if self.left is None or self.right is None:
            raise AssertionError("both sides were read")
        return self.left, self.right

    @property
    def has_parent(self) -> bool:
        """Whether the parent is on the right side, and alive."""
        return self.parent is not None and not self.parent.tombstone

    def outcome(self) -> Outcome:
        posted = len(self.posted)
        return Outcome(
            self.result,
            self.left_writes,
            self.right_writes,
            self.conflicts,
            posted,
            self.held_by,
            tuple(self.refused),
            len(self.undeliverable),
        )


async def both(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """Both at once; the first's error before the second's. Neither is left running."""
    one, two = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(two, BaseException):
        raise two
    return one, two
