"""The looks: each asks a list, keeps what is worth an event, emits it, and only then moves its cursor.

They emit `sync_check` events and nothing else; a record that is already queued costs nothing. Their clock is the
database's: a process's own never decides what is looked at.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import structlog

from kanzlei import topics
from kanzlei.nouns import ADVOWARE
from synckit.events import Action, ChangeEvent, Origin, encode
from synckit.ports import Clock, Publisher, SweepStore
from synckit.service import tracing
from ticker.domain import queries, schedule, selection
from ticker.domain.entities import BETEILIGTE, Watched
from ticker.domain.rows import LeftRow, PartyRow, RightRow

log = structlog.get_logger(__name__)
ENTITY = BETEILIGTE.entity
BATCH = 500
PORTION = 10_000
"""Rows that are kept at once; a longer list is dealt with in portions, each with its events and its cursor."""
MOST_ROWS = 1_000_000
"""Of a list without an order in time: a look ends here, whatever a remote says."""


class LeftLists(Protocol):
    """EspoCRM's list of one type."""

    def matching(self, where: queries.Where) -> AsyncGenerator[str, None]:
        """Ids of all that match."""

    def changed_since(self, since: datetime) -> AsyncGenerator[LeftRow, None]:
        """Oldest change first."""

    async def our_user(self) -> str | None:
        """The id of the API user that we are; None where EspoCRM does not say."""


class RightLists(Protocol):
    """Advoware's list of Beteiligte."""

    def changed_since(self, since: datetime) -> AsyncGenerator[RightRow, None]: ...

    def with_rows(self, kinds: Sequence[Watched]) -> AsyncGenerator[PartyRow, None]:
        """All of them, with what belongs to them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look found. `after` is called once the events are with the broker: that moves the cursor. `rest`: how to
    go on, where this is a portion.
    """

    ids: Sequence[str]
    seen: int
    capped: bool = False
    after: Callable[[], Awaitable[None]] | None = None
    rest: Callable[[], Awaitable[Found]] | None = None


