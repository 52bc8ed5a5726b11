"""How much of the proxy one caller may have: calls at once per key, and places that all callers share.

A shared place is taken when the whole request is here, so that nobody holds one by sending slowly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from advoware_proxy.domain.problem import Refused


class Places:
    """Counts; nobody waits for a place. `on_taken` is told how many of the shared ones are taken."""

    def __init__(self, shared: int, per_caller: int, on_taken: Callable[[int], None] = lambda _: None) -> None:
        self._on_taken = on_taken
        self._shared = shared
        self._per_caller = per_caller
        self._taken = 0
        self._by_caller: Counter[str] = Counter()

    @contextmanager
    def of_caller(self, key_id: str) -> Iterator[None]:
        """From the first look at a call to its last byte. Refused where the key has too many."""
        if self._by_caller[key_id] >= self._per_caller:
            raise Refused("at_once", retry_after=1)
        self._by_caller[key_id] += 1
        try:
            yield
        finally:
            self._by_caller[key_id] -= 1
            if not self._by_caller[key_id]:
                del self._by_caller[key_id]

    @contextmanager
    def carried(self) -> Iterator[None]:
        """While a call is carried out. Refused where all places are taken."""
        if self._taken >= self._shared:
            raise Refused("overloaded", retry_after=1)
        self._taken += 1
        self._on_taken(self._taken)
        try:
            yield
        finally:
            self._taken -= 1
            self._on_taken(self._taken)
