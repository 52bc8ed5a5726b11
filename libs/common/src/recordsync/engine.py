"""One look at one record: lock, remember, then ask what is next until nothing is. Every step may be the last one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from recordsync.act import Actor
from recordsync.act.children import Family
from recordsync.act.imports import Held
from recordsync.act.parking import Parking
from recordsync.act.store import Store
from recordsync.clock import StoreTime
from recordsync.companion import Companion
from recordsync.decide import decide
from recordsync.decide.facts import there
from recordsync.frozen import replace
from recordsync.mapping.field import EntityMapping
from recordsync.memory.look import Cause, Memory, Outcome, begin
from recordsync.memory.normal_forms import as_read_today
from recordsync.observation import Observation, Rejected
from recordsync.observe import Observer
from recordsync.ports import Remotes
from recordsync.refusals import StillRefused, refused
from recordsync.rules import EngineSettings, Rules
from recordsync.states import SyncStatus
from recordsync.steps import Act, Done, Observe, Stop
from recordsync.systems import CODES
from synckit.errors import (
    AuthenticationRefused,
    CredentialsRefused,
    Locked,
    PermanentError,
    RemoteRejected,
    SyncError,
    TransientError,
)
from synckit.ports import Lease, Link, RecordState
from synckit.reconcile.plan import Side

MAX_STEPS = 500
"""More than any record needs, rows included: a decision that never comes to its end is a bug, and is seen as one."""
Known = tuple[Memory, Observation]


@dataclass(frozen=True, slots=True)
class Working:
    """What a look works with while its record is locked."""

    observer: Observer
    actor: Actor
    held: Held


class Engine:
    """Syncs one record of one entity at a time. Webhook, tick, replay, retry and a person's click all come here."""

    def __init__(
        self,
        mapping: EntityMapping,
        remotes: Remotes,
        settings: EngineSettings | None = None,
        family: Family | None = None,
        companion: Companion | None = None,
    ) -> None:
        lists = companion.lists if companion is not None else None
        self.rules = Rules(mapping, settings or EngineSettings(), lists, has_ledger=remotes.brake is not None)
        self._rows = companion.rows if companion is not None else None
        self._remotes = remotes
        self._family = family

    async def sync(self, left_id: str, cause: Cause | None = None) -> Outcome:
        """Looks at one record and brings both sides in step.

        Raises TransientError where it is worth trying again; what can't be mended by trying again is shown in the
        record's own state and is an Outcome. PermanentError only where not even that could be written.
        """
        async with self._remotes.locks.hold(f"{self.rules.mapping.entity}:{left_id}") as lease:
            remotes, state = await self._remembered(left_id, lease)
            memory = begin(left_id, state, cause or Cause(), remotes.clock.now())
            if self._family is not None:
                memory = self._family.recalled(memory)
            observer = Observer(left_id, remotes, self.rules)
            actor = Actor(remotes, self.rules, lease, self._rows)
            held = Held(lease, remotes.clock, Store(remotes, self.rules), self.rules)
            return await self._look(memory, Observation(remotes.clock.now()), Working(observer, actor, held))

    async def park(self, left_id: str, error: SyncError) -> SyncStatus:
        """The tries in place are spent: remember when to come back, and show it as far as that goes.

        Raises where even remembering fails: then the caller waits, a stalled partition is better than a lost event.
        """
        async with self._remotes.locks.hold(f"{self.rules.mapping.entity}:{left_id}") as lease:
            remotes, state = await self._remembered(left_id, lease)
            return await Parking(remotes, self.rules, lease).park(left_id, state, error)

    async def _remembered(self, left_id: str, lease: Lease) -> tuple[Remotes, RecordState]:
        """What we know of the record, and the ports with the time of who remembers it."""
        state = as_read_today(self.rules.mapping, await self._remotes.links.load(left_id))
        # The fence is only worth something if the lock was still ours when it was taken.
        lease.ensure()
        return replace(self._remotes, clock=StoreTime(state.at, self._remotes.clock)), state

    async def _look(self, memory: Memory, seen: Observation, working: Working) -> Outcome:
        """Decide, then ask or act, until nothing is left to do."""
        before, store = memory.link, working.held.store
        try:
            for _ in range(MAX_STEPS):
                match step := decide(memory, seen, self.rules):
                    case Stop():
                        raise step.error
                    case Done():
                        family = None if memory.is_followed or seen.refused is not None else self._family
                        if family is None:
                            memory = await store.unpark(memory)
                            return (await store.journal(memory)).outcome()
                        memory, seen = await _followed(family, memory, seen, working, before)
                    case _:
                        memory, seen = await _done(step, memory, seen, working)
        except AuthenticationRefused as error:
            # Nobody's record is wrong: it waits until a person has mended the credentials.
            await store.journal(memory)
            raise CredentialsRefused(error.upstream, "credentials refused", retry_after=error.retry_after) from None
        except TransientError as error:
            memory = await store.journal(memory)
            await self._show_waiting(working, memory, seen, error)
            raise
        raise AssertionError("a look that never comes to its end")

    async def _show_waiting(self, working: Working, memory: Memory, seen: Observation, error: TransientError) -> None:
        """`syncing` while a retry is due on Advoware. Trouble of any other kind leaves EspoCRM alone."""
        if not isinstance(error, Locked) and getattr(error, "upstream", "") != CODES[Side.RIGHT]:
            return
        left = there(seen.left)
        shown = left.payload.get("syncStatus") if left is not None else SyncStatus.SYNCING.value
        if shown not in (SyncStatus.SYNCING.value, SyncStatus.DELETED_IN_ADVOWARE.value):
            with suppress(SyncError):
                await working.actor.show(self.rules.states.syncing(), memory)


async def _done(step: Observe | Act, memory: Memory, seen: Observation, working: Working) -> Known:
    """What is known after a step. What a remote refuses is a fact like any other."""
    try:
        if isinstance(step, Observe):
            seen = await working.observer.observe(seen, step)
            return _counted(memory, seen), seen
        return await working.actor.act(step, memory, seen)
    except AuthenticationRefused:
        raise
    except RemoteRejected as error:
        if isinstance(step, Observe):
            raise
        return memory, replace(seen, rejected=Rejected(error, step))
    except PermanentError as error:
        if seen.refused is not None:
            raise seen.refused from None
        return replace(memory, is_closed=False), replace(seen, refused=error)


async def _followed(family: Family, memory: Memory, seen: Observation, working: Working, before: Link | None) -> Known:
    """A parent's children, once the parent itself is done. What was done for them is in the journal in every case."""
    try:
        async for each in family.follow(memory, seen, working.held, working.actor, before):
            memory = each
    except AuthenticationRefused:
        raise
    except PermanentError as error:
        return replace(memory, is_closed=False, is_followed=True), replace(seen, refused=error)
    except TransientError:
        await working.held.store.journal(memory)
        raise
    return replace(memory, is_followed=True), seen


def _counted(memory: Memory, seen: Observation) -> Memory:
    """Also what was only asked, and refused. What was counted where it was refused is not counted twice."""
    error = seen.refused
    if not isinstance(error, RemoteRejected) or isinstance(error, StillRefused):
        return memory
    if (error.upstream, error.status) in [(each.upstream, each.status) for each in memory.refused]:
        return memory
    return replace(memory, refused=(*memory.refused, refused(error)))
