"""Remembers: every change of what we know of a record, each all or nothing and behind the fence."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from recordsync.decide.facts import link_as_seen
from recordsync.decide.refused import causes_of
from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.ports import Remotes
from recordsync.refusals import REJECTED, WHOLE
from recordsync.rules import Rules
from recordsync.steps import Close, LinkTo
from synckit.errors import SyncError
from synckit.ports import Attempted, Commit, Link, Parked, PendingNote
from synckit.reconcile.plan import Base, Side


def _refusals(causes: Collection[str]) -> frozenset[str]:
    """Refusals among the causes."""
    return frozenset(cause for cause in causes if cause.startswith((f"{REJECTED}:", f"{WHOLE}:")))


def _all_known(memory: Memory) -> frozenset[str]:
    return memory.standing | causes_of((*memory.rejections.values(), *memory.whole.values()))


def _outdated(memory: Memory) -> frozenset[str]:
    """Causes of refusals whose time is over, or of which there are newer ones."""
    known = {each.cause for each in (*memory.rejections.values(), *memory.whole.values())}
    return _refusals(memory.state.notes) - known


class Store:
    """Our memory of one entity's records, written to. Raises StaleVersion where a newer worker has taken over."""

    def __init__(self, remotes: Remotes, rules: Rules) -> None:
        self._remotes = remotes
        self._rules = rules

    async def announce(
        self, memory: Memory, attempted: tuple[Attempted, ...], notes: tuple[PendingNote, ...] = ()
    ) -> None:
        """What is about to be written, in place of what was announced before, and notes that tell of it."""
        everything = (*memory.overtaken, *attempted)
        await self._remotes.links.announce(memory.left_id, notes, everything, memory.state.fence)

    async def take_back(self, memory: Memory, causes: Collection[str]) -> Memory:
        """Notes that were announced, and are untrue."""
        change = Commit(memory.left_id, memory.state.fence, self._now(), clear_notes=tuple(causes))
        await self._remotes.links.commit(change)
        pending = tuple(n for n in memory.state.pending if n.cause not in causes)
        return replace(
            memory,
            told=tuple(n for n in memory.told if n.cause not in causes),
            causes=memory.causes - frozenset(causes),
            state=replace(memory.state, pending=pending),
        )

    async def link(self, step: LinkTo, memory: Memory, seen: Observation) -> tuple[Memory, Observation]:
        """The pair, in one transaction with the end of its intent."""
        seen = replace(seen, right=step.right, right_id=step.right.id)
        link = link_as_seen(memory, seen, self._rules, step.right)
        if step.result == "recovered":
            # The base is what was posted: the left may have been edited since, and this look be broken off.
            link = replace(link, left_seen_at=None)
        if step.result:
            memory = memory.noting(self._now(), step.result, side=Side.RIGHT.value)
        memory = replace(memory, result=step.result or memory.result, is_touched=True)
        memory = await self.commit(memory, link=link, base=step.base, unpark=False)
        return memory, seen

    async def park(self, memory: Memory, parked: Parked) -> Memory:
        """When it comes back."""
        await self._remotes.links.commit(Commit(memory.left_id, memory.state.fence, self._now(), park=parked))
        return replace(memory, state=replace(memory.state, parked=parked))

    async def commit(
        self,
        memory: Memory,
        *,
        link: Link | None = None,
        base: Base | None = None,
        unpark: bool = True,
        forget: bool = False,
    ) -> Memory:
        """In the middle of a look. A link takes the place of its intent."""
        now = self._now()
        await self._remotes.links.commit(
            Commit(
                left_id=memory.left_id,
                fence=memory.state.fence,
                at=now,
                link=link,
                base=base,
                attempted=memory.overtaken,
                drop_intent=link is not None,
                unpark=unpark and memory.state.parked is not None,
                raise_notes=tuple(memory.posted),
                journal=memory.journal,
                looked_at=now,
                forget=forget,
            )
        )
        state = memory.state
        state = replace(
            state,
            link=link or state.link,
            base=base if base is not None else state.base,
            intent=None if link is not None else state.intent,
        )
        return replace(
            memory,
            state=state,
            base=base if base is not None else memory.base,
            journal=(),
            is_unparked=memory.is_unparked or unpark,
        )

    async def close(self, step: Close, memory: Memory) -> Memory:
        """All that a look came to. `settled`: what did not come up again stands no longer."""
        now = self._now()
        earlier = memory.standing - _refusals(memory.standing) if step.tells_refusals else _all_known(memory)
        standing = step.standing | earlier
        causes = memory.causes | standing
        over = memory.known_causes if step.settled else _outdated(memory)
        await self._remotes.links.commit(
            Commit(
                left_id=memory.left_id,
                fence=memory.state.fence,
                at=now,
                link=step.link,
                base=step.base,
                attempted=memory.overtaken,
                drop_intent=step.link is not None,
                unpark=step.unpark and memory.state.parked is not None,
                park=step.park,
                raise_notes=tuple(memory.posted | standing),
                clear_notes=tuple(over - causes - memory.kept),
                journal=memory.journal,
                looked_at=now,
            )
        )
        state = replace(memory.state, link=step.link or memory.state.link)
        return replace(
            memory,
            state=state,
            journal=(),
            standing=standing,
            remembered=memory.remembered | memory.posted | standing,
            is_unparked=memory.is_unparked or step.unpark,
        )

    async def give_up(self, memory: Memory, over: Collection[str]) -> Memory:
        """After a parent's rows were looked at: what of them is told, stands, or is over."""
        now = self._now()
        await self._remotes.links.commit(
            Commit(
                left_id=memory.left_id,
                fence=memory.state.fence,
                at=now,
                raise_notes=tuple(memory.posted | memory.standing),
                clear_notes=tuple(over),
                journal=memory.journal,
                looked_at=now,
            )
        )
        return replace(memory, journal=(), remembered=memory.remembered | memory.posted | memory.standing)

    async def unpark(self, memory: Memory) -> Memory:
        """Where a look had nothing to remember, it must still not come back as parked for ever.

        A child that this look has put to sleep, until its parent is there, stays parked.
        """
        parked = memory.state.parked
        if parked is None or memory.is_unparked or not parked.is_due(self._now()):
            return memory
        return await self.commit(memory)

    async def journal(self, memory: Memory) -> Memory:
        """After a failure half-way: what was written stays written, and in the journal."""
        if not memory.journal:
            return memory
        change = Commit(memory.left_id, memory.state.fence, self._now(), journal=memory.journal)
        try:
            await self._remotes.links.commit(change)
        except SyncError:
            return memory
        return replace(memory, journal=())

    def _now(self) -> datetime:
        return self._remotes.clock.now()
