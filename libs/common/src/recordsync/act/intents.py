"""POSTs that are written down before they are sent, and taken back where nothing was done."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from recordsync.rules import EngineSettings
from synckit.errors import Locked, RateLimited, RemoteRejected, RemoteUnavailable, TooEarly
from synckit.ports import Clock, Commit, Intent, Lease, LinkStore, Snapshot


class Posts:
    """Of one entity's records. `clock` tells the store's time."""

    def __init__(self, links: LinkStore, clock: Clock, settings: EngineSettings) -> None:
        self._links = links
        self._clock = clock
        self._settings = settings

    async def send(
        self, lease: Lease, intent: Intent, fence: int, write: Callable[[], Coroutine[Any, Any, Snapshot]]
    ) -> Snapshot:
        """The intent is committed first, and taken back where nothing was done. Where that is not known, it stays."""
        asked = self._clock.monotonic()
        await self._links.declare(intent, fence)
        try:
            # From before the question, for the store may have timed the intent at any moment since.
            self._ensure_in_time(self._clock.monotonic() - asked)
            return await lease.during(write())
        except (RemoteRejected, RateLimited):
            await self.drop(intent.left_id, fence)
            raise
        except (RemoteUnavailable, Locked) as exc:
            if not exc.maybe_applied:
                await self.drop(intent.left_id, fence)
            raise

    def ensure_settled(self, intent: Intent, asked_at: datetime, upstream: str) -> None:
        """TooEarly where the POST may have landed after `asked_at`, when the remote knew nothing of it.

        Both by the store's time. From before we asked: what lands while the answer is on its way is not in it.
        """
        wait = (intent.declared_at + self._settings.right_timeout - asked_at).total_seconds()
        if wait > 0:
            raise TooEarly(upstream, "an earlier POST may still arrive", retry_after=wait)

    async def drop(self, left_id: str, fence: int) -> None:
        """The intent is settled."""
        await self._links.commit(Commit(left_id, fence, self._clock.now(), drop_intent=True))

    def _ensure_in_time(self, late: float) -> None:
        """A POST that is sent too long after its intent could land when nobody waits for it any more."""
        if late > (self._settings.right_timeout - self._settings.whole_call).total_seconds():
            raise RemoteUnavailable("postgres", "the intent took too long, nothing was sent")
