"""What the executor asks of the world: timers, the end of dead letters, leave to start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from synckit.worker.delivery import Delivery


class Cancellable(Protocol):
    """A timer that was set."""

    def cancel(self) -> None: ...


class Timers(Protocol):
    """Monotonic time and wake-up calls, injectable so that tests never sleep."""

    def monotonic(self) -> float: ...

    def wall(self) -> float:
        """Seconds since the epoch."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Cancellable: ...


class LoopTimers:
    """The running event loop's own."""

    def monotonic(self) -> float:
        return boot_seconds()

    def wall(self) -> float:
        return time.time()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Cancellable:
        return asyncio.get_running_loop().call_later(seconds, callback)


class DeadLetterSink(Protocol):
    """Where records go that can't be handled."""

    async def bury(self, delivery: Delivery, reason: str, message: str, traceback: str) -> None:
        """Returns only when the record is safe there. TransientError where it is not: it is tried again.

        `reason` is an error code or `bug`; `message` and `traceback` hold no client data.
        """


def boot_seconds() -> float:
    """Seconds that never go back and go on while the process, or the whole machine, is stopped."""
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
