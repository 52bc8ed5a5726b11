"""Token buckets in memory, on a test's clock; `contract_buckets` holds them to those in Redis."""

from __future__ import annotations

from collections.abc import Sequence

from synckit.buckets import Charge, Level, ensure_possible, level_now, seconds_until
from synckit.errors import RemoteUnavailable
from synckit.ports import Clock


class FakeBuckets:
    """`synckit.buckets.Buckets`. `away` refuses as a Redis that does not answer; `taken` is all that was paid."""

    def __init__(self, clock: Clock) -> None:
        self.away = False
        self.taken: list[tuple[Charge, ...]] = []
        self._clock = clock
        self._levels: dict[str, Level] = {}

    async def take(self, charges: Sequence[Charge], *, within: float = 0.0) -> float:
        ensure_possible(charges, within)
        if self.away:
            raise RemoteUnavailable("redis", "away")
        now = self._clock.now().timestamp()
        levels = [level_now(each.bucket, self._levels.get(each.bucket.name), now) for each in charges]
        wait = max(seconds_until(*pair) for pair in zip(charges, levels, strict=True))
        paid = wait <= within
        for each, level in zip(charges, levels, strict=True):
            self._levels[each.bucket.name] = Level(level.tokens - (each.price if paid else 0.0), now)
        if paid:
            self.taken.append(tuple(charges))
        return wait

    def forget(self) -> None:
        """All of it, as a Redis that was started anew."""
        self._levels.clear()
