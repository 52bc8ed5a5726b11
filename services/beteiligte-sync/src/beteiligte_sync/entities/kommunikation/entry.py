"""The values of the list diff: an entry of EspoCRM, a row of Advoware, and what both agreed on. Pure.

`identity` tells values apart on both sides, in our own table and in markers: the address in lower case, the number in
E.164, and what is neither as its text. An entry of the base is two texts, so that it can stand in the record's own
base under `kommunikation/<row id>`; one that an older release wrote is read in today's form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from beteiligte_sync.entities.kommunikation import mail, marker, phone
from beteiligte_sync.entities.kommunikation.kinds import Kind, kind_of, kz_by_shape, type_of
from synckit import clamps
from synckit.errors import MappingError
from synckit.reconcile.plan import Base, Side, Value
from synckit.text import clean

PREFIX = "kommunikation/"
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of `emailAddressData` or `phoneNumberData`. `value`: as a user sees it; `type` is "" for mail."""

    kind: Kind
    value: str
    type: str = ""
    primary: bool = False
    opt_out: bool = False
    invalid: bool = False

    @property
    def key(self) -> str:
        return identity(self.kind, self.value)

    @property
    def sent(self) -> str:
        """The value as it is written to either side: EspoCRM refuses a list for one number in an older spelling."""
        return value_of(self.kind, self.value) or clean(self.value)

    def as_item(self) -> dict[str, Any]:
        """As EspoCRM takes it: the whole of it, what is left out would be false."""
        flags = {"primary": self.primary, "optOut": self.opt_out, "invalid": self.invalid}
        typed = {"type": self.type} if self.kind is Kind.PHONE and self.type else {}
        return {self.kind.value_name: self.sent, **typed, **flags}


@dataclass(frozen=True, slots=True)
class Known:
    """What was agreed for a row. `key` is the entry in EspoCRM; None for a row that has none (a slot, mere text)."""

    kind: Kind
    komm_kz: int
    tlf: str
    key: str | None = None
    type: str = ""

    @property
    def is_slot(self) -> bool:
        return not self.tlf and self.key is None


@dataclass(frozen=True, slots=True)
class Row:
    """A row as Advoware shows it; `komm_kz` may be 0."""

    id: str
    komm_kz: int
    tlf: str
    bemerkung: str = ""
    online: bool = False

    def true_kz(self, known: Known | None) -> int:
        """The kommKz, recovered where the server hides it: marker, our own table, shape of the value."""
        marked = marker.read(self.bemerkung).komm_kz
        return self.komm_kz or marked or (known.komm_kz if known else 0) or kz_by_shape(self.tlf)

    def kind(self, known: Known | None) -> Kind | None:
        if known is not None and not self.tlf:
            return known.kind
        return kind_of(self.true_kz(known), self.tlf)


def value_of(kind: Kind, typed: str) -> str | None:
    """What a person typed in Advoware, as EspoCRM can hold it; None where it can't."""
    return mail.address_of(typed) if kind is Kind.MAIL else phone.number_of(typed)


def key_of(kind: Kind, typed: str) -> str | None:
    """The identity of what stands in a row; None where that is no address or number."""
    return identity(kind, typed) if value_of(kind, typed) else None


def identity(kind: Kind, typed: str) -> str:
    """What tells a value apart, wherever it stands."""
    return (value_of(kind, typed) or clean(typed)).lower()


def read_entries(payload: Mapping[str, Any], known: Mapping[str, Known] | None = None) -> dict[Kind, tuple[Entry, ...]]:
    """Both lists, as far as the payload tells them. Null is an empty list; a list that is missing is unknown.

    So is one with an item that is none, where an entry of `known` is not in it: that may be this one.
    """
    told = {kind: _entries(kind, payload[kind.attribute]) for kind in Kind if kind.attribute in payload}
    agreed = {(k.kind, k.key) for k in (known or {}).values() if k.key is not None}
    return {
        kind: entries
        for kind, (entries, is_whole) in told.items()
        if is_whole or all(of is not kind or key in {entry.key for entry in entries} for of, key in agreed)
    }


