"""Old news: an event that a completed look already knows of costs one read, not two. Nothing is believed unread.

The left side is read first. Only where it is exactly as both sides agreed, and nothing of the record is open, is the
right side left alone: what a desk did there is told by others, and this event does not speak of it.
"""

from __future__ import annotations

from synckit.engine.companion import Companion
from synckit.engine.look import Look
from synckit.engine.parentage import Parentage
from synckit.engine.writer import Writer
from synckit.ports import Link, Snapshot
from synckit.reconcile.plan import Side


class Repeats:
    """Asks whether a look may be cut short. Changes nothing, remembers nothing: `looked_at` is for whole looks."""

    def __init__(self, writer: Writer, parentage: Parentage, companion: Companion | None) -> None:
        self._writer = writer
        self._parentage = parentage
        self._companion = companion

    def may_be(self, look: Look) -> bool:
        """True where the left side is worth reading alone, before the right one."""
        state, told = look.state, look.cause.left_news
        if told is None or state.looked_at is None or told > state.looked_at:
            return False
        is_open = state.intent or state.parked or state.notes or state.pending or state.attempted or state.rivals
        return not is_open

    async def tells_nothing(self, look: Look, link: Link, left: Snapshot) -> bool:
        """True where the left side is as both sides agreed, and shows no trouble."""
        return (
            self._is_as_agreed(look, left)
            and self._is_clean(look, link, left)
            and await self._is_with_its_parent(look, link)
        )

    def _is_as_agreed(self, look: Look, left: Snapshot) -> bool:
        now, agreed = self._writer.values(Side.LEFT, left), look.base.left
        if not now or any(name not in agreed or agreed[name] != value for name, value in now.items()):
            return False
        return self._companion is None or self._companion.left_is_as_agreed(look.base, left)

    def _is_clean(self, look: Look, link: Link, left: Snapshot) -> bool:
        """In the record's own words, its link included."""
        shown = self._writer.mapping.link_attributes(link.right_id, link.right_version)
        now = look.clock.now()
        return not self._writer.states.settled(left.payload, shown, now, touched=False)

    async def _is_with_its_parent(self, look: Look, link: Link) -> bool:
        child = self._writer.mapping.child_of
        if child is None:
            return True
        await self._parentage.find(look)
        return look.has_parent and look.parent is not None and look.parent.right_id == child.parent_of(link.right_id)
