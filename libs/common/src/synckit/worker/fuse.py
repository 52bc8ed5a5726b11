"""What bugs prove. One is held until another record has succeeded after it; too many held at once stop the worker."""

from __future__ import annotations

from collections.abc import Hashable


class Fuse:
    """Counts distinct keys, so that one poisonous record that comes back again and again can't blow it.

    `doubted`: `doubts_at` of them, and nothing has succeeded in between: the program may be wrong, or all of these
    records. Others that are tried then, one at a time, tell: where `probes` of them fail as well it is the program, and
    the fuse has `blown`.
    """

    def __init__(self, doubts_at: int = 5, probes: int = 0) -> None:
        self._doubts_at = doubts_at
        self._probes = probes
        self._keys: set[Hashable] = set()
        self._left = probes
        self._is_probing = False
        self.successes = 0
        self.doubted = False
        self.blown = False

    def reset(self) -> None:
        """Another generation: what was held is delivered again, and judged again."""
        self.doubted = self.blown = self._is_probing = False
        self._left = self._probes

    def probe(self) -> None:
        """Nothing runs but what is started now, in doubt."""
        self._is_probing = True

    def bug(self, key: Hashable) -> bool:
        """Another one. True where it blows (or had blown)."""
        if self._is_probing and key not in self._keys:
            self._left -= 1
        self._keys.add(key)
        if len(self._keys) >= self._doubts_at:
            self.doubted = True
        if self.doubted and self._left <= 0:
            self.blown = True
        return self.blown

    def success(self) -> None:
        """A record was handled to its end: the bugs before it are those of their own records."""
        self.successes += 1
        self.reset()
        self._keys.clear()
