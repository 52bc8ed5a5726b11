"""The tries in place are spent: when a record comes back, how that is shown, and who is told once if it goes on so."""

from __future__ import annotations

from recordsync.act.actor import Actor
from recordsync.decide import backoff
from recordsync.decide.facts import owner_of, there
from recordsync.frozen import replace
from recordsync.memory.look import Cause, Memory, begin
from recordsync.notes import FAILED_FOR_GOOD, Wording, marker_of, single
from recordsync.observation import Observation, Parent
from recordsync.ports import Remotes
from recordsync.rules import Rules
from recordsync.states import SyncStatus, explain, in_words
from recordsync.steps import Announce
from synckit.errors import SyncError
from synckit.ports import WAITS_FOR_PARENT, Commit, Lease, Parked, RecordState
from synckit.reconcile.plan import Notice, NoticeKind


class Parking:
    """For one record, as long as its lock is held."""

    def __init__(self, remotes: Remotes, rules: Rules, lease: Lease) -> None:
        self._remotes = remotes
        self._rules = rules
        self._lease = lease

    async def park(self, left_id: str, state: RecordState, error: SyncError) -> SyncStatus:
        """Answers the state that is to be shown. Raises where the parked row could not be written."""
        now, parked = self._remotes.clock.now(), state.parked
        if parked is not None and not parked.is_due(now) and parked.reason != WAITS_FOR_PARENT:
            # Edits while it waits are tried at once, but they are no rungs: an outage is one cause, not many.
            return backoff.shown_after(parked.attempts)
        attempts = (parked.attempts if parked else 0) + 1
        shown, due_at = backoff.next_try(attempts, now)
        to_park = Parked(left_id, attempts, due_at, error.code, error.code)
        # At its first rung a record begins anew, and so does what its user was told.
        over = (FAILED_FOR_GOOD,) if attempts == 1 else ()
        await self._remotes.links.commit(Commit(left_id, state.fence, now, park=to_park, clear_notes=over))
        try:
            patch = self._rules.states.parked(shown, explain(error, self._rules.mapping), attempts, due_at)
            left = await self._lease.during(self._remotes.left.update(left_id, patch))
            if shown is SyncStatus.PERMANENTLY_FAILED and FAILED_FOR_GOOD not in state.notes:
                await self._tell(begin(left_id, state, Cause(), now), Observation(now, left=left), error)
        except SyncError:
            pass  # The remote that failed may be the very one that shows it; the parked row brings the record back.
        return shown

    async def _tell(self, memory: Memory, seen: Observation, error: SyncError) -> None:
        """What an outage or a kill leaves out here, the next parking tells."""
        child, left = self._rules.mapping.child_of, there(seen.left)
        if child is not None and left is not None:
            seen = replace(seen, parent=Parent(str(left.payload.get(child.attribute) or ""), None))
        right_id = memory.link.right_id if memory.link else ""
        note = single(
            Notice(NoticeKind.PERMANENTLY_FAILED, detail=in_words(error)),
            Wording(self._rules.mapping, right_id),
            owner_of(memory, seen, self._rules),
            marker_of(memory.left_id, memory.state.fence),
        )
        actor = Actor(self._remotes, self._rules, self._lease)
        announced = Announce((replace(note, cause=FAILED_FOR_GOOD),))
        memory, seen = await actor.act(announced, memory, seen)
        memory = await actor.tell(memory, seen)
        now, told = self._remotes.clock.now(), tuple(memory.posted)
        change = Commit(memory.left_id, memory.state.fence, now, raise_notes=told, journal=memory.journal)
        await self._remotes.links.commit(change)
