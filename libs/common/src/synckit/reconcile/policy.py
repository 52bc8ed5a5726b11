"""What the core must know of one field: its direction, its winner, and how a value looks on the other side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synckit.reconcile.plan import Canonical, Direction, Side, Value


class Unmappable(Exception):
    """A converter's answer for a value that has no counterpart on the other side. Never leaves the core."""


def same(value: Value) -> Value:
    """The converter of a field that looks alike on both sides."""
    return value


def equal(one: Value, other: Value) -> bool:
    """Whether two values of one side mean the same, for a field in which only equal ones do."""
    return one == other


def takes_everything(_side: Side, _value: Value, _record: Canonical) -> str:
    """A field without limits."""
    return ""


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """One mapped field.

    `to_right`, `to_left`: canonical value of one side → of the other; Unmappable where there is none.
    `alike`: whether two values of one side mean the same.
    `refuses`: (target side, value, that side's record as it will be) → why the target can't hold it, "" where it can.
    `essential`: blanking it is never done without a person's word.
    """

    name: str
    label: str
    direction: Direction = Direction.BOTH
    winner: Side = Side.LEFT
    to_right: Callable[[Value], Value] = same
    to_left: Callable[[Value], Value] = same
    alike: Callable[[Value, Value], bool] = equal
    refuses: Callable[[Side, Value, Canonical], str] = takes_everything
    essential: bool = False

    def convert(self, value: Value, target: Side) -> Value:
        """The value as `target` would show it."""
        return self.to_right(value) if target is Side.RIGHT else self.to_left(value)

    def agree(self, left: Value, right: Value) -> bool:
        """True where one is the other's counterpart, in either direction: lossy mappings agree too."""
        return self._matches(right, left, Side.LEFT) or self._matches(left, right, Side.RIGHT)

    def is_open_between(self, left: Value, right: Value) -> bool:
        """True where the two differ, and not merely because the left has no word for what the right holds."""
        try:
            return not self.agree(left, right) and not self.alike(self.convert(right, Side.LEFT), left)
        except Unmappable:
            return False

    def writes(self, target: Side) -> bool:
        """Whether this field may be written on that side at all."""
        blocked = Direction.TO_LEFT if target is Side.RIGHT else Direction.TO_RIGHT
        return self.direction is not blocked

    def _matches(self, source: Value, target_value: Value, target: Side) -> bool:
        try:
            return self.alike(self.convert(source, target), target_value)
        except Unmappable:
            return False
