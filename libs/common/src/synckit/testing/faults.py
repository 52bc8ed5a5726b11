"""Where a test may break things: every fake passes a named point before and after each effect."""

from __future__ import annotations

from collections.abc import Callable


class Crash(BaseException):
    """kill -9: nothing of ours catches it."""


class Faults:
    """`hook` is called with each point, e.g. `right.create.after`, and raises what shall happen there."""

    def __init__(self) -> None:
        self.hook: Callable[[str], None] = lambda _point: None
        self.points: list[str] = []

    def at(self, point: str) -> None:
        """Passes a point."""
        self.points.append(point)
        self.hook(point)

    def crash_at(self, number: int) -> None:
        """Crashes at the n-th point from now on, once. Counts from 0."""
        self.fail_at(number, Crash())

    def fail_at(self, number: int, error: BaseException) -> None:
        """Raises at the n-th point from now on, once. Counts from 0."""
        left = [number]

        def hook(_point: str) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise error

        self.hook = hook

    def clear(self) -> None:
        """Everything works again."""
        self.hook = lambda _point: None
        self.points.clear()
