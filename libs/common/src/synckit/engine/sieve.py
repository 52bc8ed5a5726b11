"""Which entry of a list a remote refuses, where it says only that one of them is: halves are tried, each once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_TRIES = 16


@dataclass(slots=True)
class Sieve:
    """`queue`: groups of entries yet to be tried, the first of them now; what was taken before is no longer here."""

    queue: list[list[str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    tries: int = 0

    @property
    def kept_out(self) -> frozenset[str]:
        """Entries that are not to be sent now."""
        return frozenset(self.refused) | {name for group in self.queue[1:] for name in group}

    @property
    def is_done(self) -> bool:
        return not self.queue

    def refuse(self, tried: Sequence[str], *, fits: int = 0, is_full: bool = False) -> None:
        """What was tried is refused. `fits`: how many of them a list may still hold, as far as one can guess.

        `is_full`: it is refused for their number, so that a single one too many means all that are left.
        """
        self.tries += 1
        group = self.queue.pop(0) if self.queue else list(tried)
        if len(group) <= 1 or self.tries >= MOST_TRIES:
            self.refused += group
            if is_full or self.tries >= MOST_TRIES:
                self.refused += [name for rest in self.queue for name in rest]
                self.queue = []
            return
        at = fits if 0 < fits < len(group) else len(group) // 2
        self.queue = [group[:at], group[at:], *self.queue]

    def accept(self) -> None:
        """What was tried is taken."""
        if self.queue:
            self.queue.pop(0)
