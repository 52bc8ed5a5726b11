"""The clock's way in: each timer once a slot in the whole cluster. A failure ends neither the timer nor the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog

from synckit.errors import SyncError
from synckit.ports import Clock
from ticker import metrics
from ticker.domain import schedule
from ticker.handlers import Duty, Emitter, Look, Told

log = structlog.get_logger(__name__)
RETRY_SECONDS = 60.0


class Once(Protocol):
    """Who comes first in an interval does the work, in the whole cluster."""

    async def claim(self, name: str, every: timedelta) -> bool:
        """RemoteUnavailable where nobody can tell."""

    async def give_back(self, name: str, every: timedelta) -> None: ...


@dataclass(frozen=True, slots=True)
class Timer:
    """What is looked at, or done, every so many seconds."""

    name: str
    seconds: float
    looks: Sequence[Look] = ()
    duties: Sequence[Duty] = ()

    @property
    def every(self) -> timedelta:
        return timedelta(seconds=self.seconds)


class TimerLoop:
    """Runs one timer for ever."""

    def __init__(self, timer: Timer, emitter: Emitter, once: Once, clock: Clock) -> None:
        self._timer = timer
        self._emitter = emitter
        self._once = once
        self._clock = clock
        self._done: int | None = None

    async def forever(self) -> None:
        while True:
            await self._clock.sleep(await self.step())

    async def step(self) -> float:
        """One try of the present slot, unless it is done. Answers the seconds until the next step."""
        present = schedule.slot(self._clock.now(), self._timer.seconds)
        if present == self._done or await self._try():
            self._done = present
            return schedule.until_next_slot(self._clock.now(), self._timer.seconds)
        return min(RETRY_SECONDS, schedule.until_next_slot(self._clock.now(), self._timer.seconds))

    async def _try(self) -> bool:
        """False where it has to be tried again within the slot."""
        began = self._clock.monotonic()
        name = self._timer.name
        is_ours = await guarded(name, "claim", lambda: self._once.claim(name, self._timer.every))
        if is_ours is False:
            return True
        good = bool(is_ours) and await self._carry_out()
        if is_ours and not good:
            await guarded(name, "give_back", lambda: self._once.give_back(name, self._timer.every))
        seconds = self._clock.monotonic() - began
        metrics.ticker_run(name, "done" if good else "failed", seconds, self._clock.now().timestamp())
        return good

    async def _carry_out(self) -> bool:
        """All looks and duties, also where one of them fails."""
        timer = self._timer
        told: list[object] = [await guarded(timer.name, look.name, partial(self._look, look)) for look in timer.looks]
        told += [await guarded(timer.name, duty.name, partial(self._do, duty)) for duty in timer.duties]
        return None not in told

    async def _look(self, look: Look) -> Told:
        told = await self._emitter.carry_out(look)
        metrics.ticker_emitted(look.entity, look.name, told.emitted)
        return told

    async def _do(self, duty: Duty) -> bool:
        for table, rows in (await duty.carry_out()).items():
            metrics.pruned(table, rows)
            log.info("pruned", kind=table, count=rows)
        return True


Result = TypeVar("Result")


async def guarded(timer: str, step: str, act: Callable[[], Awaitable[Result]]) -> Result | None:
    """None where it failed, whatever it was: told, and for the caller to count."""
    try:
        return await act()
    except SyncError as error:
        log.warning("timer_failed", timer=timer, step=step, reason=error.code, error=str(error))
    except Exception:
        log.exception("timer_failed", timer=timer, step=step, reason="bug")
    return None
