"""The tries in place are spent: when a record comes back, how that is shown, and who is told once if it goes on so."""

from __future__ import annotations

from dataclasses import replace

from synckit.engine import ladder, status
from synckit.engine.look import Look
from synckit.engine.notes import FAILED_FOR_GOOD, Wording, marker_of, single
from synckit.engine.status import SyncStatus
from synckit.engine.writer import Writer
from synckit.errors import SyncError
from synckit.ports import WAITS_FOR_PARENT, Commit, Parked
from synckit.reconcile.plan import Notice, NoticeKind


class Parking:
    """Called with the lock held."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._remotes = writer.remotes

    async def park(self, look: Look, error: SyncError) -> SyncStatus:
        """Answers the state that is to be shown. Raises where the parked row could not be written."""
        state = look.state
        now, parked = look.clock.now(), state.parked
        if parked is not None and not parked.is_due(now) and parked.reason != WAITS_FOR_PARENT:
            # Edits while it waits are tried at once, but they are no rungs: an outage is one cause, not many.
            return ladder.shown_after(parked.attempts)
        attempts = (parked.attempts if parked else 0) + 1
        shown, due_at = ladder.next_try(attempts, now)
        to_park = Parked(look.left_id, attempts, due_at, error.code, error.code)
        # At its first rung a record begins anew, and so does what its user was told.
        over = (FAILED_FOR_GOOD,) if attempts == 1 else ()
        await self._remotes.links.commit(Commit(look.left_id, state.fence, now, park=to_park, clear_notes=over))
        try:
            patch = self._writer.states.parked(shown, status.explain(error), attempts, due_at)
            look.left = await look.lease.during(self._remotes.left.update(look.left_id, patch))
            if shown is SyncStatus.PERMANENTLY_FAILED and FAILED_FOR_GOOD not in state.notes:
                await self._tell(look, error)
        except SyncError:
            pass  # The remote that failed may be the very one that shows it; the parked row brings the record back.
        return shown

    async def _tell(self, look: Look, error: SyncError) -> None:
        """What an outage or a kill leaves out here, the next parking tells."""
        link, child = look.state.link, self._writer.mapping.child_of
        if child is not None and look.left is not None:
            look.about = str(look.left.payload.get(child.attribute) or "")
        note = single(
            Notice(NoticeKind.PERMANENTLY_FAILED, detail=status.in_words(error)),
            Wording(self._writer.mapping, link.right_id if link else ""),
            self._writer.owner(look),
            marker_of(look.left_id, look.state.fence),
        )
        await self._writer.announce(look, (replace(note, cause=FAILED_FOR_GOOD),), look.state.attempted)
        await self._writer.tell(look)
        now, journal = look.clock.now(), tuple(look.journal)
        told = Commit(look.left_id, look.state.fence, now, raise_notes=tuple(look.posted), journal=journal)
        await self._remotes.links.commit(told)
