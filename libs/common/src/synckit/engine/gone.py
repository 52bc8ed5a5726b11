"""One side is gone: said twice before it is believed, remembered as a tombstone, never a deletion by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from synckit.engine.brake import SweepBrake
from synckit.engine.look import EngineSettings, Look
from synckit.engine.notes import is_due, marker_of, single
from synckit.engine.parentage import Parentage, home_of
from synckit.engine.refused import AGAIN_AFTER
from synckit.engine.status import SyncStatus
from synckit.engine.writer import Writer
from synckit.errors import MappingError, RemoteRejected
from synckit.ports import Link, Parked, RecordState, Snapshot
from synckit.reconcile.plan import EMPTY, Base, Canonical, Notice, NoticeKind, Side

RIGHT_GONE, LEFT_DELETED, DUPLICATE = "right_gone", "left_deleted", "duplicate"
GIVEN_UP = {Side.LEFT: (LEFT_DELETED,), Side.RIGHT: (RIGHT_GONE, LEFT_DELETED)}
"""Tombstones of a parent by which a side may know its rows no more."""
IN_USE = 403
NOTE_OWED = "note_owed"
"""Reason of the parked row of a record that was given up, and of which a note could be posted nowhere."""


class Undertaker:
    """Tombstones: set, kept, and taken back when a person has decided."""

    def __init__(self, writer: Writer, parentage: Parentage, brake: SweepBrake, settings: EngineSettings) -> None:
        self._writer = writer
        self._brake = brake
        self._parentage = parentage
        self._remotes = writer.remotes
        self._settings = settings

    async def right_gone(self, look: Look, right_id: str) -> bool:
        """False where the second read finds it after all. Never recreated, never deleted in EspoCRM."""
        await look.clock.sleep(self._settings.gone_pause.total_seconds())
        look.right = await self._remotes.right.read(right_id)
        if look.right is not None:
            return False
        if await self._is_held(look, Side.RIGHT, right_id):
            return True
        if look.parent is None or look.has_parent:
            await self._note(look, Notice(NoticeKind.DELETED_RIGHT, detail=f"Nr. {right_id}"))
        self._owe(look)
        await self._writer.show(look, self._writer.states.gone(look.clock.now()))
        await self._tell(look)
        self._writer.journal(look, RIGHT_GONE)
        link = self._writer.link_of(look, Snapshot(right_id, {}), tombstone=RIGHT_GONE)
        await self._writer.commit(look, link=link, settled=True)
        look.result = "deleted_right"
        return True

    async def left_gone(self, look: Look, link: Link) -> bool:
        """False where the second read finds it after all. Advoware keeps the party unless the office said otherwise."""
        await look.clock.sleep(self._settings.gone_pause.total_seconds())
        look.left = await self._remotes.left.read(look.left_id)
        if look.left is not None:
            return False
        await self._parentage.find(look, link)
        if await self._is_held(look, Side.LEFT, link.right_id):
            return True
        is_left_over = self._writer.mapping.child_of is None or look.right is not None
        kind = NoticeKind.DELETED_LEFT if is_left_over else None
        if self._settings.delete == "when-unused":
            kind = await self._delete_right(look, link)
        if kind:
            await self._note(look, Notice(kind, detail=f"Advoware Nr. {link.right_id}"), owner=link.owner_id)
        self._owe(look)
        await self._tell(look)
        self._writer.journal(look, LEFT_DELETED)
        # What we knew of a deleted record goes with it: the base is client data without a purpose from here on.
        await self._writer.commit(look, link=replace(link, tombstone=LEFT_DELETED), base=Base(), settled=True)
        look.result = "deleted_left"
        return True

    async def tell_what_is_owed(self, look: Look, link: Link) -> None:
        """Of a record that was given up, notes that nobody could be given: tried again, until they can."""
        if not look.state.pending:
            return
        await self._parentage.find(look, link)
        look.waiting = list(look.state.pending)
        await self._tell(look)
        await self._writer.commit(look, unpark=look.to_park is None)

    async def _tell(self, look: Look) -> None:
        """A record that is given up is looked at by nobody again: it is parked while a note of it is owed."""
        await self._writer.tell(look)
        owed = {n.cause for n in (*look.waiting, *look.notes)} - look.posted
        if owed:
            due_at = look.clock.now() + AGAIN_AFTER
            look.to_park = Parked(look.left_id, 0, due_at, NOTE_OWED)

    async def _is_held(self, look: Look, side: Side, right_id: str) -> bool:
        if look.parent is not None and look.parent.tombstone in GIVEN_UP[side]:
            return False  # The parent's loss, counted there: a row of it is none of its own.
        for_good = side is Side.LEFT and self._settings.delete == "when-unused"
        held = await self._brake.gone(look, side, right_id, for_good=for_good)
        if held is not None:
            await self._brake.hold(look, held)
        return held is not None

    async def entombed(self, look: Look, link: Link) -> RecordState | None:
        """A tombstone was found. The state to go on with where a person has decided, None where it stays."""
        look.left = await self._remotes.left.read(look.left_id)
        look.result = link.tombstone
        if look.left is None:
            return None
        await self._parentage.find(look)
        claimed = self._writer.mapping.linked_to(look.left.payload, home_of(self._writer.mapping.child_of, link))
        if link.tombstone == LEFT_DELETED:
            return replace(look.state, link=replace(link, tombstone=""))
        if link.tombstone == RIGHT_GONE:
            return await self._right_stays_gone(look, link, claimed)
        return await self._duplicate_stays(look, link, claimed)

    async def duplicate(self, look: Look, right_id: str, other: str) -> None:
        """Two left records claim one right record: neither is written, each names the other."""
        if look.left is None:
            raise AssertionError("a claim needs a left record")
        mine = self._writer.states.troubled(look.left.payload, SyncStatus.FAILED, self._claimed_by(right_id, other))
        await self._writer.mark(look, mine)
        rival = await self._remotes.left.read(other)
        if rival is not None:
            patch = self._writer.states.troubled(
                rival.payload, SyncStatus.FAILED, self._claimed_by(right_id, look.left_id)
            )
            if patch:
                await self._show_rival(look, other, patch)
        link = self._writer.link_of(look, Snapshot(right_id, {}), tombstone=DUPLICATE)
        self._writer.journal(look, DUPLICATE)
        await self._writer.commit(look, link=link)
        look.result = DUPLICATE

    async def _show_rival(self, look: Look, other: str, patch: dict[str, Any]) -> None:
        try:
            await look.lease.during(self._remotes.left.update(other, patch))
        except RemoteRejected as exc:
            # Its own state says so anyway; and nothing is written to either of them.
            look.note_refusal(exc)

    async def contested(self, look: Look, left: Snapshot, right_id: str) -> bool:
        """True where a rival still claims our right record: then nothing is written but the state."""
        for rival_id in look.state.rivals:
            rival = await self._remotes.left.read(rival_id)
            home = home_of(self._writer.mapping.child_of, Link(rival_id, right_id))
            if rival is not None and self._writer.mapping.linked_to(rival.payload, home) == right_id:
                patch = self._writer.states.troubled(
                    left.payload, SyncStatus.FAILED, self._claimed_by(right_id, rival_id)
                )
                await self._writer.mark(look, patch)
                await self._writer.commit(look)
                look.result = DUPLICATE
                return True
        return False

    async def _delete_right(self, look: Look, link: Link) -> NoticeKind | None:
        try:
            await look.lease.during(self._remotes.right.delete(link.right_id))
        except RemoteRejected as exc:
            look.note_refusal(exc)
            return NoticeKind.IN_USE if exc.status == IN_USE else NoticeKind.DELETED_LEFT
        look.right_writes += 1
        self._writer.journal(look, "deleted", side="right")
        return None

    async def _right_stays_gone(self, look: Look, link: Link, claimed: str | None) -> RecordState | None:
        if look.left is None:
            return None
        home = home_of(self._writer.mapping.child_of, link)
        if home and look.parent is not None and look.has_parent and look.parent.right_id != home:
            # A person let the parent be created again: its children begin anew with it.
            asked = {self._writer.mapping.link_attribute: None, "syncStatus": SyncStatus.PENDING.value}
            await self._writer.write_state(look, asked)
            return await self._forget(look)
        asked_again = look.left.payload.get("syncStatus") == SyncStatus.PENDING.value
        if claimed not in (None, link.right_id) or (claimed is None and asked_again):
            return await self._forget(look)
        if look.left.payload.get("syncStatus") != SyncStatus.DELETED_IN_ADVOWARE.value:
            await self._writer.show(look, self._writer.states.gone(look.clock.now()))
            await self._writer.commit(look)
        return None

    async def _duplicate_stays(self, look: Look, link: Link, claimed: str | None) -> RecordState | None:
        if look.left is None:
            return None
        owners = await self._remotes.links.linked([link.right_id])
        other = owners.get(link.right_id)
        if claimed != link.right_id or other is None:
            return await self._forget(look)
        patch = self._writer.states.troubled(
            look.left.payload, SyncStatus.FAILED, self._claimed_by(link.right_id, other)
        )
        await self._writer.mark(look, patch)
        return None

    async def _forget(self, look: Look) -> RecordState:
        await self._writer.commit(look, forget=True)
        return replace(look.state, link=None, base=Base(), intent=None, parked=None)

    async def _note(self, look: Look, notice: Notice, *, owner: str | None = None) -> None:
        user = owner or self._writer.owner(look)
        note = single(notice, self._writer.wording(look), user, marker_of(look.left_id, look.state.fence))
        await self._writer.announce(look, (note,))

    def _owe(self, look: Look) -> None:
        """What an earlier look overwrote and did not get to tell. On the side that is gone nobody can tell any more."""
        pending = [n for n in look.state.pending if n.field]
        if pending:
            left, right = self._shown(Side.LEFT, look.left), self._shown(Side.RIGHT, look.right)
            gone = [side.value for side, now in ((Side.LEFT, look.left), (Side.RIGHT, look.right)) if now is None]
            look.waiting = [n for n in pending if is_due(n, left, right, gone)]

    def _shown(self, side: Side, now: Snapshot | None) -> Canonical:
        """Nothing where it can't be read: a deletion is not to fail for that."""
        try:
            return self._writer.values(side, now) if now is not None else EMPTY
        except MappingError:
            return EMPTY

    def _claimed_by(self, right_id: str, other: str) -> str:
        name = self._writer.mapping.link_attribute
        return f"{name} {right_id} gehört auch zu {other}. Bitte zusammenführen oder die {name} berichtigen."
