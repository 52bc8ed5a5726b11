"""The lease: leave to start work, for as long as the broker has heard from us within the session time-out.

A worker that was frozen, or cut off, has perhaps lost its partitions without knowing: it must ask first.
"""

from __future__ import annotations

from collections.abc import Callable

from synckit.worker.ports import boot_seconds


class Lease:
    """Renewed from the consumer's thread, asked from the event loop. `now` must go on while the process is stopped."""

    def __init__(self, seconds: float, now: Callable[[], float] = boot_seconds) -> None:
        self._seconds = seconds
        self._now = now
        self._renewed_at: float | None = None

    def now(self) -> float:
        return self._now()

    def renew(self, asked_at: float | None = None) -> None:
        """`asked_at`: when the heartbeat left, because that is the moment from which the broker may count."""
        at = self._now() if asked_at is None else asked_at
        if self._renewed_at is None or at > self._renewed_at:
            self._renewed_at = at

    def held(self) -> bool:
        renewed = self._renewed_at
        return renewed is not None and self._now() - renewed <= self._seconds
