"""What bugs prove. One is held until another record has succeeded after it; too many held at once stop the worker."""

from __future__ import annotations

from collections.abc import Hashable


class Fuse:
    """Counts distinct keys, so that one poisonous record that comes back again and again can't blow it."""

    def __init__(self, blows_at: int = 5) -> None:
        self._blows_at = blows_at
        self._keys: set[Hashable] = set()
        self.successes = 0
        self.blown = False

    def bug(self, key: Hashable) -> bool:
        """Another one. True where it blows (or had blown): nothing has succeeded between bugs on so many keys."""
        self._keys.add(key)
        if len(self._keys) >= self._blows_at:
            self.blown = True
        return self.blown

    def success(self) -> None:
        """A record was handled to its end: the bugs before it are those of their own records."""
        self.successes += 1
        self.blown = False
        self._keys.clear()
