"""The fuse: after N bugs in a row on different records the worker stops, so that a bad deploy drains no topic."""

from __future__ import annotations

from collections.abc import Hashable


class Fuse:
    """Counts distinct keys, so that one poisonous record that comes back again and again can't blow it."""

    def __init__(self, blows_at: int = 5) -> None:
        self._blows_at = blows_at
        self._keys: set[Hashable] = set()
        self.blown = False

    def bug(self, key: Hashable) -> bool:
        """Another one. True where it blows (or had blown): this record must not go to the dead letters."""
        self._keys.add(key)
        if len(self._keys) >= self._blows_at:
            self.blown = True
        return self.blown

    def success(self) -> None:
        """Any run that ends as the handler meant it, errors of the taxonomy included."""
        if self._keys:
            self._keys.clear()
