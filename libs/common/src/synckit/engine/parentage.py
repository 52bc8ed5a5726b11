"""The child's side of a family: where its parent stands, and how it waits for one that is not linked yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from synckit.engine.look import Look
from synckit.engine.status import SyncStatus
from synckit.engine.writer import Writer
from synckit.errors import MappingError
from synckit.mapping.child import ChildOf
from synckit.ports import WAITS_FOR_PARENT, Commit, Link, Parked
from synckit.reconcile.plan import Side

PATIENCE = timedelta(hours=1)
"""A child that waits is looked at so often even if nobody tells of its parent."""


class Parentage:
    """Does nothing for an entity whose records stand alone."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._remotes = writer.remotes

    async def find(self, look: Look, link: Link | None = None) -> None:
        """Leaves the parent's link in `look.parent`, and the parent's left id in `look.about`."""
        child, parents = self._writer.mapping.child_of, self._remotes.parents
        if child is None or parents is None:
            return
        parent_id = look.left.payload.get(child.attribute) if look.left else None
        if look.left is None and link is not None:
            known = await parents.known([child.parent_of(link.right_id)])
            parent_id = next((p.left_id for p in sorted(known, key=lambda p: bool(p.tombstone))), None)
        look.about = str(parent_id or "")
        look.parent = await parents.peek(look.about) if look.about else None

    async def is_missing(self, look: Look) -> bool:
        """True where the record is a child, and its parent is not there yet: then it waits, which is no failure."""
        if self._writer.mapping.child_of is None:
            return False
        await self.find(look)
        return not look.has_parent and await self._wait(look)

    def require_the_same(self, look: Look, link: Link) -> None:
        """MappingError where a person gave the child to another parent: no row moves in Advoware."""
        child = self._writer.mapping.child_of
        if child is None or look.parent is None or look.parent.tombstone:
            return
        if look.parent.right_id != child.parent_of(link.right_id):
            raise MappingError("Beteiligter", Side.RIGHT.value, "kann dort nicht gewechselt werden")

    async def _wait(self, look: Look) -> bool:
        """False where the parent was linked meanwhile."""
        look.result = "waits_for_parent"
        if look.parent is not None and look.parent.tombstone == "right_gone":
            await self._follow(look)
        if not look.about:
            await self._writer.commit(look)
            return True
        now = look.clock.now()
        parked = Parked(look.left_id, 0, now + PATIENCE, WAITS_FOR_PARENT, look.about)
        await self._remotes.links.commit(Commit(look.left_id, look.state.fence, now, park=parked))
        look.state = replace(look.state, parked=parked)
        # A parent that was linked just before this found nobody waiting.
        await self.find(look)
        return not look.has_parent

    async def _follow(self, look: Look) -> None:
        shown = look.left.payload.get("syncStatus") if look.left else None
        if shown != SyncStatus.DELETED_IN_ADVOWARE.value:
            await self._writer.show(look, self._writer.states.gone(look.clock.now()))


def home_of(child: ChildOf | None, link: Link) -> str:
    """The parent's part of a child's right id, "" for a record that stands alone."""
    return child.parent_of(link.right_id) if child is not None else ""
