"""What the core asks of the outside world. Adapters implement these; so do the fakes in `synckit.testing`."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from synckit.events import Record
from synckit.reconcile.brake import BrakeLimits, Loss, Tally
from synckit.reconcile.plan import Base, Canonical, Side, Value
from synckit.skew import Skew

Payload = Mapping[str, Any]
T = TypeVar("T")


class Clock(Protocol):
    """Time, injectable."""

    def now(self) -> datetime:
        """Aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back and go on while the process is stopped."""

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One record of one remote as it was read. `version` is the row id where there is one.

    `changed_by` is the id of the user who changed it last, where the remote says so. `skew`: how far the remote's clock
    is off, None where that was not measured.

    `canonical` is what its entity's mapping made of the payload, once it was asked: a look needs it several times.
    """

    id: str
    payload: Payload
    version: str | None = None
    changed_at: datetime | None = None
    changed_by: str | None = None
    skew: Skew | None = field(default=None, compare=False)
    canonical: dict[Side, Canonical] = field(default_factory=dict, init=False, repr=False, compare=False)


class RemoteStore(Protocol):
    """One entity of one remote system, already spoken to in its own payloads.

    Every method raises only the taxonomy of `synckit.errors`. A record that is gone is None, not an error.
    """

    async def read(self, record_id: str) -> Snapshot | None: ...

    async def create(self, payload: Payload) -> Snapshot: ...

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        """Left: a partial patch. Right: the whole record (a PUT replaces). Answers what the remote stored."""

    async def delete(self, record_id: str) -> None:
        """Gone already is fine."""


class FindableStore(RemoteStore, Protocol):
    """The side to which a desk's new records come: asked first whether one is there already."""

    async def find(self, equal: Mapping[str, str | int]) -> Sequence[str]:
        """Ids of records whose attributes equal these."""


class SearchableStore(RemoteStore, Protocol):
    """The side on which we create: it can be asked for what a lost answer may have made."""

    async def candidates(self, payload: Payload, since: datetime | None) -> Sequence[Snapshot]:
        """Records whose identifying fields equal the payload's, changed since then by our store's time; None: ever."""


class Notifier(Protocol):
    """Tells a user of EspoCRM."""

    async def tell(self, record_id: str, user_id: str | None, text: str) -> None:
        """A note to the user, else on the record's stream."""

    async def told(self, record_id: str, marker: str) -> bool:
        """Whether a note with this marker exists: asked only after a crash or a lost answer."""


@dataclass(frozen=True, slots=True)
class Link:
    """A pair of remote ids. A tombstone keeps a deleted pair from being linked or created again.

    `tombstone` is "" (live), `right_gone`, `left_deleted`, or `duplicate` (this left record claims a right record that
    belongs to another live link). `owner_id` is the user to tell, also when the left record can't be read any more.
    `left_seen_at`, `right_changed_at`: what each side said of its last change when both last agreed. `left_written_by`
    is our own user there, where that change was our write, else None. `seen_before`: the last versions of either side.
    """

    left_id: str
    right_id: str
    right_version: str | None = None
    left_changed_at: datetime | None = None
    tombstone: str = ""
    owner_id: str | None = None
    left_seen_at: datetime | None = None
    right_changed_at: datetime | None = None
    left_written_by: str | None = None
    seen_before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """Said before a POST, whose payload is `fingerprint`: this record may exist over there from `declared_at` on."""

    left_id: str
    fingerprint: Payload
    declared_at: datetime


IMPORT = "import:"
"""Before the right id of a desk's row: the key of the intent to make a left record of it. The link of that row ends it.
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that waits for its next try. `attempts` counts the ladder's rungs; `message` holds no client data."""

    left_id: str
    attempts: int
    due_at: datetime
    reason: str
    message: str = ""

    def is_due(self, now: datetime) -> bool:
        """A time that is later than any can be was written by a clock that was wrong, and is over."""
        return self.due_at <= now or self.due_at > now + LONGEST_PARKED


