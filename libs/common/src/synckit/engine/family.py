"""The parent's side of a family: children go on when their parent is linked, and follow when it is gone.

A party's own payload shows its rows, so that a look at the party finds at no extra call what a desk did to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from synckit.engine.imports import NOT_IMPORTED, Imports, Kin, Stranger
from synckit.engine.look import EngineSettings, Look
from synckit.engine.refused import REJECTED
from synckit.engine.writer import Writer
from synckit.errors import SyncError
from synckit.events import Action, ChangeEvent, Origin, encode
from synckit.ports import Link, Publisher, Snapshot
from synckit.topics import EVENT_TOPICS

Row = Mapping[str, Any]

__all__ = ["Family", "Kin"]


class Family:
    """Called at the end of each look at a parent, while its lock is held."""

    def __init__(self, kin: Sequence[Kin], publisher: Publisher, settings: EngineSettings | None = None) -> None:
        self._kin = kin
        self._publisher = publisher
        self._imports = Imports(settings or EngineSettings())

    def recall(self, look: Look) -> None:
        """What a parent's memory holds of its rows is this one's to give up, and not the parent's own look's."""
        known = look.state.notes | {n.cause for n in look.state.pending}
        heads = (f"{NOT_IMPORTED}:", *(f"{REJECTED}:{kin.mapping.entity}/" for kin in self._kin))
        look.kept = {cause for cause in known if cause.startswith(heads)}

    async def follow(self, look: Look, before: Link | None, writer: Writer) -> None:
        """`before`: the parent's link as the look found it. What a crash leaves out here, the ticker finds."""
        if _home(before) != _home(look.link):
            for kin in self._kin:
                # The parent is done: its children are brought back by the ticker where the broker is away.
                with suppress(SyncError):
                    left_homes = [before.right_id] if before else []
                    await self._wake(kin, await kin.links.family(look.left_id, left_homes), look, Origin.ESPOCRM)
        if look.right is not None and _home(look.link) == look.right.id:
            for kin in self._kin:
                await self._compare(kin, look, look.right, writer)
            await self._tell(look, writer)

    async def _tell(self, look: Look, writer: Writer) -> None:
        """Of rows that are not taken over, once; and forgets those that are by now."""
        look.over, look.kept = look.kept - look.causes, set()
        owed = [n for n in look.state.pending if n.cause.startswith(NOT_IMPORTED)]
        if any(n.cause not in look.posted for n in look.notes) or owed:
            await writer.tell(look)
        if look.over or look.standing - look.remembered or look.posted - look.remembered:
            await writer.commit(look, unpark=False)

    async def _compare(self, kin: Kin, look: Look, parent: Snapshot, writer: Writer) -> None:
        rows = kin.child.rows(parent.payload, parent.id)
        if not rows:
            return
        known = {link.right_id: link for link in await kin.links.known(list(rows))}
        moved = [
            link.left_id
            for right_id, link in known.items()
            if not link.tombstone and link.right_version != str(rows[right_id]["rowId"])
        ]
        owners = {
            right_id: await self._owner(kin, right_id, row) for right_id, row in rows.items() if right_id not in known
        }
        made_for = [owner for owner in owners.values() if owner]
        strangers = [right_id for right_id, owner in owners.items() if not owner]
        imported = [
            await self._imports.take_over(look, writer, Stranger(kin, right_id, rows[right_id]))
            for right_id in (strangers if kin.child.imported else ())
        ]
        await self._wake(kin, [*moved, *made_for, *filter(None, imported)], look, Origin.ADVOWARE)

    async def _owner(self, kin: Kin, right_id: str, row: Row) -> str:
        """The record that a row was made for, "" for a desk's own: a copy carries the mark of another row's record."""
        owner = kin.child.owner(row)
        link = await kin.links.peek(owner) if owner else None
        return owner if link is None or link.right_id == right_id else ""

    async def _wake(self, kin: Kin, ids: Sequence[str], look: Look, origin: Origin) -> None:
        if not ids:
            return
        entity, now = kin.mapping.entity, look.clock.now()
        trace = look.cause.traceparent or None
        events = [ChangeEvent(entity, one, Action.SYNC_CHECK, origin, now, traceparent=trace) for one in ids]
        await self._publisher.publish(EVENT_TOPICS[entity], [encode(event) for event in events])


def _home(link: Link | None) -> str:
    """Where children find their parent: its right id while it is there."""
    return link.right_id if link is not None and not link.tombstone else ""
