"""When to try again in place, and when the budget is spent. Pure: time and chance come in as numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff within a budget. All times in seconds; `jitter` 0.3 means ±30 %."""

    base: float = 0.5
    factor: float = 2.0
    cap: float = 10.0
    jitter: float = 0.3
    budget: float = 45.0
    max_attempts: int = 12

    def pause(self, attempts: int, chance: float) -> float:
        """The pause after the n-th failed try (from 1). `chance` is uniform in [0, 1)."""
        plain = min(self.cap, self.base * self.factor ** min(attempts - 1, 62))
        return plain * (1.0 + self.jitter * (2.0 * chance - 1.0))

    def next_delay(
        self, attempts: int, elapsed: float, retry_after: float | None, chance: float, *, known: bool = False
    ) -> float | None:
        """Seconds until the next try, never less than the remote's wish; None where the budget doesn't reach.

        `known`: that is no wish, but the time at which a try makes sense. Then it is neither made longer nor shorter.
        """
        if attempts >= self.max_attempts:
            return None
        delay = max(0.0 if known else self.pause(attempts, chance), retry_after or 0.0)
        return delay if elapsed + delay <= self.budget else None
