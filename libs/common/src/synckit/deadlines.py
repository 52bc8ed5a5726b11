"""One timer for many calls that all have the same time: thousands a second would each make one, and drop it unused."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Waiting:
    """A call that has begun. `expire` is None once it is over."""

    __slots__ = ("at", "expire")

    def __init__(self, at: float, expire: Callable[[], Any]) -> None:
        self.at = at
        self.expire: Callable[[], Any] | None = expire


class Deadlines:
    """Of one event loop. All have equally long, so whoever began first is first to go."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, expire: Callable[[], Any]) -> Waiting:
        """`expire` is called when the time is up, unless `end` is called before."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(loop.time() + self._seconds, expire)
        self._waiting.append(waiting)
        if self._timer is None:
            self._timer = loop.call_at(waiting.at, self._look)
        return waiting

    def end(self, waiting: Waiting) -> None:
        """The timer stays: it finds that there is nothing to do, and looks again for those who came later."""
        waiting.expire = None
        while self._waiting and self._waiting[0].expire is None:
            self._waiting.popleft()

    async def within(self, call: Awaitable[T]) -> T:
        """What the call answers; TimeoutError where it does not in time, and then it is cancelled."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        before, expired, cancelled = task.cancelling(), False, False

        def expire() -> None:
            nonlocal expired
            expired = True
            task.cancel()

        waiting = self.begin(expire)
        try:
            return await call
        except asyncio.CancelledError:
            cancelled = True
            raise
        finally:
            self.end(waiting)
            if expired and task.uncancel() <= before and cancelled:
                raise TimeoutError from None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer, now = None, loop.time()
        while self._waiting and (self._waiting[0].expire is None or self._waiting[0].at <= now):
            expire = self._waiting.popleft().expire
            if expire is not None:
                expire()
        if self._waiting and self._timer is None:
            self._timer = loop.call_at(self._waiting[0].at, self._look)
