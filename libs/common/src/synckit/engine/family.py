"""The parent's side of a family: children go on when their parent is linked, and follow when it is gone.

A party's own payload shows its rows, so that a look at the party finds at no extra call what a desk did to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from synckit.engine.look import EngineSettings, Look
from synckit.engine.posts import Posts
from synckit.errors import MappingError, RemoteRejected, SyncError
from synckit.events import Action, ChangeEvent, Origin, encode
from synckit.mapping.child import ChildOf
from synckit.mapping.field import EntityMapping
from synckit.ports import IMPORT, FindableStore, Intent, JournalEntry, Link, LinkStore, Publisher, Snapshot
from synckit.reconcile.plan import Side
from synckit.topics import EVENT_TOPICS

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kin:
    """The ports of one entity of children."""

    mapping: EntityMapping
    links: LinkStore
    left: FindableStore

    @property
    def child(self) -> ChildOf:
        if self.mapping.child_of is None:
            raise AssertionError("a record that stands alone is nobody's kin")
        return self.mapping.child_of


class Family:
    """Called at the end of each look at a parent, while its lock is held."""

    def __init__(self, kin: Sequence[Kin], publisher: Publisher, settings: EngineSettings | None = None) -> None:
        self._kin = kin
        self._publisher = publisher
        self._settings = settings or EngineSettings()

    async def follow(self, look: Look, before: Link | None) -> None:
        """`before`: the parent's link as the look found it. What a crash leaves out here, the ticker finds."""
        if _home(before) != _home(look.link):
            for kin in self._kin:
                # The parent is done: its children are brought back by the ticker where the broker is away.
                with suppress(SyncError):
                    left_homes = [before.right_id] if before else []
                    await self._wake(kin, await kin.links.family(look.left_id, left_homes), look, Origin.ESPOCRM)
        if look.right is not None and _home(look.link) == look.right.id:
            for kin in self._kin:
                await self._compare(kin, look, look.right.payload, look.right.id)

    async def _compare(self, kin: Kin, look: Look, payload: Row, parent_id: str) -> None:
        rows = _rows(kin.child, payload, parent_id)
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
        imported = [await self._import(kin, look, right_id, rows[right_id]) for right_id in strangers]
        await self._wake(kin, [*moved, *made_for, *filter(None, imported)], look, Origin.ADVOWARE)

    async def _owner(self, kin: Kin, right_id: str, row: Row) -> str:
        """The record that a row was made for, "" for a desk's own: a copy carries the mark of another row's record."""
        owner = kin.child.owner(row)
        link = await kin.links.peek(owner) if owner else None
        return owner if link is None or link.right_id == right_id else ""

    async def _import(self, kin: Kin, look: Look, right_id: str, row: Row) -> str | None:
        """A row that a desk made becomes a left record, once: the record itself says which row it is.

        Its own look links the two, which ends the intent. None where it is not taken over.
        """
        if not kin.child.imported:
            return None
        try:
            body = kin.mapping.for_left(kin.mapping.read(Side.RIGHT, row))
        except MappingError:
            return None
        if not body:
            return None
        claims = kin.mapping.link_attributes(right_id, str(row["rowId"]))
        belongs = {kin.mapping.link_attribute: claims[kin.mapping.link_attribute], kin.child.attribute: look.left_id}
        asked = Intent(f"{IMPORT}{right_id}", belongs, look.clock.now())
        there = await kin.left.find(belongs)
        if there:
            return there[0]
        try:
            made = await self._post(kin, look, asked, {**body, **claims, **belongs, "syncStatus": "pending_sync"})
        except RemoteRejected as exc:
            self._journal(look, "not_imported", kin, str(exc.status))
            return None
        look.left_writes += 1
        self._journal(look, "imported", kin, "")
        return made.id

    async def _post(self, kin: Kin, look: Look, asked: Intent, new: Row) -> Snapshot:
        """`asked`: the intent as it would be from when we asked for the record, and EspoCRM had none."""
        posts, key = Posts(kin.links, self._settings), asked.left_id
        state = await kin.links.load(key)
        if state.intent is not None:
            posts.ensure_settled(state.intent, asked.declared_at, "espocrm")
            await posts.drop(look, key, state.fence)
        intent = replace(asked, declared_at=look.clock.now())
        return await posts.send(look, intent, state.fence, lambda: kin.left.create(new))

    async def _wake(self, kin: Kin, ids: Sequence[str], look: Look, origin: Origin) -> None:
        if not ids:
            return
        entity, now = kin.mapping.entity, look.clock.now()
        trace = look.cause.traceparent or None
        events = [ChangeEvent(entity, one, Action.SYNC_CHECK, origin, now, traceparent=trace) for one in ids]
        await self._publisher.publish(EVENT_TOPICS[entity], [encode(event) for event in events])

    def _journal(self, look: Look, step: str, kin: Kin, rule: str) -> None:
        at, cause = look.clock.now(), look.cause
        look.journal.append(
            JournalEntry(
                at, step, kin.mapping.entity, "left", rule, event_id=cause.event_id, traceparent=cause.traceparent
            )
        )


def _home(link: Link | None) -> str:
    """Where children find their parent: its right id while it is there."""
    return link.right_id if link is not None and not link.tombstone else ""


def _rows(child: ChildOf, payload: Row, parent_id: str) -> dict[str, Row]:
    """The rows that a parent's payload shows, by right id. What has no number or no row id is no row."""
    shown: list[Any] = next((payload[name] for name in child.inline if isinstance(payload.get(name), list)), [])
    whole = [row for row in shown if isinstance(row, dict) and row.get("id") and row.get("rowId")]
    return {child.right_id(parent_id, str(row["id"])): row for row in whole}
