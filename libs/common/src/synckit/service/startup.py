"""Waiting for what is not there yet: services start in any order, say what they wait for, are not ready meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from synckit.errors import TransientError
from synckit.ports import Clock

log = structlog.get_logger(__name__)
FIRST, MOST = 0.2, 5.0
Result = TypeVar("Result")


async def until_there(name: str, ask: Callable[[], Awaitable[Result]], clock: Clock) -> Result:
    """Asks again while the answer is a TransientError; everything else goes through. `name` is what is waited for."""
    pause = FIRST
    while True:
        try:
            return await ask()
        except TransientError as error:
            log.warning("waiting", check=name, reason=error.code, error=str(error), delay=pause)
        await clock.sleep(pause)
        pause = min(MOST, pause * 2)
