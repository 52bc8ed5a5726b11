"""The hand of the engine: every write, each after the lease was asked, each with its line in the journal."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from synckit.engine.look import Look, Remotes
from synckit.engine.notes import Wording, compose
from synckit.engine.refusals import Refusals
from synckit.engine.refused import StillRefused
from synckit.engine.status import States
from synckit.errors import RemoteRejected, StaleVersion, SyncError, was_refused
from synckit.mapping.field import EntityMapping
from synckit.ports import Attempted, Commit, JournalEntry, Link, PendingNote, RecordState, Snapshot
from synckit.reconcile.plan import Base, Canonical, Plan, Side

OWNER = "assignedUserId"
UNDELIVERABLE = "undeliverable:"
"""Before a time in seconds: the cause of a record whose notes could be posted nowhere then."""
A_DAY = 86_400
MOST_PENDING = 20


class Writer:
    """Writes for one entity. All methods raise the taxonomy only."""

    def __init__(self, mapping: EntityMapping, remotes: Remotes) -> None:
        self.mapping = mapping
        self.remotes = remotes
        self.states = States(mapping.state)
        self.refusals = Refusals(mapping)

    def wording(self, look: Look, *, readable: bool = True) -> Wording:
        """How the notes of this look are worded. `readable`: the record's own values can be made something of."""
        link = look.state.link
        right_id = look.right.id if look.right else (link.right_id if link else "")
        record = self.values(Side.LEFT, look.left) if look.left and readable else look.base.left
        return Wording(self.mapping, right_id, record)

    def owner(self, look: Look) -> str | None:
        """The user to tell, as the record itself says; for a child its parent's."""
        if self.mapping.child_of is not None:
            link = look.parent or look.state.link
            return link.owner_id if link else None
        return look.left.payload.get(OWNER) if look.left else None

    def values(self, side: Side, snapshot: Snapshot) -> Canonical:
        """A snapshot in its side's canonical form."""
        known = snapshot.canonical.get(side)
        if known is None:
            known = snapshot.canonical[side] = self.mapping.read(side, snapshot.payload)
        return known

    async def write_right(self, look: Look, plan: Plan) -> bool:
        """PUTs the whole record, as read, with the plan's fields over it. False where none of them has a place there.

        A first name, where the desk has made a company of the person meanwhile.
        """
        _, right = look.pair()
        before = self.values(Side.RIGHT, right)
        patch = self.mapping.patch(Side.RIGHT, before, plan.right_writes)
        if not patch:
            return False
        body = self.mapping.whole_right(right.payload, patch)
        self.ensure_not_refused(look, Side.RIGHT, body)
        look.right = await self._sent(look, Side.RIGHT, self.remotes.right.update(right.id, body))
        look.right_writes += 1
        self._journal_fields(look, plan, Side.RIGHT, before, plan.right_writes)
        return True

    async def write_left(self, look: Look, patch: dict[str, Any]) -> None:
        """PUTs a partial patch, without what is known to be refused. Nothing where that leaves nothing."""
        patch = self.refusals.stripped(look, patch)
        if not patch:
            return
        self.ensure_not_refused(look, Side.LEFT, patch)
        try:
            look.left = await self._sent(look, Side.LEFT, self.remotes.left.update(look.left_id, patch))
        except RemoteRejected as exc:
            if exc.status == 404:
                raise StaleVersion("the record was deleted while it was synced") from None
            raise
        look.left_writes += 1

    async def write_state(self, look: Look, patch: dict[str, Any]) -> None:
        """A patch of states alone, as far as EspoCRM takes them. RemoteRejected where it takes nothing at all."""
        while True:
            try:
                await self.write_left(look, patch)
                return
            except RemoteRejected as exc:
                if isinstance(exc, StillRefused):
                    raise
                look.note_refusal(exc)
                # Each time one attribute less is sent: it ends.
                if not self.refusals.of_attributes(look, exc, look.sent):
                    self.refusals.of_all(look, exc, Side.LEFT, look.sent)
                    raise

    async def show(self, look: Look, patch: dict[str, Any]) -> None:
        """A state, where a note tells the same: that EspoCRM does not take it is counted, and no more."""
        with suppress(RemoteRejected):
            await self.write_state(look, patch)

    def ensure_not_refused(self, look: Look, side: Side, body: Mapping[str, Any]) -> None:
        """RemoteRejected without a call where the very same was refused, and it is too early to try again."""
        look.sent = body
        known = self.refusals.known(look, side, body)
        if known is not None:
            raise known

    async def _sent(self, look: Look, side: Side, write: Coroutine[Any, Any, Snapshot]) -> Snapshot:
        """Where the remote has certainly not done it, nothing was overwritten, and nobody is to be told that it was."""
        try:
            return await look.lease.during(write)
        except SyncError as exc:
            told = [n for n in look.notes if n.side == side.value]
            if told and was_refused(exc):
                with suppress(SyncError):
                    await self.take_back(look, told)
            raise

    async def take_back(self, look: Look, notes: Sequence[PendingNote]) -> None:
        """Notes that were announced, and are untrue."""
        causes = {n.cause for n in notes}
        look.notes = [n for n in look.notes if n.cause not in causes]
        look.causes -= causes
        pending = tuple(n for n in look.state.pending if n.cause not in causes)
        look.state = replace(look.state, pending=pending)
        at = look.clock.now()
        await self.remotes.links.commit(Commit(look.left_id, look.state.fence, at, clear_notes=tuple(causes)))

    def journal_left(self, look: Look, plan: Plan, before: Canonical) -> None:
        """The plan's writes to the left, once they are done."""
        self._journal_fields(look, plan, Side.LEFT, before, plan.left_writes)

    def journal(self, look: Look, step: str, **details: str) -> None:
        """A step that is not about one field."""
        at = look.clock.now()
        cause = look.cause
        look.journal.append(JournalEntry(at, step, event_id=cause.event_id, traceparent=cause.traceparent, **details))

    async def announce(self, look: Look, notes: tuple[PendingNote, ...], attempted: tuple[Attempted, ...] = ()) -> None:
        """Writes down what is about to happen. A cause that still stands is not told again."""
        look.causes |= {n.cause for n in notes}
        # A note that waits from an earlier look keeps its marker: it may have been posted under it.
        known = look.state.notes | look.posted | {n.cause for n in (*look.state.pending, *look.notes)}
        fresh = [n for n in notes if n.cause not in known]
        if fresh or attempted:
            await self.remotes.links.announce(look.left_id, fresh, attempted, look.state.fence)
            look.notes += fresh

    async def tell(self, look: Look) -> None:
        """Posts what was announced: now, or by an earlier look that did not get to it.

        What can be posted nowhere stays pending. It is tried again a day later, or along with the next new note.
        """
        again = [n for n in look.state.pending if n.cause in look.causes and n not in look.waiting]
        done = look.posted | look.undeliverable
        waiting = self._bounded(look, [n for n in look.waiting + again if n.cause not in done])
        look.causes |= {n.cause for n in waiting}
        if new := [n for n in look.notes if n.cause not in done]:
            await self._post(look, new)
        if waiting and (since := self._undeliverable_since(look)) and not look.posted:
            look.standing.add(since)
            look.causes.add(since)
            return
        for marker in {n.marker: None for n in waiting}:
            those = [n for n in waiting if n.marker == marker]
            if await self.remotes.notifier.told(look.about or look.left_id, marker):
                look.posted |= {n.cause for n in those}
            else:
                await self._post(look, those)

    def _undeliverable_since(self, look: Look) -> str:
        """The cause that says that notes could be posted nowhere within the last day, "" where it is time to try."""
        since = [each for each in look.state.notes if each.startswith(UNDELIVERABLE) and not look.is_asked]
        now = look.clock.now().timestamp()
        return next((cause for cause in since if now - int(cause.removeprefix(UNDELIVERABLE)) < A_DAY), "")

    def _bounded(self, look: Look, waiting: list[PendingNote]) -> list[PendingNote]:
        """The newest. Where nobody can be told, the oldest of many are given up, and that is in the journal."""
        for note in waiting[:-MOST_PENDING]:
            self.journal(look, "note_given_up", rule=note.cause.partition(":")[0])
            look.causes.discard(note.cause)
        return waiting[-MOST_PENDING:]

    async def commit(
        self,
        look: Look,
        *,
        link: Link | None = None,
        base: Base | None = None,
        settled: bool = False,
        unpark: bool = True,
        forget: bool = False,
    ) -> None:
        """Remembers what this look came to, all or nothing. A link takes the place of its intent.

        `settled`: the look went through to its end, so a cause that did not come up again stands no longer.
        """
        now = look.clock.now()
        known = look.state.notes | {n.cause for n in look.state.pending}
        done = (known - look.causes if settled else self.refusals.outdated(look)) - look.kept
        await self.remotes.links.commit(
            Commit(
                left_id=look.left_id,
                fence=look.state.fence,
                at=now,
                link=link,
                base=base,
                drop_intent=link is not None,
                unpark=unpark and look.state.parked is not None,
                park=look.to_park,
                raise_notes=tuple(look.posted | look.standing),
                clear_notes=(*done, *look.over),
                journal=tuple(look.journal),
                looked_at=now,
                forget=forget,
            )
        )
        look.journal.clear()
        look.remembered |= look.posted | look.standing
        look.unparked = look.unparked or unpark
        look.link = link or (None if forget else look.link)

    async def unpark(self, look: Look) -> None:
        """Where a look had nothing to remember, it must still not come back as parked for ever.

        A child that this look has put to sleep, until its parent is there, stays parked.
        """
        parked = look.state.parked
        if parked is not None and not look.unparked and parked.is_due(look.clock.now()):
            await self.commit(look)

    async def commit_journal(self, look: Look) -> None:
        """After a failure half-way: what was written stays written, and in the journal."""
        if not look.journal:
            return
        change = Commit(look.left_id, look.state.fence, look.clock.now(), journal=tuple(look.journal))
        try:
            await self.remotes.links.commit(change)
        except SyncError:
            return

    async def mark(self, look: Look, patch: dict[str, Any]) -> None:
        """A state for the user, as far as it goes: it never hides the error that led here."""
        try:
            await self.write_state(look, patch)
        except SyncError:
            return

    def link_of(self, look: Look, right: Snapshot, *, tombstone: str = "") -> Link:
        """The link as both sides stand after the last write."""
        known = look.state.link
        owner = self.owner(look) or (known.owner_id if known else None)
        return Link(
            left_id=look.left_id,
            right_id=right.id,
            right_version=right.version,
            left_changed_at=look.left.changed_at if look.left and look.left_writes else self._known_change(look),
            tombstone=tombstone,
            owner_id=owner,
            left_seen_at=look.left.changed_at if look.left else (known.left_seen_at if known else None),
            right_changed_at=right.changed_at or (known.right_changed_at if known else None),
            left_written_by=self._writer_of(look),
        )

    def by_hand(self, look: Look, plan: Plan) -> str:
        """Which fields a person has to bring in step at a desk, because we can't."""
        left, right = look.pair()
        now_left = {**self.values(Side.LEFT, left), **plan.left_writes}
        now_right = self.values(Side.RIGHT, right)
        known = [p for p in self.mapping.policies if p.name in now_left and p.name in now_right]
        apart = [
            p.label
            for p in known
            if self.mapping.posts(p.name) and p.is_open_between(now_left[p.name], now_right[p.name])
        ]
        return f"Am Arbeitsplatz in Advoware nachzutragen: {', '.join(apart)}." if apart else ""

    async def _post(self, look: Look, notes: list[PendingNote]) -> None:
        try:
            told = self.remotes.notifier.tell(look.about or look.left_id, notes[0].owner_id, compose(notes))
            await look.lease.during(told)
        except RemoteRejected as exc:
            # Nobody can be told (no user, no right, the record is gone): a note must not fail a sync that is done.
            if not look.undeliverable:
                self.journal(look, "note_refused", rule=str(exc.status))
                cause = f"{UNDELIVERABLE}{int(look.clock.now().timestamp())}"
                look.standing.add(cause)
                look.causes.add(cause)
                look.note_refusal(exc)
            look.undeliverable |= {n.cause for n in notes}
        else:
            look.posted |= {n.cause for n in notes}

    @staticmethod
    def _writer_of(look: Look) -> str | None:
        """Our own user, where the left shows that its last change is ours."""
        known, left = look.state.link, look.left
        if left is None:
            return known.left_written_by if known else None
        is_ours = look.left_writes or (
            known is not None and (known.left_seen_at, known.left_written_by) == (left.changed_at, left.changed_by)
        )
        return left.changed_by if is_ours else None

    @staticmethod
    def _known_change(look: Look) -> Any:
        return look.state.link.left_changed_at if look.state.link else None

    def _journal_fields(self, look: Look, plan: Plan, side: Side, before: Canonical, writes: Canonical) -> None:
        rules = {d.field: d.rule.value for d in plan.decisions}
        for name, value in writes.items():
            self.journal(
                look,
                "write",
                field=name,
                side=side.value,
                rule=rules.get(name, ""),
                before=repr(before.get(name)),
                after=repr(value),
            )


def linked(state: RecordState, link: Link, base: Base) -> RecordState:
    """What is remembered once a link has been committed."""
    return replace(state, link=link, base=base, intent=None)
