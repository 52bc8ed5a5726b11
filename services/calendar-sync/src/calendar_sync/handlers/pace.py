"""How long one run may go on writing, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


def _never() -> bool:
    return False


async def _nobody(_done: int, _to_do: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Pace:
    """`is_over`: nothing more is begun, the rest is the next run's. `tell`: writes that are done and to do."""

    is_over: Callable[[], bool] = _never
    tell: Callable[[int, int], Awaitable[None]] = _nobody


UNHURRIED = Pace()
