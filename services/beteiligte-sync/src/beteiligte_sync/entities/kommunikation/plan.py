"""What one look at a party's communication decided: rows to write, lists to write, what users are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from beteiligte_sync.entities.kommunikation import marker
from beteiligte_sync.entities.kommunikation.entry import Entry, Known, Row
from beteiligte_sync.entities.kommunikation.kinds import Kind


class Why(StrEnum):
    """Why a user is told."""

    CONFLICT = "conflict"
    KEPT = "kept"
    UNUSABLE = "unusable"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Told:
    """Both values for the user; they go to EspoCRM and nowhere else. `row` is the id of the row that it is about."""

    why: Why
    kind: Kind
    left: str = ""
    right: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class RowWrite:
    """A PUT, or a POST where there is no row. `agreed` is what the row stands for once it is done."""

    agreed: Known
    bemerkung: str
    row: str | None = None
    online: bool = False

    def body(self) -> dict[str, Any]:
        """As Advoware takes it; kommKz is settable by a POST alone."""
        taken = {"tlf": self.agreed.tlf, "bemerkung": self.bemerkung, "online": self.online}
        return taken if self.row else {"kommKz": self.agreed.komm_kz, **taken}


@dataclass(frozen=True, slots=True)
class ListPlan:
    """`lists`: those that EspoCRM must hold, in full, where they differ from what it shows.

    `known`: what is agreed once all is written, but for rows that a POST will make. `attempts`: what is about to be
    written for a row, and what it was before, so that after a crash our own write is told from a person's edit.
    """

    writes: tuple[RowWrite, ...] = ()
    lists: Mapping[Kind, tuple[Entry, ...]] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    held: str = ""

    @property
    def is_empty(self) -> bool:
        """True where neither side is written."""
        return not (self.writes or self.lists or self.held)


def fill(row: Row, agreed: Known) -> RowWrite:
    """Puts an entry's value into a row, behind a marker."""
    bemerkung = marker.live(row.bemerkung, agreed.tlf, agreed.komm_kz)
    return RowWrite(agreed, bemerkung, row.id, row.online)


def empty(row: Row, agreed: Known) -> RowWrite:
    """Makes a free slot of a row, because nothing can be deleted."""
    return RowWrite(agreed, marker.slot(row.bemerkung, agreed.komm_kz), row.id, row.online)


def post(agreed: Known) -> RowWrite:
    """A new row."""
    return RowWrite(agreed, marker.live("", agreed.tlf, agreed.komm_kz))