LONGEST_PARKED = timedelta(hours=48)
"""Nothing is parked for longer. A row that says so was written by a clock that was wrong, and is due."""
WAITS_FOR_PARENT = "waits_for_parent"
"""Reason of a child's parked row: it is no failure, counts no attempt, and its message is the left id of the parent."""
BRAKED = "brake"
"""Reason of the parked row of a record that a sweep's brake holds; its message is the source that is not believed."""


@dataclass(frozen=True, slots=True)
class PendingNote:
    """A note to a user, written down before the writes that it tells of, so that no crash can swallow or double it.

    Holds client data until it is posted, like the base. With an empty `field` it is posted always; else only where
    `side` shows `expected` there (the write happened), or neither that nor `lost`: the value that the write was to
    replace is gone, and who replaced it nobody knows. `marker` is in the text: it finds a note whose answer was lost.
    """

    cause: str
    text: str
    marker: str
    owner_id: str | None = None
    field: str = ""
    side: str = ""
    expected: Value = None
    lost: Value = None


@dataclass(frozen=True, slots=True)
class Attempted:
    """A field that we were about to write on `side`, and the pair that both sides hold once that is done.

    Written down before the write: after a crash it tells our own write from a person's edit. `at`: when the POST
    of a row was sent, which may land late.
    """

    field: str
    side: str
    left: Value
    right: Value
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordState:
    """All that we remember of one record, and the fence: a number that only grows, taken while the lock is held."""

    fence: int
    link: Link | None = None
    base: Base = field(default_factory=Base)
    intent: Intent | None = None
    parked: Parked | None = None
    notes: frozenset[str] = frozenset()
    pending: tuple[PendingNote, ...] = ()
    """`notes`: causes that a user has been told of and that still stand; `pending`: not known to be posted."""
    attempted: tuple[Attempted, ...] = ()
    """Announced and not known to be written. Gone with the next base."""
    rivals: tuple[str, ...] = ()
    """Other left records that claim our right record (tombstone `duplicate`)."""
    looked_at: datetime | None = None
    """When what a look came to was last committed; never after `at`."""
    at: datetime | None = None
    """The store's time at this load, by which a look decides; None in a state of no store. `key`: for digests."""
    key: bytes = field(default=b"", repr=False)


OPERATOR = "operator_"
"""Begins the steps that a person took by hand."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What was written, when, by which rule; hashes of the values, never values.

    `before` and `after` are values only until the adapter hashes them with the database's own key.
    """

    at: datetime
    step: str
    field: str = ""
    side: str = ""
    rule: str = ""
    before: str = ""
    after: str = ""
    event_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction over what we remember of a record. StaleVersion where the fence is older than the stored one.

    None leaves a part as it is. A base clears what was announced, but for `attempted`: writes that may still land.
    `unpark` and `drop_intent` remove, `forget` removes link and base. Causes: `raise_notes` were posted (their pending
    note goes), `clear_notes` stand no longer (raised or pending, both go).
    """

    left_id: str
    fence: int
    at: datetime
    link: Link | None = None
    base: Base | None = None
    attempted: Sequence[Attempted] = ()
    drop_intent: bool = False
    unpark: bool = False
    park: Parked | None = None
    raise_notes: Collection[str] = ()
    clear_notes: Collection[str] = ()
    journal: Sequence[JournalEntry] = ()
    looked_at: datetime | None = None
    forget: bool = False


class LinkStore(Protocol):
    """Our memory of one entity's records."""

    async def load(self, left_id: str) -> RecordState:
        """One round trip. Takes a fresh fence."""

    async def declare(self, intent: Intent, fence: int) -> None:
        """Committed before it returns, at the store's own time: the POST comes after. StaleVersion as `commit`."""

    async def announce(
        self, left_id: str, notes: Sequence[PendingNote], attempted: Sequence[Attempted], fence: int
    ) -> None:
        """Committed before it returns: the writes come after. A cause already pending stays; `attempted` replaces."""

    async def commit(self, change: Commit) -> None:
        """All or nothing. StaleVersion (fence), Ambiguous (the right id belongs to another live link)."""

    async def linked(self, right_ids: Collection[str]) -> Mapping[str, str]:
        """right id → left id of live links among those asked for."""

    async def peek(self, left_id: str) -> Link | None:
        """A record's link as it is. Takes no fence: for those who only want to know."""

    async def known(self, right_ids: Collection[str]) -> Sequence[Link]:
        """Links of these right records, tombstones too."""

    async def family(self, parent_id: str, right_ids: Collection[str]) -> Sequence[str]:
        """Left ids of all children that wait for this parent (its left id), or are linked below these right ids."""


