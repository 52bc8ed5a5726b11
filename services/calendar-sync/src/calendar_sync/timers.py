"""What calendar-sync does by the clock, each once in the whole cluster: push channels, the nightly audit, retention.

Also the gauges, which every replica shows. A failure ends neither the timer nor the service.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from calendar_sync import metrics
from calendar_sync.domain.push import LIFE, OpenChannel, Watched, channel_work
from kanzlei.calendar_events import push_token
from synckit.errors import SyncError
from synckit.ports import Clock

log = structlog.get_logger(__name__)
GAUGE_SECONDS = 60.0
RETENTION_SECONDS = 6 * 3600.0
AUDIT_SECONDS = 24 * 3600.0


Calendars = Callable[[], Awaitable[Sequence[Watched]]]


class Once(Protocol):
    """Who comes first in an interval does the work, in the whole cluster."""

    async def claim(self, name: str, every: timedelta) -> bool: ...

    async def give_back(self, name: str, every: timedelta) -> None: ...


class Table(Protocol):
    """Channels as we remember them."""

    async def all(self) -> Sequence[OpenChannel]: ...

    async def keep(self, channel: OpenChannel) -> None: ...

    async def forget(self, channel_id: str) -> None: ...


class Google(Protocol):
    """Opens and stops channels."""

    def account_for(self, email: str) -> str: ...

    async def watch(self, channel: OpenChannel, url: str, token: str) -> OpenChannel: ...

    async def stop(self, channel: OpenChannel) -> None: ...


@dataclass(frozen=True, slots=True)
class Push:
    """Where Google pushes to, and what proves a channel. Without an address every channel is stopped."""

    url: str = ""
    secret: str = ""


class PushUpkeep:
    """Channels for every calendar, renewed in good time and stopped when nobody wants them."""

    def __init__(
        self,
        table: Table,
        google: Google,
        watched: Callable[[], Awaitable[Sequence[Watched]]],
        clock: Clock,
        push: Push,
    ) -> None:
        self._table = table
        self._google = google
        self._watched = watched
        self._clock = clock
        self._push = push

    async def carry_out(self) -> None:
        """One calendar's trouble is not another's: each is tried, and the first error is told at the end."""
        calendars = await self._watched() if self._push.url else ()
        channels, now = await self._table.all(), self._clock.now()
        work = channel_work(calendars, channels, now)
        metrics.CHANNELS.set(len(channels))
        troubles: list[SyncError] = []
        for one in work.wanted:
            await _trying(troubles, self._open(one, now))
        for channel in work.unwanted:
            await _trying(troubles, self._stop(channel))
        if troubles:
            raise troubles[0]

    async def _open(self, one: Watched, now: datetime) -> None:
        """Written down first: a channel that nobody knows could never be stopped."""
        channel = OpenChannel(
            str(uuid.uuid4()), one.kuerzel, one.calendar_id, self._google.account_for(one.email), "", now + LIFE
        )
        await self._table.keep(channel)
        token = push_token(self._push.secret, channel.channel_id, one.kuerzel, channel.expires_at)
        opened = await self._google.watch(channel, self._push.url, token)
        await self._table.keep(replace(opened, expires_at=min(opened.expires_at, channel.expires_at)))

    async def _stop(self, channel: OpenChannel) -> None:
        """One whose opening was never answered can't be stopped: it ends by itself, and its row with it."""
        if channel.resource_id:
            await self._google.stop(channel)
        elif channel.expires_at > self._clock.now():
            return
        await self._table.forget(channel.channel_id)


async def _trying(troubles: list[SyncError], step: Awaitable[None]) -> None:
    try:
        await step
    except SyncError as error:
        log.warning("calendar.channel_failed", reason=error.code, error=str(error))
        troubles.append(error)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is done every so many seconds. `everywhere`: by each replica, not by one of them."""

    name: str
    seconds: float
    carry_out: Callable[[], Awaitable[object]]
    everywhere: bool = False


class DutyLoop:
    """Does one duty for ever."""

    def __init__(self, duty: Duty, once: Once, clock: Clock) -> None:
        self._duty = duty
        self._once = once
        self._clock = clock

    async def forever(self) -> None:
        while True:
            await self.step()
            await self._clock.sleep(self._duty.seconds)

    async def step(self) -> bool:
        """True where it was ours, and done."""
        duty, every = self._duty, timedelta(seconds=self._duty.seconds)
        claimed = False
        try:
            claimed = duty.everywhere or await self._once.claim(duty.name, every)
            if claimed:
                await duty.carry_out()
        except SyncError as error:
            log.warning("timer_failed", timer=duty.name, reason=error.code, error=str(error))
        except Exception:
            log.exception("timer_failed", timer=duty.name, reason="bug")
        else:
            return claimed
        if claimed and not duty.everywhere:
            await self._give_back(every)
        return False

    async def _give_back(self, every: timedelta) -> None:
        try:
            await self._once.give_back(self._duty.name, every)
        except SyncError as error:
            log.warning("timer_failed", timer=self._duty.name, reason=error.code)


@dataclass(frozen=True, slots=True)
class Standing:
    """How all employees stand, in numbers."""

    quarantined: int
    unsaved: int
    oldest_seconds: float


def show(standing: Standing) -> None:
    """As gauges."""
    metrics.QUARANTINED.set(standing.quarantined)
    metrics.TO_DO.set(standing.unsaved)
    metrics.OLDEST.set(standing.oldest_seconds)


def tally(findings: Sequence[str]) -> Mapping[str, int]:
    """Kinds of findings → how many."""
    return {kind: findings.count(kind) for kind in set(findings)}