class Look(Protocol):
    """One question about the records of one noun. `name` is its word in logs and metrics."""

    @property
    def entity(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def origin(self) -> str: ...

    async def find(self) -> Found: ...


@runtime_checkable
class OwnEvents(Protocol):
    """A look whose events are not `sync_check` of a record."""

    @property
    def topic(self) -> str: ...

    def event(self, key: str, at: datetime, trace: str) -> ChangeEvent: ...


class Duty(Protocol):
    """What a timer does besides looking. `name` is its word in logs."""

    @property
    def name(self) -> str: ...

    async def carry_out(self, *, dry_run: bool = False) -> Mapping[str, int]:
        """What of (a word of ours) → how many rows."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a look, for a person."""

    look: str
    seen: int
    emitted: int
    capped: bool = False
    entity: str = ENTITY


class Emitter:
    """Carries looks out. `dry_run` finds, and changes nothing."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def carry_out(self, look: Look, *, dry_run: bool = False) -> Told:
        told = Told(look.name, 0, 0, entity=look.entity)
        emitted: set[str] = set()
        found: Found | None = await look.find()
        while found is not None:
            ids = [one for one in selection.without_repeats(found.ids) if one not in emitted]
            emitted.update(ids)
            if not dry_run:
                await self._emit(ids, look)
                if found.after is not None:
                    await found.after()
            told = replace(told, seen=told.seen + found.seen, emitted=len(emitted), capped=told.capped or found.capped)
            found = await found.rest() if found.rest is not None else None
        self._report(told, dry_run=dry_run)
        return told

    @staticmethod
    def _report(told: Told, *, dry_run: bool) -> None:
        if told.capped:
            log.warning("answer_capped", reason=told.look, records=told.seen)
        if told.emitted:
            log.info("emitted", reason=told.look, records=told.seen, emitted=told.emitted, dry_run=dry_run)

    async def _emit(self, ids: Sequence[str], look: Look) -> None:
        trace = str(tracing.new())
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            records = [encode(self._event(one, look, trace)) for one in batch]
            topic = look.topic if isinstance(look, OwnEvents) else topics.EVENT_TOPICS[look.entity]
            await self._publisher.publish(topic, records)

    def _event(self, left_id: str, look: Look, trace: str) -> ChangeEvent:
        if isinstance(look, OwnEvents):
            return look.event(left_id, self._clock.now(), trace)
        return ChangeEvent(look.entity, left_id, Action.SYNC_CHECK, look.origin, self._clock.now(), traceparent=trace)


class WaitingStates:
    """`pending_sync`, `dirty`, `failed` that is due, `permanently_failed` after its rest, a forgotten `syncing`."""

    name = "waiting_state"
    origin: str = Origin.TICKER

    def __init__(
        self, lists: LeftLists, clock: Clock, *, stale_syncing: timedelta, watched: Watched = BETEILIGTE
    ) -> None:
        self.entity = watched.entity
        self._has_next_try = watched.has_next_try
        self._lists = lists
        self._clock = clock
        self._stale_syncing = stale_syncing

    async def find(self) -> Found:
        """What is synced meanwhile moves no page: the next one begins behind the last record, not at a count."""
        now = self._clock.now()
        where = (
            queries.in_waiting_states(now, self._stale_syncing) if self._has_next_try else queries.in_few_states(now)
        )
        return await self._portion(self._lists.matching(where))

    async def _portion(self, left: AsyncGenerator[str, None]) -> Found:
        ids, is_over = await _portion_of(left)
        return Found(ids, len(ids), rest=None if is_over else partial(self._portion, left))


class ByCursor:
    """A look at what changed since its cursor, or since a moment that a person names."""

    _since: datetime | None = None

    def look_back_to(self, since: datetime) -> None:
        self._since = since


class Modified(ByCursor):
    """Everything whose `modifiedAt` moved past the cursor: webhooks do get lost."""

    name = "modified"
    origin: str = Origin.TICKER

    def __init__(
        self, lists: LeftLists, store: SweepStore, clock: Clock, *, overlap: timedelta, entity: str = ENTITY
    ) -> None:
        self.entity = entity
        self.cursor = f"espocrm.{entity}.modified"
        self._lists = lists
        self._store = store
        self._clock = clock
        self._overlap = overlap

    async def find(self) -> Found:
        began = self._clock.now()
        previous = await self._store.cursor(self.cursor)
        since = self._since or schedule.start_of(previous, began, self._overlap)
        return await self._portion(began, previous, self._lists.changed_since(since))

    async def _portion(self, began: datetime, previous: str | None, left: AsyncGenerator[LeftRow, None]) -> Found:
        """The cursor follows portion by portion: a burst that one run does not get through is not begun anew."""
        rows, is_over = await _portion_of(left)
        our_user = await self._lists.our_user() if rows else None
        known = await self._store.left_changes_known([row.id for row in rows]) if rows else {}
        parked = await self._store.parked([row.id for row in rows]) if rows else ()
        value = schedule.next_cursor(previous, began, rows[-1].modified_at if rows else None, capped=not is_over)
        ids = selection.changed_by_others(rows, known, our_user, parked)
        rest = None if is_over else partial(self._portion, began, value, left)
        return Found(ids, len(rows), after=partial(self._store.move_cursor, self.cursor, value), rest=rest)


class ChangedAtDesk(ByCursor):
    """What a desk changed in Advoware: row ids that are not the ones that we know. What is parked has its own time."""

    entity = ENTITY
    name = "desk"
    origin: str = ADVOWARE
    cursor = f"advoware.{ENTITY}.changed"

    def __init__(self, lists: RightLists, store: SweepStore, clock: Clock, *, overlap: timedelta, limit: int) -> None:
        self._lists = lists
        self._store = store
        self._clock = clock
        self._overlap = overlap
        self._limit = limit

    async def find(self) -> Found:
        """An answer that can't be true is cut: the 24 h look finds what that leaves out."""
        began = self._clock.now()
        previous = await self._store.cursor(self.cursor)
        since = self._since or schedule.start_of(previous, began, self._overlap)
        most = schedule.believable(since, began, self._limit, MOST_ROWS)
        value = schedule.next_cursor(previous, began)
        return await self._portion(
            partial(self._store.move_cursor, self.cursor, value), most, self._lists.changed_since(since)
        )

    async def _portion(
        self, move_cursor: Callable[[], Awaitable[None]], most: int, left: AsyncGenerator[RightRow, None]
    ) -> Found:
        """The list has no order in time: the cursor moves with its end."""
        rows, is_over = await _portion_of(left, most)
        linked = await self._store.linked([row.id for row in rows]) if rows else {}
        versions = await self._store.right_versions_known(list(linked)) if linked else {}
        changed = selection.changed_at_a_desk(rows, linked, versions)
        parked = await self._store.parked(changed) if changed else ()
        ids = [one for one in changed if one not in parked]
        capped = not is_over and len(rows) >= most and await _has_more(left)
        if is_over or len(rows) >= most:
            return Found(ids, len(rows), capped, move_cursor)
        return Found(ids, len(rows), rest=partial(self._portion, move_cursor, most - len(rows), left))


_Shown = dict[tuple[str, str], str | None]
"""(noun, right id) → what it looked like: a row's row id, the fingerprint of a party's own rows."""


class RowsAtDesk:
    """Parties whose rows a desk changed or made: a look at the party finds which. No time tells of a row, so all are
    listed; what is missing in the list means nothing.

    What they look like is told once: where a look comes to nothing, that has its own next time, and a row that can't be
    taken over (empty, unreadable, refused by EspoCRM) is left alone until it moves.
    """

    entity = ENTITY
    name = "rows"
    origin: str = ADVOWARE

    def __init__(self, lists: RightLists, parties: SweepStore, stores: Mapping[Watched, SweepStore]) -> None:
        self._lists = lists
        self._parties = parties
        self._stores = stores
        self._told: _Shown = {}

    async def find(self) -> Found:
        return await self._portion({}, self._lists.with_rows(list(self._stores)))

    async def _portion(self, moved: _Shown, left: AsyncGenerator[PartyRow, None]) -> Found:
        rows, is_over = await _portion_of(left, BATCH)
        ids = await self._moved(rows, moved)
        if is_over:
            return Found(ids, len(rows), after=partial(self._remember, moved))
        return Found(ids, len(rows), rest=partial(self._portion, moved, left))

    async def _remember(self, moved: _Shown) -> None:
        self._told = moved

    async def _moved(self, parties: Sequence[PartyRow], moved: _Shown) -> list[str]:
        linked = await self._parties.linked([party.id for party in parties])
        ours = [party for party in parties if party.id in linked]
        lists = await self._with_moved_lists(ours, linked)
        shown = {(self.entity, party.id): (party.id, party.lists) for party in lists}
        for kind, store in self._stores.items():
            children = [right_id for party in ours for right_id in party.children.get(kind.entity, {})]
            known = await store.rows_known(children) if children else {}
            rows = selection.moved_rows(ours, kind.entity, known, imported=kind.imported)
            shown |= {(kind.entity, right_id): (party_id, version) for party_id, right_id, version in rows}
        moved.update((key, version) for key, (_, version) in shown.items())
        return [linked[party_id] for key, (party_id, version) in shown.items() if self._told.get(key) != version]

    async def _with_moved_lists(self, parties: Sequence[PartyRow], linked: Mapping[str, str]) -> list[PartyRow]:
        shown = [party.id for party in parties if party.lists]
        seen = await self._parties.lists_seen(shown) if shown else {}
        moved = selection.with_moved_lists(parties, seen)
        parked = await self._parties.parked([linked[party.id] for party in moved]) if moved else ()
        return [party for party in moved if linked[party.id] not in parked]


class NotLookedAt:
    """Linked records that nobody looked at for a day, longest ago first."""

    name = "not_looked_at"
    origin: str = Origin.TICKER

    def __init__(self, store: SweepStore, clock: Clock, *, age: timedelta, limit: int, entity: str = ENTITY) -> None:
        self.entity = entity
        self._store = store
        self._clock = clock
        self._age = age
        self._limit = limit

    async def find(self) -> Found:
        ids = await self._store.not_looked_at_since(self._clock.now() - self._age, self._limit)
        return Found(ids, len(ids))


class ParkedAndDue:
    """Parked records whose time has come. What was emitted is given a while to be dealt with, each time twice as long:
    events that a worker can't keep up with must not become more by that. What waits so takes no other's place.
    """

    name = "parked"
    origin: str = Origin.TICKER
    limit = 500
    most_waiting = 10_000
    patience = timedelta(seconds=60)
    longest = timedelta(minutes=16)

    def __init__(self, store: SweepStore, clock: Clock, *, entity: str = ENTITY) -> None:
        self.entity = entity
        self._store = store
        self._clock = clock
        self._emitted: dict[str, tuple[float, timedelta]] = {}

    async def find(self) -> Found:
        now = self._clock.now()
        due = await self._store.due(now, min(self.limit + len(self._emitted), self.most_waiting))
        self._emitted = {one: self._emitted[one] for one in due if one in self._emitted}
        ripe = [one for one in due if one not in self._emitted or self._is_over(*self._emitted[one])]
        fresh = ripe[: self.limit]
        return Found(fresh, len(due), after=partial(self._remember, fresh, self._clock.monotonic()))

    def _is_over(self, at: float, patience: timedelta) -> bool:
        return self._clock.monotonic() - at >= patience.total_seconds()

    async def _remember(self, ids: Sequence[str], at: float) -> None:
        for one in ids:
            before = self._emitted.get(one)
            self._emitted[one] = (at, min(before[1] * 2, self.longest) if before else self.patience)


Row = TypeVar("Row")


async def _portion_of(rows: AsyncGenerator[Row, None], most: int = PORTION) -> tuple[list[Row], bool]:
    """The next rows, and whether that was the end."""
    kept: list[Row] = []
    if most > 0:
        async for row in rows:
            kept.append(row)
            if len(kept) >= min(most, PORTION):
                return kept, False
    return kept, True


async def _has_more(rows: AsyncGenerator[Row, None]) -> bool:
    """Asks for one more, and ends the list."""
    async with aclosing(rows):
        return await anext(rows, None) is not None
