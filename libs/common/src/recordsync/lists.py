"""Lists that a record holds on the left and that are rows of their own on the right, written along with it.

Both are read with the record itself, so that a look costs no call more. What is agreed of a row stands in the record's
base under `prefix`; a POST has no row id yet: what it wrote must tell by itself that it was us.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from synckit.ports import Attempted, Payload
from synckit.reconcile.brake import Loss
from synckit.reconcile.plan import Base, Side, Value

Parts = tuple[object, ...]
"""Of a digest."""


@dataclass(frozen=True, slots=True)
class RowWork:
    """A PUT of a row, or a POST where it has no id. `left` and `right` are its base once it is written.

    `entry`: a word for what the row shall stand for, which no other row does. It holds no client data.
    `label`, `value`: what a user calls it, and what is to stand there; `before`: what stands there.
    """

    body: Payload
    left: Value
    right: Value
    row: str | None = None
    entry: str = ""
    label: str = ""
    value: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class RowNote:
    """Something a user is told. `field` and `expected`: the write that it tells of, "" where it tells of none."""

    cause: str
    text: str
    field: str = ""
    expected: Value = None


@dataclass(frozen=True, slots=True)
class ListLoss:
    """What one source would take from the other side's list. `value`: what many records must not turn into."""

    source: Side
    loss: Loss
    value: str = ""


@dataclass(frozen=True, slots=True)
class ListWork:
    """What is to be done about the lists. `base`: what is agreed of all rows afterwards; `patch`: whole lists.

    `incoming`: for each of these, the names of the rows that it brings something new of.
    """

    rows: Sequence[RowWork] = ()
    patch: Mapping[str, Any] = field(default_factory=dict)
    incoming: Mapping[str, Sequence[str]] = field(default_factory=dict)
    base: Base = field(default_factory=Base)
    attempted: Sequence[Attempted] = ()
    notes: Sequence[RowNote] = ()
    held: str = ""
    losses: Sequence[ListLoss] = ()

    @property
    def is_empty(self) -> bool:
        """True where neither side is written."""
        return not (self.rows or self.patch or self.held)


@dataclass(frozen=True, slots=True)
class ListParts:
    """What of a record its lists are decided from. `agreed`: name and both parts of each row in the base.

    `left`, `right`: what both sides show of the lists, printed: 1 and true are equal, and not the same.
    """

    agreed: tuple[tuple[str, Value, Value], ...]
    left: str
    right: str


class ListMapping(Protocol):
    """What the lists mean, and what is to be done about them. Pure."""

    prefix: str

    def parts(self, base: Base, left: Payload, right: Payload) -> ListParts:
        """All that `decide` looks at: the same parts, the same decision."""

    def came_true(
        self, base: Base, attempted: Sequence[Attempted], left: Payload, right: Payload
    ) -> Sequence[Attempted]:
        """Which announced writes the sides show."""

    def decide(
        self, base: Base, left: Payload, right: Payload, *, confirmed: bool, kept_out: Collection[str] = ()
    ) -> ListWork:
        """`kept_out`: names of rows of which nothing comes to the left."""

    def about(self, base: Base, left: Payload, right: Payload, name: str, *, counted: bool = False) -> Parts:
        """What both sides hold of a row; `counted`: also how many entries the left has."""

    def entry(self, base: Base, right: Payload, name: str) -> tuple[str, str]:
        """What a user calls a row, and what stands in it."""

    def with_row(self, right: Payload, row: Payload) -> Payload:
        """The record's payload with this row as it is now."""

    def row_id(self, row: Payload) -> str: ...

    def as_seen(self, right: Payload) -> Base:
        """What the ticker holds against the remote's list to find rows that a desk touched; empty where unknown."""


class RowStore(Protocol):
    """The rows of a record, written one by one."""

    async def write(self, record_id: str, row: str | None, body: Payload) -> Payload:
        """PUT, or POST where there is no row yet. Answers the row as it was stored, with its id."""


def post_name(prefix: str, work: RowWork) -> str:
    """As what the POST of an entry is announced: it has no row id yet."""
    return f"{prefix}+{work.entry}"


def row_name(prefix: str, work: RowWork) -> str:
    """As what a row is remembered."""
    return prefix + work.row if work.row else post_name(prefix, work)


def loss_between(source: Side, before: Sequence[str], after: Sequence[str]) -> ListLoss | None:
    """The worst that turns one list into the other. Values added take nothing away.

    The only entry, or several of them, are as much as a name; one of several, or one replaced, is everyday work.
    """
    gone = [value for value in before if value not in after]
    come = [value for value in after if value not in before]
    emptied = len(gone) - min(len(gone), len(come))
    if emptied and (emptied > 1 or not after):
        return ListLoss(source, Loss.EMPTIED)
    if emptied:
        return ListLoss(source, Loss.CLEARED)
    return ListLoss(source, Loss.RENAMED, "\x1f".join(sorted(come))) if gone else None
