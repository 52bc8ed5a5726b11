"""E-mail addresses and phone numbers of a record: rows shared by value across all records.

`current` is the record in memory during a save; what EspoCRM leaves half-stale there stays half-stale here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.espocrm.store import Address, Record, Store


@dataclass(frozen=True)
class Kind:
    """What differs between e-mail and phone."""

    field: str
    list_name: str
    key_of: Callable[[str], str]
    default_type: str | None = None


def email_kind() -> Kind:
    """E-mail: the key is the lower-case address."""
    return Kind("emailAddress", "emails", str.lower)


def phone_kind(default_type: str) -> Kind:
    """Phone: the key is the number."""
    return Kind("phoneNumber", "phones", str, default_type)


def read_rows(store: Store, record: Record, kind: Kind) -> list[dict[str, Any]]:
    """The …Data list as GET gives it: primary first."""
    table = getattr(store, kind.list_name)
    rows = sorted(getattr(record, kind.list_name), key=lambda pair: not pair[1])
    return [_row(table[key], key, primary, kind) for key, primary in rows]


def _row(address: Address, key: str, primary: bool, kind: Kind) -> dict[str, Any]:
    shared = {"primary": primary, "optOut": address.opt_out, "invalid": address.invalid}
    if kind.default_type is None:
        return {"emailAddress": address.name, "lower": key, **shared}
    return {"phoneNumber": address.name, "type": address.type, **shared}


def primary_of(store: Store, record: Record, kind: Kind) -> Address | None:
    """The primary address, or None (a record can have addresses and no primary)."""
    table = getattr(store, kind.list_name)
    return next((table[key] for key, primary in getattr(record, kind.list_name) if primary), None)


class Saver:
    """Writes what the client set of one kind of address."""

    def __init__(self, store: Store, record: Record, kind: Kind) -> None:
        self.store, self.record, self.kind = store, record, kind
        self.table: dict[str, Address] = getattr(store, kind.list_name)
        self.rows: list[tuple[str, bool]] = getattr(record, kind.list_name)

    def save(self, current: dict[str, Any], fetched: dict[str, Any], sent: set[str]) -> None:
        """Store the list if it changed, else the plain string or its flags; updates `current` as EspoCRM would."""
        before = list(self.rows)
        field = self.kind.field
        rows = current.get(f"{field}Data")
        flags = {f"{field}IsOptedOut", f"{field}IsInvalid"}
        if f"{field}Data" in sent and rows is not None and rows != fetched.get(f"{field}Data"):
            self._store_list(rows, current)
        elif field in sent or sent & flags:
            self._store_primary(current, fetched, sent & flags)
        if self.kind.default_type is None:
            self.store.index_emails(self.record, before)

    def _set_rows(self, rows: list[tuple[str, bool]]) -> None:
        self.rows[:] = rows

    def _store_list(self, given: list[dict[str, Any]], current: dict[str, Any]) -> None:
        wanted = self._wanted(given)
        primary = next((key for key, row in reversed(wanted.items()) if row.get("primary")), None)
        had_primary = next((key for key, is_primary in self.rows if is_primary), None)
        kept = dict(self.rows)
        self._set_rows([(key, kept.get(key, False) if primary is None else key == primary) for key in wanted])
        for key, row in wanted.items():
            self._store_row(key, row)
        if primary is not None and primary != had_primary:
            current[self.kind.field] = primary

    def _wanted(self, given: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Rows by key; of two with one key the last wins, primary or not."""
        rows = [dict(row) for row in given if isinstance(row, dict) and str(row.get(self.kind.field) or "").strip()]
        if rows and not any(row.get("primary") for row in rows):
            rows[0]["primary"] = True
        return {self.kind.key_of(str(row[self.kind.field]).strip()): row for row in rows}

    def _store_row(self, key: str, row: dict[str, Any]) -> None:
        name = str(row[self.kind.field]).strip()
        address = self.table.setdefault(key, Address(name, self.kind.default_type))
        address.name = name
        address.opt_out, address.invalid = bool(row.get("optOut")), bool(row.get("invalid"))
        if self.kind.default_type is not None:
            address.type = str(row["type"]) if row.get("type") else address.type

    def _store_primary(self, current: dict[str, Any], fetched: dict[str, Any], flags: set[str]) -> None:
        field = self.kind.field
        value = str(current.get(field) or "").strip()
        old = next((key for key, primary in self.rows if primary), None)
        if not value:
            self._drop_primary(old)
        elif value != fetched.get(field):
            self._replace_primary(old, value)
        if value and flags:
            self._set_flags(self.kind.key_of(value), current)
        if value or old is not None:
            current[f"{field}Data"] = read_rows(self.store, self.record, self.kind)

    def _drop_primary(self, old: str | None) -> None:
        rest = [key for key, _ in self.rows if key != old]
        self._set_rows([(key, index == 0) for index, key in enumerate(rest)])

    def _replace_primary(self, old: str | None, value: str) -> None:
        key = self.kind.key_of(value)
        self.table.setdefault(key, Address(value, self.kind.default_type))
        rest = [each for each, _ in self.rows if each not in (old, key)]
        self._set_rows([(key, True), *((each, False) for each in rest)])

    def _set_flags(self, key: str, current: dict[str, Any]) -> None:
        address = self.table[key]
        address.opt_out = bool(current.get(f"{self.kind.field}IsOptedOut"))
        address.invalid = bool(current.get(f"{self.kind.field}IsInvalid"))
