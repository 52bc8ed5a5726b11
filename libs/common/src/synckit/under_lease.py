"""The lease that the present task writes under, for whoever sends the bytes: asked when all waiting is over.

Between the engine's question and the request lie a token, a slot and a circuit; a process that was frozen there would
wake up and send what it must not send any more.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar


def _no_lease() -> None:
    """What a task writes that holds no lock is its own affair."""


ensure_held: ContextVar[Callable[[], None]] = ContextVar("ensure_held", default=_no_lease)
"""Raises Locked where the lock may be lost: nothing of the request was sent then, and `maybe_applied` is False."""
