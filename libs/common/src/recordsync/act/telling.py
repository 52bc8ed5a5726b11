"""Notes to users: posted once each, kept where nobody can be told, tried again until somebody can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.notes import compose
from recordsync.ports import Remotes
from recordsync.refusals import refused
from synckit.errors import RemoteRejected
from synckit.ports import Lease, PendingNote

UNDELIVERABLE = "undeliverable:"
"""Before a time in seconds: the cause of a record whose notes could be posted nowhere then."""
A_DAY = 86_400
MOST_PENDING = 20


class Teller:
    """For one record, as long as its lock is held."""

    def __init__(self, remotes: Remotes, lease: Lease) -> None:
        self._remotes = remotes
        self._lease = lease

    async def tell(self, memory: Memory, about: str) -> Memory:
        """Posts what was announced: now, or by an earlier look that did not get to it. `about`: on whose stream.

        What can be posted nowhere stays pending. It is tried again a day later, or along with the next new note.
        """
        again = tuple(n for n in memory.state.pending if n.cause in memory.causes and n not in memory.due)
        done = memory.posted | memory.undeliverable
        memory, waiting = self._bounded(memory, [n for n in (*memory.due, *again) if n.cause not in done])
        memory = replace(memory, causes=memory.causes | {n.cause for n in waiting})
        if new := [n for n in memory.told if n.cause not in done]:
            memory = await self._post_notes(memory, about, new)
        since = undeliverable_since(memory, self._remotes.clock.now())
        if waiting and since and not memory.posted:
            return replace(memory, standing=memory.standing | {since}, causes=memory.causes | {since})
        for marker in {n.marker: None for n in waiting}:
            those = [n for n in waiting if n.marker == marker]
            if await self._remotes.notifier.told(about, marker):
                memory = replace(memory, posted=memory.posted | {n.cause for n in those})
            else:
                memory = await self._post_notes(memory, about, those)
        return memory

    def _bounded(self, memory: Memory, waiting: list[PendingNote]) -> tuple[Memory, list[PendingNote]]:
        """The newest. Where nobody can be told, the oldest of many are given up, and that is in the journal."""
        now = self._remotes.clock.now()
        for note in waiting[:-MOST_PENDING]:
            memory = memory.noting(now, "note_given_up", rule=note.cause.partition(":")[0])
            memory = replace(memory, causes=memory.causes - {note.cause})
        return memory, waiting[-MOST_PENDING:]

    async def _post_notes(self, memory: Memory, about: str, notes: Sequence[PendingNote]) -> Memory:
        causes = frozenset(n.cause for n in notes)
        try:
            told = self._remotes.notifier.tell(about, notes[0].owner_id, compose(notes))
            await self._lease.during(told)
        except RemoteRejected as exc:
            # Nobody can be told (no user, no right, the record is gone): a note must not fail a sync that is done.
            if not memory.undeliverable:
                now = self._remotes.clock.now()
                memory = memory.noting(now, "note_refused", rule=str(exc.status))
                cause = f"{UNDELIVERABLE}{int(now.timestamp())}"
                memory = replace(
                    memory,
                    standing=memory.standing | {cause},
                    causes=memory.causes | {cause},
                    refused=(*memory.refused, refused(exc)),
                )
            return replace(memory, undeliverable=memory.undeliverable | causes)
        return replace(memory, posted=memory.posted | causes)


def undeliverable_since(memory: Memory, now: datetime) -> str:
    """The cause that says that notes could be posted nowhere within the last day, "" where it is time to try."""
    since = [cause for cause in memory.state.notes if cause.startswith(UNDELIVERABLE) and not memory.is_asked]
    return next((cause for cause in since if now.timestamp() - int(cause.removeprefix(UNDELIVERABLE)) < A_DAY), "")
