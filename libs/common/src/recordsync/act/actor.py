"""Carries one step out: remote writes while the lock is surely held, each safe to repeat, and then remembered.

Every method answers the memory and the facts as they are afterwards. It raises the taxonomy only, and then what was
done before it is in the memory that it was given.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from recordsync.act.intents import Posts
from recordsync.act.store import Store
from recordsync.act.telling import Teller
from recordsync.decide import not_taken
from recordsync.decide.deletion import NOTE_OWED
from recordsync.decide.facts import both, told_about
from recordsync.frozen import replace
from recordsync.lists import RowStore, RowWork, post_name
from recordsync.memory.look import Memory, newest_of
from recordsync.observation import UNASKED, Deletion, Observation
from recordsync.ports import Remotes
from recordsync.refusals import AGAIN_AFTER, refused
from recordsync.rules import Rules
from recordsync.steps import (
    Act,
    Announce,
    Close,
    DeleteRight,
    DropIntent,
    Engage,
    Forget,
    Learn,
    LinkTo,
    Patch,
    Post,
    Reason,
    Show,
    TakeBack,
    Wait,
    WriteLeft,
    WriteRight,
    WriteRow,
)
from synckit.errors import RemoteRejected, StaleVersion, SyncError, was_refused
from synckit.ports import Attempted, Intent, Lease, Parked, Payload, Snapshot
from synckit.reconcile.plan import Base, Canonical, Side

ALREADY_THERE = 409
IN_USE = 403
GONE = 404
Came = tuple[Memory, Observation]


class Actor:
    """For one record, as long as its lock is held."""

    def __init__(self, remotes: Remotes, rules: Rules, lease: Lease, rows: RowStore | None = None) -> None:
        self._remotes = remotes
        self._rules = rules
        self._lease = lease
        self._rows = rows
        self._store = Store(remotes, rules)
        self._teller = Teller(remotes, lease)
        self._posts = Posts(remotes.links, remotes.clock, rules.settings)

    async def act(self, step: Act, memory: Memory, seen: Observation) -> Came:  # noqa: C901, PLR0912 - one line a step
        """What came of it."""
        match step:
            case Learn():
                return step.memory, replace(seen, rejected=None, refused=seen.refused or step.refused)
            case Announce():
                return await self._announce(step, memory), seen
            case TakeBack():
                return await self._store.take_back(memory, step.causes), seen
            case Post():
                return await self._post(step, memory, seen)
            case LinkTo():
                return await self._link(step, memory, seen)
            case DropIntent():
                return await self._drop_intent(step, memory, seen)
            case Forget():
                return await self._forget(step, memory, seen)
            case WriteRight():
                return await self._write_right(step, memory, seen)
            case WriteRow():
                return await self._write_row(step.work, memory, seen)
            case WriteLeft():
                return await self._write_left(step, memory, seen)
            case DeleteRight():
                return await self._delete_right(step, memory, seen)
            case Show():
                return await self._show(step, memory, seen)
            case Wait():
                return await self._wait(step, memory, seen)
            case Engage():
                return await self._engage(step, memory, seen)
            case Close():
                return await self._close(step, memory, seen)

    async def _announce(self, step: Announce, memory: Memory) -> Memory:
        """A cause that still stands is not told again."""
        # A note that waits from an earlier look keeps its marker: it may have been posted under it.
        fresh = tuple(note for note in step.notes if note.cause not in memory.known_causes)
        if any(memory.has_moved(each.field) for each in step.attempted):
            # One entry a field: the new one would take with it what tells an earlier write of ours from an edit.
            # The notes come first: what is agreed, or given up, must not be stored without its note.
            await self._store.announce(memory, memory.attempted, fresh)
            # Two commits, notes before base: a crash between them leaves a note too many, never an overwritten value
            # untold.
            memory = await self._store.commit(replace(memory, attempted=()), base=memory.base, unpark=False)
            await self._store.announce(memory, step.attempted)
        elif fresh or step.attempted:
            await self._store.announce(memory, newest_of(memory.attempted, step.attempted), fresh)
        return replace(
            memory,
            attempted=newest_of(memory.attempted, step.attempted),
            told=(*memory.told, *fresh),
            causes=memory.causes | {note.cause for note in step.notes},
            notices=(),
            conflicts=memory.conflicts + step.conflicts,
        )

    async def _post(self, step: Post, memory: Memory, seen: Observation) -> Came:
        intent = Intent(memory.left_id, step.body, self._remotes.clock.now())
        fence = memory.state.fence
        try:
            made = await self._posts.send(self._lease, intent, fence, lambda: self._remotes.right.create(step.body))
        except RemoteRejected as exc:
            # 409 is an answer to "is it there?", and the next decision looks for whose it is.
            if exc.status != ALREADY_THERE:
                raise
            return memory, replace(seen, posted_in_vain=exc)
        memory = replace(memory, right_writes=memory.right_writes + 1, result="created")
        return memory, replace(seen, right=made, right_id=made.id)

    async def _link(self, step: LinkTo, memory: Memory, seen: Observation) -> Came:
        memory, seen = await self._store.link(step, memory, seen)
        return memory, seen

    async def _drop_intent(self, step: DropIntent, memory: Memory, seen: Observation) -> Came:
        if memory.state.intent is not None:
            await self._posts.drop(memory.left_id, memory.state.fence)
        state = replace(memory.state, intent=None)
        return replace(memory, state=state, claim=step.claim), replace(seen, found=UNASKED, posted_in_vain=None)

    async def _forget(self, step: Forget, memory: Memory, seen: Observation) -> Came:
        if step.patch:
            memory, seen = await self._patch(step.patch, memory, seen)
        if step.journal:
            memory = memory.noting(self._remotes.clock.now(), step.journal)
        memory = await self._store.commit(memory, forget=True)
        state = replace(memory.state, link=None, base=Base(), intent=None, parked=None, attempted=(), pending=())
        memory = replace(memory, state=state, base=Base(), result="unchanged")
        return memory, replace(seen, right=UNASKED, right_id="", right_again=False)

    async def _write_right(self, step: WriteRight, memory: Memory, seen: Observation) -> Came:
        _, right = both(seen)
        answer = await self._sent(Side.RIGHT, self._remotes.right.update(right.id, step.body), memory)
        memory = replace(memory, right_writes=memory.right_writes + 1, rounds=memory.rounds + 1, is_touched=True)
        memory = replace(memory, is_shown=False)
        now = self._rules.values(Side.RIGHT, answer)
        ignored = not_taken.found(step.writes, step.before, now, Side.RIGHT)
        memory = self._journal(memory, Side.RIGHT, step.writes, step.before, ignored)
        # What the answer shows is agreed on, and not what was sent: Advoware trims, cuts and ignores without a word.
        base = memory.base.agreeing({f: (r.left, now[f]) for f, r in step.writes.items() if f in now})
        memory = replace(memory, base=base)
        if ignored:
            memory = await self._untold(memory, Side.RIGHT, ignored)
            memory = not_taken.noticed(memory, ignored, step.before, Side.RIGHT, seen)
        return memory, replace(seen, right=answer)

    async def _write_row(self, work: RowWork, memory: Memory, seen: Observation) -> Came:
        _, right = both(seen)
        lists, rows = self._rules.lists, self._rows
        if lists is None or rows is None:
            raise AssertionError("a record without lists has no rows")
        if work.row is None:
            memory, stored = await self._post_row(rows, post_name(lists.prefix, work), work, right.id, memory)
        else:
            stored = await self._lease.during(rows.write(right.id, work.row, work.body))
        name = lists.prefix + lists.row_id(stored)
        memory = memory.noting(
            self._remotes.clock.now(),
            "write",
            field=name,
            side=Side.RIGHT.value,
            rule="list",
            after=repr(work.right),
        )
        memory = replace(
            memory,
            right_writes=memory.right_writes + 1,
            is_touched=True,
            is_shown=False,
            base=memory.base.agreeing({name: (work.left, work.right)}),
        )
        payload = lists.with_row(right.payload, stored)
        return memory, replace(seen, right=replace(right, payload=payload), lists_read=False)

    async def _post_row(
        self, rows: RowStore, name: str, work: RowWork, record_id: str, memory: Memory
    ) -> tuple[Memory, Payload]:
        """Nothing can be deleted there: who finds that one was sent waits for it before another one is."""
        others = tuple(each for each in memory.attempted if each.field != name)
        sent_at = self._remotes.clock.now()
        announced = Attempted(name, Side.RIGHT.value, work.left, work.right, sent_at)
        await self._store.announce(memory, (*others, announced))

        async def sent() -> Payload:
            try:
                return await rows.write(record_id, None, work.body)
            except SyncError as error:
                if was_refused(error):
                    with suppress(SyncError):
                        await self._store.announce(memory, others)
                raise

        stored = await self._lease.during(sent())
        return replace(memory, attempted=others), stored

    async def _write_left(self, step: WriteLeft, memory: Memory, seen: Observation) -> Came:
        memory, seen = await self._patch(step.patch, memory, seen)
        left, _ = both(seen)
        now = self._rules.values(Side.LEFT, left)
        ignored = not_taken.found(step.writes, step.before, now, Side.LEFT)
        memory = self._journal(memory, Side.LEFT, step.writes, step.before, ignored)
        # As on the right: the answer counts, EspoCRM changes what hooks and formulas make of it.
        base = memory.base.agreeing({f: (now[f], r.right) for f, r in step.writes.items() if f in now})
        if step.lists is not None:
            base = Base({**base.left, **step.lists.left}, {**base.right, **step.lists.right})
        # Entries that are yet to be tried are no surprise.
        rounds = memory.rounds + all(sieve.is_done for sieve in memory.sieves.values())
        sieves = {name: sieve.accepted() for name, sieve in memory.sieves.items()}
        memory = replace(memory, base=base, rounds=rounds, sieves=sieves, is_touched=False, is_shown=True)
        if ignored:
            memory = await self._untold(memory, Side.LEFT, ignored)
            memory = not_taken.noticed(memory, ignored, step.before, Side.LEFT, seen)
        return memory, replace(seen, lists_read=False)

    async def _patch(self, patch: Patch, memory: Memory, seen: Observation) -> Came:
        """PUTs a partial patch of the record itself."""
        try:
            answer = await self._sent(Side.LEFT, self._remotes.left.update(memory.left_id, dict(patch)), memory)
        except RemoteRejected as exc:
            # The next look decides about the deletion, with the brake: here it would be decided by one answer.
            if exc.status == GONE:
                raise StaleVersion("the record was deleted while it was synced") from None
            raise
        return replace(memory, left_writes=memory.left_writes + 1), replace(seen, left=answer)

    async def _delete_right(self, step: DeleteRight, memory: Memory, seen: Observation) -> Came:
        try:
            await self._lease.during(self._remotes.right.delete(step.right_id))
        except RemoteRejected as exc:
            memory = replace(memory, refused=(*memory.refused, refused(exc)))
            kept = Deletion.IN_USE if exc.status == IN_USE else Deletion.REFUSED
            return memory, replace(seen, deletion=kept)
        memory = replace(memory, right_writes=memory.right_writes + 1)
        memory = memory.noting(self._remotes.clock.now(), "deleted", side=Side.RIGHT.value)
        return memory, replace(seen, deletion=Deletion.DONE)

    async def _show(self, step: Show, memory: Memory, seen: Observation) -> Came:
        """Nothing is worth failing for here: a rival's own state says the same, and nothing else is written."""
        if step.patch and step.left_id == memory.left_id:
            try:
                memory, seen = await self._patch(step.patch, memory, seen)
            except RemoteRejected:
                raise
            except SyncError:
                pass
        elif step.patch:
            try:
                await self._lease.during(self._remotes.left.update(step.left_id, dict(step.patch)))
            except RemoteRejected as exc:
                memory = replace(memory, refused=(*memory.refused, refused(exc)))
        return replace(memory, shown_on=memory.shown_on | {step.left_id}), seen

    async def _wait(self, step: Wait, memory: Memory, seen: Observation) -> Came:
        if step.patch:
            memory, seen = await self._patch(step.patch, memory, seen)
        memory = await self._store.park(memory, step.parked)
        # A parent that was linked just before this found nobody waiting.
        return replace(memory, is_waiting=True), replace(seen, parent=UNASKED)

    async def _engage(self, step: Engage, memory: Memory, seen: Observation) -> Came:
        brake = self._remotes.brake
        if brake is None:
            raise AssertionError("without a ledger no source is held as a whole")
        now, limits = self._remotes.clock.now(), self._rules.settings.brake
        is_ours = await brake.engage(step.source, now, step.tally, limits)
        return memory, replace(seen, engaged=is_ours)

    async def _close(self, step: Close, memory: Memory, seen: Observation) -> Came:
        if step.patch:
            memory, seen = await self._shown(step, memory, seen)
        if step.tells:
            memory = await self.tell(memory, seen)
        now = self._remotes.clock.now()
        for name, details in step.journal:
            memory = memory.noting(now, name, **details)
        if step.owes and (frozenset(n.cause for n in (*memory.due, *memory.told)) - memory.posted):
            # A record that is given up is looked at by nobody again: it is parked while a note of it is owed.
            step = replace(step, park=Parked(memory.left_id, 0, now + AGAIN_AFTER, NOTE_OWED), unpark=False)
        if step.remembers:
            memory = await self._store.close(step, memory)
        is_unparked = memory.is_unparked or step.park is not None or memory.is_waiting
        return replace(memory, result=step.result, held_by=step.held_by, is_closed=True, is_unparked=is_unparked), seen

    async def _shown(self, step: Close, memory: Memory, seen: Observation) -> Came:
        try:
            return await self._patch(step.patch, memory, seen)
        except RemoteRejected:
            raise
        except SyncError:
            if not step.is_best_effort:
                raise
            return memory, seen

    async def show(self, patch: Patch, memory: Memory) -> None:
        """A state of the record, where it has one for that."""
        if patch:
            await self._lease.during(self._remotes.left.update(memory.left_id, dict(patch)))

    async def tell(self, memory: Memory, seen: Observation) -> Memory:
        """Posts what was announced."""
        return await self._teller.tell(memory, told_about(memory, seen))

    async def _sent(self, side: Side, write: Coroutine[Any, Any, Snapshot], memory: Memory) -> Snapshot:
        """Where the remote has certainly not done it, nothing was overwritten, and nobody is to be told that it was."""
        try:
            return await self._lease.during(write)
        except RemoteRejected:
            raise  # Decided about next, its notes included.
        except SyncError as exc:
            told = frozenset(n.cause for n in memory.told if n.side == side.value)
            if told and was_refused(exc):
                with suppress(SyncError):
                    await self._store.take_back(memory, told)
            raise

    async def _untold(self, memory: Memory, side: Side, fields: Mapping[str, Reason]) -> Memory:
        """Notes of writes that did not happen are untrue."""
        told = (*memory.told, *(n for n in memory.state.pending if n not in memory.due))
        causes = frozenset(n.cause for n in told if n.side == side.value and n.field in fields)
        return await self._store.take_back(memory, causes) if causes else memory

    def _journal(
        self, memory: Memory, side: Side, writes: Mapping[str, Reason], before: Canonical, ignored: Mapping[str, Reason]
    ) -> Memory:
        now = self._remotes.clock.now()
        for name, reason in writes.items():
            after = reason.left if side is Side.LEFT else reason.right
            step = "not_taken" if name in ignored else "write"
            memory = memory.noting(
                now,
                step,
                field=name,
                side=side.value,
                rule=reason.rule,
                before=repr(before.get(name)),
                after=repr(after),
            )
        return memory
