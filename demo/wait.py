"""Waiting for what has to happen: always for a condition, always with a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from deploy.local import waiting
from deploy.local.waiting import LONG as LIMIT

__all__ = ["LIMIT", "StepFailedError", "expect", "until"]
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
    try:
        return await waiting.until(probe, what, limit=limit, instead=instead)
    except waiting.TooLateError as error:
        raise StepFailedError(str(error)) from error
