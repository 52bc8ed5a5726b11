"""The scheduled job "Process Webhook Queue": portions of events, batches per webhook, retries and drops by status."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections import deque
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from sandbox.espocrm import access
from sandbox.espocrm.customization import webhook_job_is_on
from sandbox.espocrm.events import Event, Item, active_webhooks
from sandbox.espocrm.link_hook import LinkJobs
from sandbox.espocrm.phpjson import dumps
from sandbox.espocrm.signature import signatures
from sandbox.espocrm.store import Record
from sandbox.espocrm.world import World

RETRIED = frozenset({401, 403, 404, 405, 408, 500, 503})
GONE = 410
TIMED_OUT = 408
NO_CONNECTION = 0


class JobAborted(Exception):
    """The job died in the middle; what is behind stays pending."""


@dataclass(frozen=True)
class Result:
    """What became of one request: `code` 0 is a connection that never was."""

    code: int
    location: str | None = None


class Dispatcher:
    """Runs the job on its interval, or when told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.links = LinkJobs(world, self._post_link)

    async def start(self) -> None:
        """Begin to run on the interval."""
        self._session = aiohttp.ClientSession(skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"))
        self._task = asyncio.create_task(self._loop())

    async def stop(self) -> None:
        """End at once, whatever is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._session is not None:
            await self._session.close()

    def settings_changed(self) -> None:
        """Count the interval anew."""
        self._wake.set()

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self.world.settings.dispatch_interval)
                continue
            if self.world.settings.webhooks_enabled:
                await self.run()
            await self.links.run()

    async def run(self) -> None:
        """One run of the job, unless an administrator has set it to Inactive; one at a time."""
        if not webhook_job_is_on(self.world.store):
            return
        async with self._lock:
            with contextlib.suppress(JobAborted):
                self._fan_out()
                await self._send_batches()

    def _fan_out(self) -> None:
        events = self.world.events
        for _ in range(min(self.world.settings.event_portion, len(events.pending))):
            event = events.pending.popleft()
            for webhook in active_webhooks(self.world.store, event.name):
                own = webhook.values.get("userId") is not None and webhook.values.get("userId") == event.user_id
                item = None if own and webhook.values.get("skipOwn") else self._item(webhook, event)
                if item is not None:
                    events.enqueue(webhook.id, event, item)

    def _item(self, webhook: Record, event: Event) -> dict[str, Any] | None:
        """Without what the webhook's user may not see; None where he may not see the record at all."""
        user = self.world.users.by_id.get(str(webhook.values.get("userId")))
        entity = self.world.entity(event.entity_type)
        if user is None or entity is None:
            return event.item
        record = self.world.store.find(event.entity_type, event.record_id, deleted=True)
        if record is not None and not access.may_record(user, entity, record, "read"):
            return None
        hidden = access.hidden_attributes(user, entity)
        return {key: value for key, value in event.item.items() if key not in hidden}

    async def _send_batches(self) -> None:
        """One batch for each webhook, one after another; the one that waits longest is first."""
        events = self.world.events
        due = {webhook_id: batch for webhook_id, queue in events.queues.items() if (batch := self._due(queue))}
        in_order = sorted(due, key=lambda webhook_id: due[webhook_id][0].number)
        for webhook_id in in_order[: self.world.settings.webhook_portion]:
            webhook = self.world.store.find("Webhook", webhook_id)
            if webhook is None or not webhook.values.get("isActive", True):
                events.drop_webhook(webhook_id)
            else:
                await self._send(webhook, due[webhook_id])

    def _due(self, queue: deque[Item]) -> list[Item]:
        now = self.world.clock.monotonic()
        due = [item for item in queue if item.due <= now]
        return due[: self.world.settings.batch_size]

    async def _send(self, webhook: Record, batch: list[Item]) -> None:
        url = str(webhook.values.get("url"))
        if self.world.settings.literal_ip_aborts_job and not self.world.settings.is_legacy and _is_literal_ip(url):
            raise JobAborted
        if self.world.settings.dns_refuses_aaaa and not self.world.settings.is_legacy:
            self._settle(webhook, batch, Result(NO_CONNECTION))
            return
        body = dumps([item.item for item in batch]).encode()
        secret = str(webhook.values.get("secretKey"))
        headers = {"Content-Type": "application/json", **signatures(webhook.id, secret, body)}
        if self.world.settings.is_legacy:
            headers["Accept"] = "*/*"
        else:
            headers["User-Agent"] = "GuzzleHttp/7"
        result = await self._post(url, body, headers)
        self._settle(webhook, batch, result)

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Result:
        settings = self.world.settings
        timeout = aiohttp.ClientTimeout(total=settings.total_timeout, connect=settings.connect_timeout)
        session = self._session
        if session is None:
            raise RuntimeError("dispatcher is not started")
        try:
            async with session.post(
                url, data=BytesIO(body), headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                location = answer.headers.get("Location")
                result = Result(answer.status, urljoin(url, location) if location else None)
        except TimeoutError:
            return Result(TIMED_OUT)
        except (aiohttp.ClientError, OSError, ValueError):
            return Result(NO_CONNECTION)
        return await self._redirected(result, body, headers)

    async def _post_link(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        return (await self._post(url, body, headers)).code

    async def _redirected(self, result: Result, body: bytes, headers: dict[str, str]) -> Result:
        """10.0 follows redirects to https only; 9.2 counts one to http as a success."""
        if not 300 <= result.code < 400 or result.location is None:
            return result
        if urlsplit(result.location).scheme == "https":
            return await self._post(result.location, body, headers)
        return Result(200) if self.world.settings.is_legacy else result

    def _settle(self, webhook: Record, batch: list[Item], result: Result) -> None:
        events = self.world.events
        queue = events.queues.get(webhook.id, deque())
        ok, gone = 200 <= result.code < 300, result.code == GONE
        for item in batch:
            item.attempts += 1
            item.code = result.code
            if ok:
                events.finish(item, "sent")
            elif self._retried(item, result.code):
                item.due = self.world.clock.monotonic() + self.world.settings.fail_attempt_period
                continue
            elif not gone:
                events.finish(item, "failed")
            else:
                continue
            if item in queue:
                queue.remove(item)
        if gone:
            webhook.deleted = True
            events.drop_webhook(webhook.id)
        elif not queue:
            events.queues.pop(webhook.id, None)

    def _retried(self, item: Item, code: int) -> bool:
        wanted = code in RETRIED or (code == NO_CONNECTION and self.world.settings.is_legacy)
        return wanted and item.attempts < self.world.settings.max_attempts


def _is_literal_ip(url: str) -> bool:
    try:
        ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True
