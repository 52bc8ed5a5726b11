"""Which entry of a list a remote refuses, where it says only that one of them is: halves are tried, each once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_TRIES = 16


@dataclass(frozen=True, slots=True)
class Sieve:
    """`queue`: groups of entries yet to be tried, the first of them now; what was taken before is no longer here."""

    queue: tuple[tuple[str, ...], ...] = ()
    refused: tuple[str, ...] = ()
    tries: int = 0

    @property
    def kept_out(self) -> frozenset[str]:
        """Entries that are not to be sent now."""
        return frozenset(self.refused) | {name for group in self.queue[1:] for name in group}

    @property
    def is_done(self) -> bool:
        return not self.queue

    def without(self, tried: Sequence[str], *, fits: int = 0, is_full: bool = False) -> Sieve:
        """After what was tried was refused. `fits`: how many of them a list may still hold, as far as one can guess.

        `is_full`: it is refused for their number, so that a single one too many means all that are left.
        """
        tries, group = self.tries + 1, self.queue[0] if self.queue else tuple(tried)
        rest = self.queue[1:]
        if len(group) <= 1 or tries >= MOST_TRIES:
            if is_full or tries >= MOST_TRIES:
                return Sieve((), (*self.refused, *group, *(name for each in rest for name in each)), tries)
            return Sieve(rest, (*self.refused, *group), tries)
        at = fits if 0 < fits < len(group) else len(group) // 2
        return Sieve((group[:at], group[at:], *rest), self.refused, tries)

    def accepted(self) -> Sieve:
        """After what was tried was taken."""
        return Sieve(self.queue[1:], self.refused, self.tries)
