"""The plan: what one look at a record decided, as a frozen value. Pure; the edge carries it out.

Words: *left* and *right* are the two systems, and this package does not know which.
A canonical value is trimmed, `""` is absent (None), dates are dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

Value = str | int | bool | date | None
Canonical = Mapping[str, Value]
EMPTY: Canonical = MappingProxyType({})


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Direction(StrEnum):
    BOTH = "both"
    TO_RIGHT = "to_right"
    TO_LEFT = "to_left"


class Rule(StrEnum):
    """Which row of the table decided."""

    UNCHANGED = "unchanged"
    LEFT_CHANGED = "left_changed"
    RIGHT_CHANGED = "right_changed"
    AGREED = "agreed"
    CONFLICT = "conflict"
    DRIFT = "drift"
    READ_ONLY = "read_only"
    ADOPTED = "adopted"
    FILLED = "filled"
    UNMAPPABLE = "unmappable"
    REFUSED = "refused"


class NoticeKind(StrEnum):
    """Why a user is told. The words are the edge's; `cause` of a notice tells two of a kind apart."""

    CONFLICT = "conflict"
    READ_ONLY = "read_only"
    ADOPTED = "adopted"
    UNMAPPABLE = "unmappable"
    OWN_TEXT = "own_text"
    DELETED_RIGHT = "deleted_right"
    DELETED_LEFT = "deleted_left"
    IN_USE = "in_use"
    BRAKE = "brake"
    DUPLICATE_LINK = "duplicate_link"
    PERMANENTLY_FAILED = "permanently_failed"
    NOT_SHOWN = "not_shown"
    NOT_IMPORTED = "not_imported"
    NOT_TAKEN = "not_taken"
    ERASED = "erased"
    SWEEP = "sweep"
    RELINKED = "relinked"
    UNLINKED = "unlinked"
    NUMBER_PUT_BACK = "number_put_back"
    KIND_CHANGED = "kind_changed"


@dataclass(frozen=True, slots=True)
class Base:
    """What each side held when the two last agreed, each in its own canonical form."""

    left: Canonical = field(default_factory=dict)
    right: Canonical = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """False where the field has never been agreed on (a record adopted, a field mapped since)."""
        return name in self.left and name in self.right

    def agreeing(self, pairs: Mapping[str, tuple[Value, Value]]) -> Base:
        """This base, with what both sides hold of some fields now, the left one's value first."""
        if not pairs:
            return self
        return Base(
            {**self.left, **{name: pair[0] for name, pair in pairs.items()}},
            {**self.right, **{name: pair[1] for name, pair in pairs.items()}},
        )


class Decision(NamedTuple):
    """One field: the rule, and the value that each side shall hold (its own canonical form)."""

    field: str
    rule: Rule
    left: Value
    right: Value
    write: Side | None = None
    reason: str = ""

    @property
    def written(self) -> Value:
        """The value for the side that is written."""
        return self.left if self.write is Side.LEFT else self.right


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a user is told. `left` and `right` are values: they go to EspoCRM and nowhere else."""

    kind: NoticeKind
    field: str = ""
    left: Value = None
    right: Value = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Emptied:
    """What a plan would empty on one side: `essential` fields by their labels, `blanked` of `filled` in all."""

    side: Side
    essential: tuple[str, ...]
    blanked: int
    filled: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for one linked record. `base` is the new base if all of it succeeds.

    `held`: why nothing is done, "" where it is; `emptied` is then what the brake found, if that was it.
    """

    decisions: tuple[Decision, ...] = ()
    left_writes: Canonical = field(default_factory=dict)
    right_writes: Canonical = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    refusals: tuple[Decision, ...] = ()
    base: Base = field(default_factory=Base)
    held: str = ""
    emptied: Emptied | None = None

    @property
    def conflicts(self) -> tuple[Decision, ...]:
        return tuple(d for d in self.decisions if d.rule is Rule.CONFLICT)

    @property
    def is_empty(self) -> bool:
        """True where neither side is written and nobody is told."""
        return not (self.left_writes or self.right_writes or self.notices or self.held or self.refusals)
