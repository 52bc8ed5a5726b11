"""Our own memory, locks, notes and topics, in memory, with the refusals of the real ones."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from recordsync.mapping.rows import SEEN
from synckit.errors import Ambiguous, Locked, RemoteUnavailable, StaleVersion
from synckit.events import Record
from synckit.ports import (
    BRAKED,
    IMPORT,
    WAITS_FOR_PARENT,
    Attempted,
    Clock,
    Commit,
    Intent,
    JournalEntry,
    Lease,
    Link,
    Parked,
    PendingNote,
    RecordState,
)
from synckit.reconcile.plan import Base
from synckit.testing.faults import Faults

T = TypeVar("T")


@dataclass
class _Row:
    fence: int = 0
    link: Link | None = None
    base: Base = field(default_factory=Base)
    intent: Intent | None = None
    parked: Parked | None = None
    notes: set[str] = field(default_factory=set)
    pending: dict[str, PendingNote] = field(default_factory=dict)
    attempted: tuple[Attempted, ...] = ()
    journal: list[JournalEntry] = field(default_factory=list)
    looked_at: datetime | None = None


class FakeLinks:
    """`LinkStore` and `SweepStore` in memory. `clock` is the database's own, which no worker has to share.

    `let_go` is told the left id of each record that the brake held, and that is parked no more.
    """

    def __init__(
        self, faults: Faults | None = None, parents: FakeLinks | None = None, clock: Clock | None = None
    ) -> None:
        self.faults = faults or Faults()
        self.parents = parents
        self.clock = clock
        self.rows: dict[str, _Row] = {}
        self.cursors: dict[str, str] = {}
        self.key = b"the key of this store"
        self.let_go: list[Callable[[str], None]] = []
        self._sequence = itertools.count(1)

    async def load(self, left_id: str) -> RecordState:
        self.faults.at("links.load.before")
        row = self._row(left_id)
        row.fence = max(self._new_fence(), row.fence + 1)
        now = self.clock.now() if self.clock else None
        looked_at = row.looked_at if row.link else None
        return RecordState(
            fence=row.fence,
            at=now,
            link=row.link,
            base=row.base,
            intent=row.intent,
            parked=row.parked,
            notes=frozenset(row.notes),
            pending=tuple(row.pending.values()),
            attempted=row.attempted,
            rivals=self._rivals(row.link),
            looked_at=min(looked_at, now) if looked_at and now else looked_at,
            key=self.key,
        )

    def backup(self) -> Mapping[str, Any]:
        """What a standby knows that gets nothing from now on."""
        return deepcopy(self.rows)

    def restore(self, backup: Mapping[str, Any]) -> None:
        """The last commits are lost, or that standby takes over; its sequences stood at their beginning."""
        self.rows = dict(deepcopy(backup))
        self._sequence = itertools.count(1)

    async def declare(self, intent: Intent, fence: int) -> None:
        self.faults.at("links.declare.before")
        row = self._fenced(intent.left_id, fence)
        if row.intent is not None:
            raise StaleVersion("an intent stands already")
        row.intent = replace(intent, declared_at=self.clock.now()) if self.clock else intent
        self.faults.at("links.declare.after")

    async def announce(
        self, left_id: str, notes: Sequence[PendingNote], attempted: Sequence[Attempted], fence: int
    ) -> None:
        self.faults.at("links.announce.before")
        row = self._fenced(left_id, fence)
        row.pending = {n.cause: n for n in notes} | row.pending
        row.attempted = tuple(attempted)
        self.faults.at("links.announce.after")

    async def commit(self, change: Commit) -> None:
        self.faults.at("links.commit.before")
        row = self._fenced(change.left_id, change.fence)
        if change.link is not None:
            self._claim(change.link)
        self._apply(row, change)
        self.faults.at("links.commit.after")

    async def linked(self, right_ids: Collection[str]) -> Mapping[str, str]:
        self.faults.at("links.linked.before")
        return {link.right_id: link.left_id for link in self._live() if link.right_id in right_ids}

    async def peek(self, left_id: str) -> Link | None:
        self.faults.at("links.peek.before")
        return self.rows[left_id].link if left_id in self.rows else None

    async def known(self, right_ids: Collection[str]) -> Sequence[Link]:
        self.faults.at("links.known.before")
        return [row.link for row in self.rows.values() if row.link and row.link.right_id in right_ids]

    async def family(self, parent_id: str, right_ids: Collection[str]) -> Sequence[str]:
        self.faults.at("links.family.before")
        found = []
        for left_id, row in sorted(self.rows.items()):
            below = row.link is not None and row.link.right_id.partition("/")[0] in right_ids
            waits = row.parked is not None and (row.parked.reason, row.parked.message) == (WAITS_FOR_PARENT, parent_id)
            found += [left_id] if waits or below else []
        return found

    async def cursor(self, name: str) -> str | None:
        return self.cursors.get(name)

    async def move_cursor(self, name: str, value: str) -> None:
        self.cursors[name] = value

    async def due(self, now: datetime, limit: int) -> Sequence[str]:
        waiting = [p for row in self.rows.values() if (p := row.parked) and (p.is_due(now) or self._may_go_on(p))]
        return [p.left_id for p in sorted(waiting, key=lambda p: p.due_at)][:limit]

    async def parked(self, left_ids: Collection[str]) -> Collection[str]:
        return {one for one in left_ids if one in self.rows and self.rows[one].parked}

    async def not_looked_at_since(self, before: datetime, limit: int) -> Sequence[str]:
        now = self.clock.now() if self.clock else datetime.max.replace(tzinfo=UTC)
        old = [
            (row.looked_at <= now, row.looked_at, left_id)
            for left_id, row in self.rows.items()
            if row.link and not row.link.tombstone and not row.parked and row.looked_at
            if row.looked_at < before or row.looked_at > now
        ]
        return [left_id for _, _, left_id in sorted(old)][:limit]

    async def left_changes_known(self, left_ids: Collection[str]) -> Mapping[str, datetime]:
        links = [row.link for left_id, row in self.rows.items() if left_id in left_ids and row.link]
        return {link.left_id: link.left_changed_at for link in links if link.left_changed_at}

    async def right_versions_known(self, right_ids: Collection[str]) -> Mapping[str, str]:
        return {link.right_id: link.right_version for link in self._live() if link.right_version} if right_ids else {}

    async def rows_known(self, right_ids: Collection[str]) -> Mapping[str, str | None]:
        links = sorted((r.link for r in self.rows.values() if r.link), key=lambda link: not link.tombstone)
        return {
            link.right_id: None if link.tombstone else link.right_version
            for link in links
            if link.right_id in right_ids
        }

    async def lists_seen(self, right_ids: Collection[str]) -> Mapping[str, str]:
        seen = {link.right_id: self.rows[link.left_id].base.right.get(SEEN) for link in self._live()}
        return {right_id: str(each) for right_id, each in seen.items() if right_id in right_ids and each is not None}

    def _may_go_on(self, parked: Parked) -> bool:
        parent = self.parents.rows.get(parked.message) if self.parents and parked.reason == WAITS_FOR_PARENT else None
        return parent is not None and parent.link is not None and not parent.link.tombstone

    def _new_fence(self) -> int:
        milliseconds = int(self.clock.now().timestamp() * 1000) if self.clock else 0
        return milliseconds << 20 | next(self._sequence)

    def _row(self, left_id: str) -> _Row:
        return self.rows.setdefault(left_id, _Row())

    def _fenced(self, left_id: str, fence: int) -> _Row:
        row = self._row(left_id)
        if fence < row.fence:
            raise StaleVersion("a newer worker has this record")
        row.fence = fence
        return row

    def _live(self) -> list[Link]:
        return [row.link for row in self.rows.values() if row.link and not row.link.tombstone]

    def _rivals(self, link: Link | None) -> tuple[str, ...]:
        if link is None or link.tombstone:
            return ()
        others = [row.link for row in self.rows.values() if row.link and row.link.tombstone == "duplicate"]
        return tuple(other.left_id for other in others if other.right_id == link.right_id)

    def _claim(self, link: Link) -> None:
        for other in self._live():
            if not link.tombstone and other.right_id == link.right_id and other.left_id != link.left_id:
                raise Ambiguous("the right record belongs to another link", (other.left_id,))

    def _apply(self, row: _Row, change: Commit) -> None:
        if change.forget or change.base is not None:
            row.attempted = () if change.forget else tuple(change.attempted)
        if change.forget:
            row.link, row.base = None, Base()
            row.notes, row.pending = set(), {}
        row.link = change.link or row.link
        if change.link is not None and (imported := self.rows.get(IMPORT + change.link.right_id)):
            imported.intent = None
        row.base = change.base or row.base
        row.intent = None if change.drop_intent else row.intent
        if change.unpark and row.parked is not None:
            released, row.parked = row.parked, None
            for told in self.let_go if released.reason == BRAKED else ():
                told(change.left_id)
        row.parked = change.park or row.parked
        row.notes = (row.notes - set(change.clear_notes)) | set(change.raise_notes)
        for cause in (*change.raise_notes, *change.clear_notes):
            row.pending.pop(cause, None)
        row.journal += change.journal
        if change.looked_at is not None:
            row.looked_at = min(change.looked_at, self.clock.now()) if self.clock else change.looked_at


class FakeLease:
    """Held until the test says otherwise."""

    def __init__(self) -> None:
        self.lost = False

    def ensure(self) -> None:
        if self.lost:
            raise Locked("the lock may be lost")

    async def during(self, write: Coroutine[Any, Any, T]) -> T:
        if self.lost:
            write.close()
            self.ensure()
        return await write


class FakeLocks:
    """One holder a name; `away` is the lock service down."""

    def __init__(self) -> None:
        self.away = False
        self.held: dict[str, FakeLease] = {}

    def hold(self, name: str) -> AbstractAsyncContextManager[Lease]:
        return self._hold(name)

    @asynccontextmanager
    async def _hold(self, name: str) -> AsyncIterator[Lease]:
        if self.away:
            raise RemoteUnavailable("redis", "away")
        if name in self.held:
            raise Locked(f"{name} is held")
        lease = self.held[name] = FakeLease()
        try:
            yield lease
        finally:
            self.held.pop(name, None)


class FakeNotifier:
    """Notes in a list: (record id, user id, text)."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.notes: list[tuple[str, str | None, str]] = []

    async def tell(self, record_id: str, user_id: str | None, text: str) -> None:
        self.faults.at("notifier.tell.before")
        self.notes.append((record_id, user_id, text))
        self.faults.at("notifier.tell.after")

    async def told(self, record_id: str, marker: str) -> bool:
        self.faults.at("notifier.told.before")
        return any(rid == record_id and marker in text for rid, _, text in self.notes)


class FakePublisher:
    """Topics in a list; `refuse` is the broker not acknowledging."""

    def __init__(self) -> None:
        self.refuse = False
        self.sent: list[tuple[str, Record]] = []

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        if self.refuse:
            raise RemoteUnavailable("kafka", "no acknowledgement", maybe_applied=True)
        self.sent += [(topic, record) for record in records]
