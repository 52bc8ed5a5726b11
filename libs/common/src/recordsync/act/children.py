"""A parent's children: they go on when it is linked, and follow when it is gone.

A party's own payload shows its rows, so that a look at the party finds at no extra call what a desk did to them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from recordsync.act.actor import Actor
from recordsync.act.imports import NOT_IMPORTED, Children, Held, Imports, Stranger
from recordsync.decide.facts import there
from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.refusals import REJECTED
from recordsync.rules import EngineSettings
from recordsync.systems import CODES
from synckit.errors import SyncError
from synckit.events import Action, ChangeEvent, encode
from synckit.ports import Link, Publisher, Snapshot
from synckit.reconcile.plan import Side

Row = Mapping[str, Any]


class Family:
    """Called at the end of each look at a parent, while its lock is held."""

    def __init__(
        self, children: Sequence[Children], publisher: Publisher, settings: EngineSettings | None = None
    ) -> None:
        self._children = children
        self._publisher = publisher
        self._imports = Imports(settings or EngineSettings())

    def recalled(self, memory: Memory) -> Memory:
        """What a parent's memory holds of its rows is given up here, and not by the parent's own look."""
        known = memory.state.notes | {n.cause for n in memory.state.pending}
        heads = (f"{NOT_IMPORTED}:", *(f"{REJECTED}:{each.mapping.entity}/" for each in self._children))
        return replace(memory, kept=frozenset(cause for cause in known if cause.startswith(heads)))

    async def follow(
        self, memory: Memory, seen: Observation, held: Held, actor: Actor, before: Link | None
    ) -> AsyncIterator[Memory]:
        """The parent's memory after each effect. `before`: its link as the look found it.

        What a crash leaves out here, the ticker finds.
        """
        if _home(before) != _home(memory.link):
            for children in self._children:
                # The parent is done: its children are brought back by the ticker where the broker is away.
                with suppress(SyncError):
                    left_homes = [before.right_id] if before else []
                    ids = await children.links.family(memory.left_id, left_homes)
                    await self._wake(children, ids, memory, held, CODES[Side.LEFT])
        right = there(seen.right)
        if right is None or _home(memory.link) != right.id:
            return
        for children in self._children:
            async for each in self._compare(children, memory, seen, right, held):
                memory = each
                yield memory
        yield await self._told(memory, seen, held, actor)

    async def _told(self, memory: Memory, seen: Observation, held: Held, actor: Actor) -> Memory:
        """Of rows that are not taken over, once; and forgets those that are by now."""
        over = memory.kept - memory.causes
        memory = replace(memory, kept=frozenset())
        owed = any(n.cause.startswith(NOT_IMPORTED) for n in memory.state.pending)
        if owed or any(n.cause not in memory.posted for n in memory.told):
            memory = await actor.tell(memory, seen)
        if over or (memory.standing | memory.posted) - memory.remembered:
            memory = await held.store.give_up(memory, over)
        return memory

    async def _compare(
        self, children: Children, memory: Memory, seen: Observation, right: Snapshot, held: Held
    ) -> AsyncIterator[Memory]:
        rows = children.child.rows(right.payload, right.id)
        if not rows:
            return
        known = {link.right_id: link for link in await children.links.known(list(rows))}
        to_wake = [
            link.left_id
            for right_id, link in known.items()
            if not link.tombstone and link.right_version != str(rows[right_id]["rowId"])
        ]
        strangers: list[str] = []
        for right_id in (one for one in rows if one not in known):
            owner = await self._owner(children, right_id, rows[right_id])
            if owner:
                to_wake.append(owner)
            # Rows of a kind that is never taken over stay a desk's own.
            elif children.child.imported:
                strangers.append(right_id)
        for right_id in strangers:
            stranger = Stranger(children, right_id, rows[right_id])
            memory, left_id = await self._imports.take_over(memory, seen, held, stranger)
            to_wake += [left_id] if left_id else []
            yield memory
        await self._wake(children, to_wake, memory, held, CODES[Side.RIGHT])

    async def _owner(self, children: Children, right_id: str, row: Row) -> str:
        """The record that a row was made for, "" for a desk's own: a copy carries the mark of another row's record."""
        owner = children.child.owner(row)
        link = await children.links.peek(owner) if owner else None
        return owner if link is None or link.right_id == right_id else ""

    async def _wake(self, children: Children, ids: Sequence[str], memory: Memory, held: Held, origin: str) -> None:
        if not ids:
            return
        entity, now = children.mapping.entity, held.clock.now()
        trace = memory.cause.traceparent or None
        events = [ChangeEvent(entity, one, Action.SYNC_CHECK, origin, now, traceparent=trace) for one in ids]
        await self._publisher.publish(children.topic, [encode(event) for event in events])


def _home(link: Link | None) -> str:
    """Where children find their parent: its right id while it is there."""
    return link.right_id if link is not None and not link.tombstone else ""
