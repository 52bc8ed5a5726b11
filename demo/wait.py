"""Waiting for what has to happen: always for a condition, always with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

LIMIT = 45.0
PAUSE = 0.1
T = TypeVar("T")


class StepFailedError(Exception):
    """What was expected did not happen; the message says what was seen instead."""


def expect(true: bool, otherwise: str) -> None:
    """Fail the step where it is not true."""
    if not true:
        raise StepFailedError(otherwise)


async def until(
    probe: Callable[[], Awaitable[T | None]],
    what: str,
    limit: float = LIMIT,
    *,
    instead: Callable[[], Awaitable[str]] | None = None,
) -> T:
    """The first answer of the probe that is not None. After the limit (seconds) the step fails; `instead` says more."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    while (found := await probe()) is None:
        if clock() > deadline:
            seen = f"; instead: {await instead()}" if instead else ""
            raise StepFailedError(f"{what}: not within {limit:.0f} s{seen}")
        await asyncio.sleep(PAUSE)
    return found