def read_rows(payload: Mapping[str, Any], known: Collection[str] = ()) -> tuple[Row, ...] | None:
    """The rows inside of a party, each once; None where it does not tell.

    A row that is none is left out. Where a `known` row is not among the others, that may be this one: then nobody can
    tell, and nothing is taken for gone.
    """
    shown = payload.get("kommunikation")
    if not isinstance(shown, list):
        return None
    rows = [read_row(row) for row in shown if _is_row(row)]
    there = {row.id: row for row in reversed(rows)}
    if len(rows) < len(shown) and not there.keys() >= set(known):
        return None
    return tuple(there.values())[::-1]


def _is_row(row: Any) -> bool:
    return isinstance(row, Mapping) and bool(clamps.identity(row.get("id")))


def read_row(row: Any) -> Row:
    """One row. MappingError where it is none."""
    if not _is_row(row):
        raise MappingError("kommunikation", Side.RIGHT.value, "expected rows with an id")
    kz = row.get("kommKz")
    return Row(
        id=clamps.identity(row["id"]),
        komm_kz=clamps.whole(clean(kz) if isinstance(kz, str) else kz, most=99) or 0,
        tlf=clean(_text_of(row.get("tlf"))),
        bemerkung=str(row.get("bemerkung") or ""),
        online=row.get("online") is True,
    )


def _text_of(value: Any) -> str:
    return str(value).strip() if isinstance(value, str) or clamps.number(value) is not None else ""


def _entries(kind: Kind, items: Any) -> tuple[tuple[Entry, ...], bool]:
    """What can be read, and whether that is all."""
    if items is None:
        return (), True
    if not isinstance(items, list):
        return (), False
    found: dict[str, Entry] = {}
    for item in items:
        value = _text_of(item.get(kind.value_name)) if isinstance(item, Mapping) else ""
        if clean(value):
            entry = Entry(
                kind,
                value,
                str(item.get("type") or "") if kind is Kind.PHONE else "",
                item.get("primary") is True,
                item.get("optOut") is True,
                item.get("invalid") is True,
            )
            twin = found.get(entry.key)
            # Two spellings of one: EspoCRM may hold both, and either of them may be the primary one.
            found[entry.key] = entry if twin is None else replace(twin, primary=twin.primary or entry.primary)
    return tuple(found.values()), all(isinstance(item, Mapping) for item in items)


def to_base(known: Mapping[str, Known]) -> Base:
    """As part of a record's base."""
    left = {PREFIX + row: _joined(k.kind.value, k.type, k.key or "") for row, k in known.items()}
    right = {PREFIX + row: _joined(str(k.komm_kz), k.tlf) for row, k in known.items()}
    return Base(left, right)


def from_base(base: Base) -> dict[str, Known]:
    """The way back."""
    return {
        name.removeprefix(PREFIX): known_of(base.left[name], base.right.get(name))
        for name in base.left
        if name.startswith(PREFIX)
    }


def known_of(left: Value, right: Value) -> Known:
    """One entry of the base, in whatever spelling it was written down."""
    name, phone_type, key = str(left).split(SEPARATOR, 2)
    kz, _, tlf = str(right or "0").partition(SEPARATOR)
    kind = Kind(name)
    return Known(kind, int(kz), clean(tlf), identity(kind, key) or None, phone_type)


def normal_right(right: Value) -> Value:
    """The right part of an entry of the base, in today's form."""
    kz, separator, tlf = str(right).partition(SEPARATOR)
    return kz + separator + clean(tlf) if separator else right


def from_marker(row: Row) -> Known | None:
    """What a row's own marker says of it, where our table knows nothing."""
    marked = marker.read(row.bemerkung)
    if marked.is_slot:
        kind = kind_of(marked.komm_kz, row.tlf)
        return Known(kind, marked.komm_kz, "") if kind else None
    if marked.value is None:
        return None
    kind = kind_of(marked.komm_kz, marked.value)
    if kind is None:
        return None
    key = identity(kind, marked.value)
    return Known(kind, marked.komm_kz, clean(marked.value), key, type_for(kind, marked.komm_kz))


def type_for(kind: Kind, komm_kz: int) -> str:
    """The type of an entry made of a row."""
    return type_of(komm_kz) if kind is Kind.PHONE else ""


def _joined(*parts: str) -> str:
    return SEPARATOR.join(parts)
