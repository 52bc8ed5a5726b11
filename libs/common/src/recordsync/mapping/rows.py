"""Rows that a party's record shows inside of it: has a look seen them as they are, and what would it do? Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from synckit.reconcile.plan import Base, Side, Value

SEEN = "kommunikation"
"""Attribute of a party in Advoware, and in the base of a party the name under which stands what the last look saw."""
NONE_SHOWN = ""


def as_seen(party: Mapping[str, Any]) -> str | None:
    """A fingerprint of the rows, in whatever order; None where the party does not show them, or not as a list."""
    rows = party.get(SEEN)
    if not isinstance(rows, list):
        return None
    ids = sorted(f"{row.get('id')}={row.get('rowId')}" for row in rows if isinstance(row, Mapping))
    return hashlib.blake2b("\n".join(ids).encode(), digest_size=8).hexdigest() if ids else NONE_SHOWN


@dataclass(frozen=True, slots=True)
class RowForecast:
    """One entry of a list and its row: both sides now, what was agreed on, what a look would do about it and why."""

    name: str
    label: str
    left: str | None
    right: str | None
    words: str
    rule: str = "unchanged"
    base_left: str | None = None
    base_right: str | None = None
    has_base: bool = False
    write: Side | None = None
    after: str | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class ListsForecast:
    """What a look would do about all of them. `right_writes`: calls; `causes`: of the notes."""

    rows: tuple[RowForecast, ...] = ()
    held: str = ""
    right_writes: int = 0
    writes_left: bool = False
    causes: tuple[str, ...] = ()


class ForeseenLists(Protocol):
    """Lists inside of a record, as far as a person is told of them."""

    prefix: str

    def normal(self, name: str, left: Value, right: Value) -> tuple[str, Value, Value]:
        """An entry of the base as it is read today: its name, and both parts. Of a note without a left part."""

    def label(self, name: str) -> str:
        """What a user calls an entry of the base, or a list in a note's cause; any other name is as it is."""

    def foresee(
        self, state: Remembered, left: Mapping[str, Any], right: Mapping[str, Any], at: datetime | None = None
    ) -> ListsForecast: ...


class Remembered(Protocol):
    """What of a record's memory it takes."""

    @property
    def base(self) -> Base: ...
    @property
    def attempted(self) -> Sequence[Any]: ...
    @property
    def notes(self) -> Collection[str]: ...
    @property
    def key(self) -> bytes: ...
