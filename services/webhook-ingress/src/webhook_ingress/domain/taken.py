"""Which bodies this process has taken, so that one that comes again can be called a repetition. Bounded, in memory.

A hint for whoever handles the events, never a reason to drop one: two equal bodies can be two changes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

KEPT = timedelta(hours=1)
"""EspoCRM sends a batch again four times, 10 minutes apart."""
MOST = 10_000


class Taken:
    """By the signature: an HMAC over the body with the webhook's own key is a digest of both."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._times: dict[str, datetime] = {}

    def before(self, seal: str, now: datetime) -> datetime | None:
        """When this body was taken last. None where it was not, or too long ago."""
        at = self._times.get(seal)
        return at if at is not None and now - at <= KEPT else None

    def add(self, seal: str, now: datetime) -> None:
        """Its events are with the broker. The oldest goes where there are too many."""
        if not seal:
            return
        self._times.pop(seal, None)
        self._times[seal] = now
        if len(self._times) > self._most:
            del self._times[next(iter(self._times))]