class SweepStore(Protocol):
    """What the ticker asks of our memory. All lists are bounded by `limit`, ids of the left side."""

    async def cursor(self, name: str) -> str | None: ...

    async def move_cursor(self, name: str, value: str) -> None: ...

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        """Parked records whose time has come, oldest first."""

    async def parked(self, left_ids: Collection[str]) -> Collection[str]:
        """Those of them that are parked, due or not: they have a time of their own."""

    async def not_looked_at_since(self, before: datetime, limit: int) -> Sequence[str]:
        """Without those that are parked."""

    async def left_changes_known(self, left_ids: Collection[str]) -> Mapping[str, datetime]:
        """left id → `left_changed_at` of its link: what our own last write left there."""

    async def linked(self, right_ids: Collection[str]) -> Mapping[str, str]: ...

    async def right_versions_known(self, right_ids: Collection[str]) -> Mapping[str, str]:
        """right id → row id that we saw last."""

    async def rows_known(self, right_ids: Collection[str]) -> Mapping[str, str | None]:
        """right id → row id that we saw last; None for a tombstone, whose row is of no interest any more."""

    async def lists_seen(self, right_ids: Collection[str]) -> Mapping[str, str]:
        """right id → `mapping.rows.as_seen` at the last look, of live links; none where a look saw no such rows yet."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A record of which something would be lost on the other side. Holds no client data once it is stored.

    `source`: the side that wants it. `value`: the new value of a renamed one (hashed by the store), `version`: the row
    id that its source shows.
    """

    source: Side
    left_id: str
    loss: Loss
    at: datetime
    value: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A live link by which one can ask whether a side still knows what it must. `suspected`: it is counted itself."""

    link: Link
    suspected: bool = False


@dataclass(frozen=True, slots=True)
class BrakeState:
    """One source of the brake for sweeps, for people. `engaged_at`: None while it is not held as a whole.

    `held`: records that wait for it. `counted`, `allowed`: records that would lose something, when it was last held.
    """

    source: str
    engaged_at: datetime | None = None
    counted: int = 0
    allowed: int = 0
    released_until: datetime | None = None
    released_by: str = ""
    held: int = 0

    def is_released(self, now: datetime) -> bool:
        """True while a person lets it go on."""
        return self.released_until is not None and self.released_until > now


class BrakeLedger(Protocol):
    """What all workers of all entities know of the losses within the last minutes, for one entity's records."""

    async def count(self, suspicion: Suspicion, limits: BrakeLimits) -> Tally:
        """Counts it, and says how its source stands. A record counts once. Nothing is counted while released."""

    async def engage(self, source: Side, at: datetime, tally: Tally, limits: BrakeLimits) -> bool:
        """The source is held until a person releases it, or no record of it waits. False where it was so already."""

    async def witnesses(self, left_id: str, limit: int, home: str = "") -> Sequence[Witness]:
        """Other live links, those first of which nothing is suspected, and then those looked at last.

        `home`: the right id of a parent, none of whose rows is asked about.
        """


class Lease(Protocol):
    """A held lock."""

    def ensure(self) -> None:
        """Raises Locked where the lock may have been lost (renewal failed, the process was frozen)."""

    async def during(self, write: Coroutine[Any, Any, T]) -> T:
        """A remote write, begun and gone on with only while the lock is surely held.

        Locked where it may be lost: before that, nothing was sent; during it, the write may have been applied.
        """


class Locks(Protocol):
    """One holder a record in the whole cluster."""

    def hold(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Locked where another holds it, RemoteUnavailable where the lock service is away. Released in every case."""


class Publisher(Protocol):
    """Sends to a topic. Returns only when the broker has acknowledged all of them."""

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        """RemoteUnavailable where the broker did not acknowledge in time."""
