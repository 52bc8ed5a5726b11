"""A row and what was agreed for it, held against each other. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from beteiligte_sync.entities.kommunikation.entry import Known, Row, from_marker, identity, key_of, type_for
from beteiligte_sync.entities.kommunikation.kinds import Kind


@dataclass(frozen=True, slots=True)
class RowMatch:
    """One row of one kind. `key`: the identity of what stands in it now; None where it is blank or mere text."""

    kind: Kind
    row: Row
    known: Known | None
    komm_kz: int
    key: str | None

    @property
    def is_blank(self) -> bool:
        return not self.row.tlf

    @property
    def is_text(self) -> bool:
        """A person's words, which EspoCRM can't hold."""
        return self.key is None and not self.is_blank

    @property
    def stands_for(self) -> str | None:
        """The entry in EspoCRM that it was agreed to hold."""
        return self.known.key if self.known else None

    @property
    def is_as_agreed(self) -> bool:
        """The value did not change, or only its notation."""
        if self.known is None or self.row.tlf == self.known.tlf:
            return self.known is not None
        return self.key is not None and self.key in (self.known.key, key_of(self.kind, self.known.tlf))

    @property
    def is_retyped(self) -> bool:
        """A desk had made words of the number, and has put a number there again: an edit, whichever number it is."""
        words = self.known is not None and bool(self.known.tlf) and key_of(self.kind, self.known.tlf) is None
        return words and self.known is not None and self.row.tlf != self.known.tlf and self.key is not None

    @property
    def is_new(self) -> bool:
        """Advoware's own: holds something, and nothing was agreed for that."""
        return self.stands_for is None and not self.is_blank and not self.is_as_agreed

    def agreed(self, key: str | None, phone_type: str | None = None, tlf: str | None = None) -> Known:
        """What is agreed from now on, for the row as it is or as it will be."""
        if phone_type is None:
            phone_type = type_for(self.kind, self.komm_kz)
        return Known(self.kind, self.komm_kz, self.row.tlf if tlf is None else tlf, key, phone_type)


def match_of(kind: Kind, row: Row, known: Known | None, taken: Collection[str], shown: Collection[str]) -> RowMatch:
    """`known`: from our own table. The marker speaks where that knows nothing of the row, nor a row for its entry.

    `taken`: entries that rows of our table stand for; a marker that names one was copied by a person. `shown`: those
    that EspoCRM holds now.
    """
    told = known or from_marker(row)
    if told is not None and (told.kind is not kind or (known is None and told.key in taken)):
        told = None
    key = key_of(kind, row.tlf)
    if key is None and row.tlf:
        # Ours, or in EspoCRM as it is: stricter rules than EspoCRM's must not make mere text of it.
        same = identity(kind, row.tlf)
        key = same if same in shown or (told is not None and told.key == same) else None
    return RowMatch(kind, row, told, row.true_kz(told), key)
