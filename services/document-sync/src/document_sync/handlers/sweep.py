"""Files that no document has needed for a while are deleted at xAI."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from document_sync.handlers.acting import FileActs
from document_sync.handlers.parts import Parts
from synckit.errors import Locked

AT_ONCE = 200


class Unneeded(Protocol):
    """The list that the sweep goes through."""

    async def unneeded_files(self, before: datetime, most: int) -> Sequence[str]:
        """sha256 of files that nobody has needed since then, longest first."""


class Sweep:
    """`keep`: how long a file stays that nobody needs, for the case that it comes back."""

    def __init__(self, parts: Parts, *, keep: timedelta) -> None:
        self._parts = parts
        self._acts = FileActs(parts)
        self._keep = keep

    async def carry_out(self, unneeded: Unneeded) -> int:
        """How many were deleted. In a dry run none."""
        before = self._parts.clock.now() - self._keep
        found = [] if self._parts.dry else await unneeded.unneeded_files(before, AT_ONCE)
        return sum([await self._delete(sha256, before) for sha256 in found])

    async def _delete(self, sha256: str, before: datetime) -> bool:
        parts = self._parts
        try:
            async with parts.locks.hold(f"file:{sha256}") as held:
                file = await parts.store.open_file(sha256)
                since = file.unneeded_since
                is_needed = bool(file.placements) or any(one.sha256 == sha256 and one.wanted for one in file.standings)
                if since is None or since >= before or is_needed:
                    return False
                held.ensure()
                await self._acts.delete(file)
                return True
        except Locked:
            return False  # Somebody needs it just now, or deletes it.
