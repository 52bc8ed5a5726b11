"""Push channels: who watches which calendar, and the messages that go out. They have no body, only headers."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from sandbox.google.errors import GoogleError, invalid, not_found, required
from sandbox.google.tokens import Actor
from sandbox.google.world import Calendar, World

ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}\Z")
LIFETIME, LONGEST = timedelta(seconds=604800), timedelta(days=30)
MOST_TOKEN = 256
TRIES = (0.2, 1.0, 5.0)
TIMEOUT = aiohttp.ClientTimeout(total=10)
MOST_SENT, MOST_WAITING = 1000, 1000


@dataclass
class Channel:
    """One subscription. `number` counts its messages."""

    id: str
    calendar_id: str
    resource_id: str
    address: str
    token: str | None
    expires: datetime
    uri: str
    owner: str
    number: int = 0
    delivered: int = 0
    failed: int = 0
    waiting: deque[tuple[str, int]] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    task: asyncio.Task[None] | None = None

    def as_row(self) -> dict[str, Any]:
        """For the control API."""
        shown = ("id", "calendar_id", "resource_id", "address", "owner", "number", "delivered", "failed")
        return {name: getattr(self, name) for name in shown} | {
            "expires": self.expires.isoformat(),
            "pending": len(self.waiting) + (self.task is not None and not self.task.done()),
        }


class Channels:
    """`lossy`: every n-th message after the first is lost, as Google warns; 0 loses none."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, Channel] = {}
        self._used: set[str] = set()
        self._session: aiohttp.ClientSession | None = None
        self.lossy = 0
        world.listeners.append(self.tell)

    def add_to(self, app: web.Application) -> None:
        """End all deliveries with the app."""
        app.on_shutdown.append(self._close)

    def open(self, calendar: Calendar, given: Mapping[str, Any], actor: Actor, uri: str) -> dict[str, Any]:
        """events.watch; the first message is `sync`."""
        channel_id, address = given.get("id"), given.get("address")
        if not isinstance(channel_id, str) or not ID.match(channel_id):
            raise invalid("Invalid channel id.", "resource.id")
        if given.get("type") not in ("web_hook", "webhook"):
            raise GoogleError(400, "channelUnknown", "Unknown channel type.", "push")
        if channel_id in self._used:
            raise GoogleError(400, "channelIdNotUnique", f"Channel id {channel_id} not unique", "push")
        if len(str(given.get("token") or "")) > MOST_TOKEN:
            raise invalid("Channel token is too long.", "resource.token")
        _check_address(address)
        token = given.get("token")
        resource = hashlib.sha256(f"{calendar.id} events".encode()).hexdigest()[:27]
        channel = Channel(
            channel_id,
            calendar.id,
            resource,
            str(address),
            None if token is None else str(token),
            self._end(given),
            uri,
            actor.email,
        )
        self._used.add(channel_id)
        self._open[channel_id] = channel
        self._send(channel, "sync")
        return {
            "kind": "api#channel",
            "id": channel_id,
            "resourceId": resource,
            "resourceUri": uri,
            "expiration": str(int(channel.expires.timestamp() * 1000)),
        } | ({"token": channel.token} if channel.token is not None else {})

    def _end(self, given: Mapping[str, Any]) -> datetime:
        now, wish = self._world.clock(), given.get("expiration")
        seconds = (given.get("params") or {}).get("ttl")
        try:
            if wish is not None:
                end = datetime.fromtimestamp(int(wish) / 1000, UTC)
            else:
                end = now + (timedelta(seconds=int(seconds)) if seconds else LIFETIME)
        except (ValueError, TypeError, OverflowError, OSError):
            raise invalid("Invalid expiration.", "resource.expiration") from None
        if end <= now:
            raise invalid("Invalid expiration.", "resource.expiration")
        return min(end, now + LONGEST)

    def stop(self, given: Mapping[str, Any]) -> None:
        """channels.stop, by both ids."""
        channel_id = given.get("id")
        if not channel_id or not given.get("resourceId"):
            raise required("Required")
        channel = self._open.get(str(channel_id))
        if channel is None or channel.resource_id != given["resourceId"]:
            raise not_found()
        self.forget(channel.id)

    def forget(self, channel_id: str) -> None:
        """Ends one; what waits in it is not sent."""
        channel = self._open.pop(channel_id)
        channel.waiting.clear()
        if channel.task is not None:
            channel.task.cancel()

    def tell(self, calendar: Calendar) -> None:
        """Something changed in this calendar."""
        now = self._world.clock()
        for channel in list(self._open.values()):
            if channel.expires <= now:
                self.forget(channel.id)
            elif channel.calendar_id == calendar.id:
                self._send(channel, "exists")

    def as_rows(self) -> list[dict[str, Any]]:
        """All that are open."""
        return [channel.as_row() for channel in self._open.values()]

    # -- delivery ---------------------------------------------------------------------------------------------------

    def _send(self, channel: Channel, state: str) -> None:
        channel.number += 1
        if state != "sync" and self.lossy and channel.number % self.lossy == 0:
            return
        channel.waiting.append((state, channel.number))
        if channel.task is None or channel.task.done():
            channel.task = asyncio.get_running_loop().create_task(self._deliver(channel))

    async def _deliver(self, channel: Channel) -> None:
        while channel.waiting:
            state, number = channel.waiting.popleft()
            if await self._posted(channel, state, number):
                channel.delivered += 1
            else:
                channel.failed += 1

    async def _posted(self, channel: Channel, state: str, number: int) -> bool:
        """True once the address has taken it. What it refuses is not sent again; 5xx and silence are."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        for pause in (*TRIES, None):
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with self._session.post(channel.address, headers=_headers(channel, state, number)) as answer:
                    if answer.status < 500:
                        return answer.status in (200, 201, 202, 204, 102)
            if pause is not None:
                await asyncio.sleep(pause)
        return False

    async def _close(self, _: web.Application) -> None:
        tasks = [channel.task for channel in self._open.values() if channel.task is not None]
        for channel_id in list(self._open):
            self.forget(channel_id)
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


def _headers(channel: Channel, state: str, number: int) -> dict[str, str]:
    headers = {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Expiration": format_datetime(channel.expires.astimezone(UTC), usegmt=True),
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-URI": channel.uri,
        "X-Goog-Resource-State": state,
        "X-Goog-Message-Number": str(number),
        "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        "X-Request-Id": secrets.token_hex(8),
    }
    return headers if channel.token is None else headers | {"X-Goog-Channel-Token": channel.token}


def _check_address(address: Any) -> None:
    """HTTPS; plain HTTP only to where no certificate can be: this machine, or a neighbour without a domain."""
    parts = urlsplit(address) if isinstance(address, str) else None
    host = parts.hostname if parts else None
    near = host is not None and (host.startswith("127.") or host == "::1" or "." not in host)
    if parts is None or not host or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
        raise GoogleError(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}", "push")
