"""Push channels: opened by `events.watch`, never renewed by Google; a new one is opened before the old one ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from calendar_sync.adapters.google.client import Ask, GoogleClient
from calendar_sync.adapters.google.translation import UPSTREAM
from calendar_sync.domain.push import OpenChannel
from synckit.errors import RemoteRejected, RemoteUnavailable

GONE = frozenset({404, 410})


class GoogleChannels:
    """Channels on the events of a calendar."""

    def __init__(self, client: GoogleClient, account_for: Callable[[str], str]) -> None:
        self._client = client
        self.account_for = account_for

    async def watch(self, wanted: OpenChannel, url: str, token: str) -> OpenChannel:
        """Opens it with an id of ours; answers with Google's id of the resource, and the end that Google grants."""
        body = {
            "id": wanted.channel_id,
            "type": "web_hook",
            "address": url,
            "token": token,
            "expiration": str(int(wanted.expires_at.timestamp() * 1000)),
        }

        def build(service: Any) -> Any:
            return service.events().watch(calendarId=wanted.calendar_id, body=body, eventTypes=["default"])

        told = await self._client.call(Ask("events.watch", wanted.account, build))
        resource = told.get("resourceId") if isinstance(told, dict) else None
        if not isinstance(resource, str):
            raise RemoteUnavailable(UPSTREAM, "a channel without a resource", maybe_applied=True)
        return replace(wanted, resource_id=resource, expires_at=_end(told.get("expiration"), wanted.expires_at))

    async def stop(self, channel: OpenChannel) -> None:
        """One that is over is fine."""
        body = {"id": channel.channel_id, "resourceId": channel.resource_id}

        def build(service: Any) -> Any:
            return service.channels().stop(body=body)

        try:
            await self._client.call(Ask("channels.stop", channel.account, build))
        except RemoteRejected as error:
            if error.status not in GONE:
                raise


def _end(told: Any, wished: datetime) -> datetime:
    """Milliseconds as a text; nonsense, or a later one, is what we wished."""
    text = str(told or "")
    if not text.isdigit() or len(text) > 14:
        return wished
    return min(datetime.fromtimestamp(int(text) / 1000, UTC), wished)
