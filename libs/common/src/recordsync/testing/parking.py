"""A record that waits, for tests that begin with one."""

from __future__ import annotations

from synckit.ports import Commit, LinkStore, Parked


async def park(links: LinkStore, parked: Parked) -> None:
    """As the engine does it: under the newest fence."""
    fence = (await links.load(parked.left_id)).fence
    await links.commit(Commit(parked.left_id, fence, parked.due_at, park=parked))
