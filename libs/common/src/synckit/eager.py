"""Runs a coroutine up to its first wait without a task of its own. (Python 3.12 has eager tasks; we run on 3.11 too.)

For calls that nearly never wait, where a task would cost more than the call. The first step runs outside of any task
where nobody's task begins it: there it must not look for one, as `asyncio.timeout` does.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Begun(Generic[T]):
    """A coroutine that has begun, and is never begun twice. `finished`: it ended without waiting, with `value`.

    Else: await this, in whichever task, for the rest of it. What it raises before its first wait is raised here.
    """

    __slots__ = ("_coroutine", "_value", "_waits_for", "finished")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self.finished = False
        try:
            self._waits_for = coroutine.send(None)
        except StopIteration as end:
            self.finished = True
            self._value = cast("T", end.value)

    @property
    def value(self) -> T:
        """Of one that has finished."""
        return self._value

    def __await__(self) -> Generator[Any, Any, T]:
        """Goes on where it waits; the future that it waits for is handed to the task that awaits this."""
        if self.finished:
            return self._value
        waits_for = self._waits_for
        while True:
            try:
                try:
                    sent = yield waits_for
                except BaseException as error:
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(sent)
            except StopIteration as end:
                return cast("T", end.value)
