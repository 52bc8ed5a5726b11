"""Asks every system about one record, at once. Reads only; a system that is away costs its own answer alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from recordsync.explain.findings import JOURNAL_ROWS, Findings, Found, Remembered, Scan
from recordsync.explain.rows import Table
from recordsync.explain.words import trouble_of
from recordsync.memory.normal_forms import as_read_today
from synckit.errors import SyncError
from synckit.events import Record, dead_letter_topic
from synckit.ports import BrakeState, Clock, JournalEntry, RecordState, Snapshot

T = TypeVar("T")
RIVALS = 5


class Side(Protocol):
    """A remote, as far as it is asked here."""

    async def read(self, record_id: str) -> Snapshot | None: ...


class Memory(Protocol):
    """Our memory, looked at without a fence."""

    async def record(self, left_id: str) -> tuple[RecordState, Mapping[str, datetime]]: ...

    async def journal(self, left_id: str, limit: int) -> Sequence[tuple[int, JournalEntry]]: ...

    async def owner_of(self, right_id: str) -> str | None: ...

    async def right_id_of(self, entity: str, left_id: str) -> str | None: ...


class LockView(Protocol):
    async def seconds_left(self, name: str) -> float | None: ...


class BrakeView(Protocol):
    async def states(self) -> Sequence[BrakeState]: ...


class TopicView(Protocol):
    """Records of one key; how many were looked at; how many were left out."""

    async def waiting(self, topic: str, group: str, key: str) -> tuple[Sequence[Record], int, int]: ...

    async def buried(self, topic: str, key: str, since: datetime) -> tuple[Sequence[Record], int, int]: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the answers come from. `topic` has the entity's events, `group` consumes them.

    Without `locks` and `topics` nobody is asked who works on the record and what waits: neither changes a decision.
    """

    left: Side
    right: Side
    memory: Memory
    locks: LockView | None
    topics: TopicView | None
    clock: Clock
    topic: str = ""
    group: str = ""
    buried_days: int = 90
    brakes: BrakeView | None = None


async def gather(sources: Sources, table: Table, left_id: str) -> Findings:
    """Everything about one record. Raises nothing that a system's trouble could cause."""
    topic, topics = sources.topic, sources.topics
    since = sources.clock.now() - timedelta(days=sources.buried_days)
    memory, left, lock, waiting, buried, brakes = await asyncio.gather(
        _asked("postgres", _remembered(sources.memory, table, left_id)),
        _asked("espocrm", sources.left.read(left_id)),
        _asked("redis", sources.locks.seconds_left(f"{table.entity}:{left_id}")) if sources.locks else _nothing(),
        _asked("kafka", _scan(topics.waiting(topic, sources.group, left_id))) if topics else _none_seen(),
        _asked("kafka", _scan(topics.buried(dead_letter_topic(topic), left_id, since))) if topics else _none_seen(),
        _asked("postgres", sources.brakes.states()) if sources.brakes else _nothing(),
    )
    parent_id = await _parent_id(sources, left, table)
    right_id = _right_id(memory, left, table, parent_id)
    right, owner, rivals = await asyncio.gather(
        _asked("advoware", sources.right.read(right_id)) if right_id else _nothing(),
        _asked("postgres", sources.memory.owner_of(right_id)) if right_id else _nothing(),
        _rivals(sources, memory, table, (right_id, parent_id)),
    )
    return Findings(
        left_id=left_id,
        at=sources.clock.now(),
        memory=memory,
        left=left,
        right=right,
        right_id=right_id,
        parent_right_id=parent_id,
        owner=owner.value if owner.value != left_id else None,
        rivals=rivals,
        waits_for_parent=table.child_of is not None and not parent_id,
        lock=lock,
        waiting=waiting,
        buried=buried,
        buried_days=sources.buried_days,
        brakes=brakes,
    )


async def _parent_id(sources: Sources, left: Found[Snapshot], table: Table) -> str:
    """The right id of a child's parent, "" where it has none."""
    if table.child_of is None or left.value is None:
        return ""
    parent = str(left.value.payload.get(table.child_of.attribute) or "")
    found = await _asked("postgres", sources.memory.right_id_of(table.child_of.entity, parent))
    return found.value or ""


def _right_id(memory: Found[Remembered], left: Found[Snapshot], table: Table, parent_id: str) -> str | None:
    """The link's number. Without a live link the one that the left record claims itself."""
    link = memory.value.state.link if memory.value else None
    if link and not link.tombstone:
        return link.right_id
    if left.value is None or (table.child_of and not parent_id):
        return None
    return table.linked_to(left.value.payload, parent_id)


async def _rivals(
    sources: Sources, memory: Found[Remembered], table: Table, claimed: tuple[str | None, str]
) -> tuple[str, ...]:
    """Those that still claim our number today, as the engine asks."""
    known = memory.value.state.rivals[:RIVALS] if memory.value else ()
    read = await asyncio.gather(*(_asked("espocrm", sources.left.read(one)) for one in known))
    right_id, parent_id = claimed
    return tuple(
        one
        for one, found in zip(known, read, strict=True)
        if found.value and table.linked_to(found.value.payload, parent_id) == right_id
    )


async def _remembered(memory: Memory, table: Table, left_id: str) -> Remembered:
    state, times = await memory.record(left_id)
    return Remembered(as_read_today(table, state), times, await memory.journal(left_id, JOURNAL_ROWS))


async def _scan(asked: Awaitable[tuple[Sequence[Record], int, int]]) -> Scan:
    return Scan(*await asked)


async def _asked(upstream: str, question: Awaitable[T | None]) -> Found[T]:
    try:
        return Found(await question)
    except (SyncError, RuntimeError) as error:
        # RuntimeError: a database with another schema. What is asked here can't be a bug that must stop us.
        return Found(trouble=trouble_of(upstream, error))


async def _nothing() -> Found[T]:
    return Found()


async def _none_seen() -> Found[Scan]:
    return Found(Scan())
