"""How long one streamed call may wait: for the connection, the answer's beginning, the next chunk, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds. `first_byte` after the last byte of the request; `between` two chunks, either way; `whole` is a call
    from its first byte to its last, the time between two chunks that its user takes included.
    """

    connect: float
    first_byte: float
    between: float
    whole: float


class Patience:
    """The limits of one call as `asyncio.Timeout`s. TimeoutError where one of them has passed.

    Made when the call begins. `asking` is entered around the request; the body on its way says what is waited for.
    """

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._time: Callable[[], float] = asyncio.get_running_loop().time
        self._until = self._time() + waits.whole
        self._asking: asyncio.Timeout | None = None

    def asking(self) -> asyncio.Timeout:
        """Around connecting, sending and the wait for the answer's beginning."""
        self._asking = asyncio.timeout_at(self._at(self._waits.connect + self._waits.first_byte))
        return self._asking

    def for_source(self) -> None:
        """The body's own source is to give its next chunk."""
        self._move(self._waits.whole)

    def for_chunk(self) -> None:
        """The remote is to take a chunk."""
        self._move(self._waits.between)

    def for_answer(self) -> None:
        """All is sent."""
        self._move(self._waits.first_byte)

    def receiving(self) -> asyncio.Timeout:
        """Around the wait for one chunk of the answer."""
        return asyncio.timeout_at(self._at(self._waits.between))

    def answered(self) -> None:
        """The answer has begun; what is still sent is limited by what is received."""
        self._asking = None

    def _move(self, seconds: float) -> None:
        if self._asking is not None and not self._asking.expired():
            self._asking.reschedule(self._at(seconds))

    def _at(self, seconds: float) -> float:
        return min(self._until, self._time() + seconds)
