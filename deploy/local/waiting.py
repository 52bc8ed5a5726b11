"""How tests and the demo wait: for a condition, with one limit for all; where it does not come they say what came."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

LONG = 240.0
"""Seconds. It ends what hangs and is no measure of speed: a machine may be four times slower, and busy."""
PAUSE = 0.1
T = TypeVar("T")
_never = threading.Event()


class TooLateError(AssertionError):
    """What was waited for did not come; the message says what, and what there was instead."""


def wait_until(
    condition: Callable[[], object], what: str, *, limit: float = LONG, instead: Callable[[], str] | None = None
) -> None:
    """Return once the condition is true. After the limit (seconds) `instead` says more, such as the end of a log."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise _too_late(what, limit, instead() if instead else "")
        _never.wait(PAUSE)


async def until(
    probe: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    limit: float = LONG,
    instead: Callable[[], Awaitable[str]] | None = None,
) -> T:
    """The first answer of the probe that is not None. After the limit (seconds) `instead` says more."""
    deadline = time.monotonic() + limit
    while (found := await probe()) is None:
        if time.monotonic() > deadline:
            raise _too_late(what, limit, await instead() if instead else "")
        await asyncio.sleep(PAUSE)
    return found


@asynccontextmanager
async def in_time(
    what: str = "the block", *, limit: float = LONG, instead: Callable[[], str] | None = None
) -> AsyncIterator[None]:
    """Breaks off what hangs. A TimeoutError of the block's own passes as it is."""
    try:
        async with asyncio.timeout(limit) as ours:
            yield
    except TimeoutError:
        if not ours.expired():
            raise
        raise _too_late(what, limit, instead() if instead else "") from None


def _too_late(what: str, limit: float, instead: str) -> TooLateError:
    return TooLateError(f"{what}: not within {limit:.0f} s{'; instead: ' if instead else ''}{instead}")
