"""POSTs that are written down before they are sent, and waited for where they may still be under way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from synckit.engine.look import EngineSettings
from synckit.errors import Locked, RateLimited, RemoteRejected, RemoteUnavailable, TooEarly
from synckit.ports import Clock, Commit, Intent, Lease, LinkStore, Snapshot


class Posts:
    """Of one entity's records."""

    def __init__(self, links: LinkStore, clock: Clock, settings: EngineSettings) -> None:
        self._links = links
        self._clock = clock
        self._settings = settings

    async def send(
        self, lease: Lease, intent: Intent, fence: int, write: Callable[[], Coroutine[Any, Any, Snapshot]]
    ) -> Snapshot:
        """The intent is committed first, and taken back where nothing was done. Where that is not known, it stays."""
        await self._links.declare(intent, fence)
        try:
            self._ensure_in_time(intent)
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

        From before we asked: what lands while the answer is on its way is not in it.
        """
        wait = (intent.declared_at + self._settings.right_timeout - asked_at).total_seconds()
        if wait > 0:
            raise TooEarly(upstream, "an earlier POST may still arrive", retry_after=wait)

    async def drop(self, left_id: str, fence: int) -> None:
        """The intent is settled."""
        await self._links.commit(Commit(left_id, fence, self._clock.now(), drop_intent=True))

    def _ensure_in_time(self, intent: Intent) -> None:
        """A POST that is sent too long after its intent could land when nobody waits for it any more."""
        late = self._clock.now() - intent.declared_at
        if late > self._settings.right_timeout - self._settings.whole_call:
            raise RemoteUnavailable("postgres", "the intent took too long, nothing was sent")
