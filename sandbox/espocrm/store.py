"""All records of a sandbox in memory, with the tables that cut across entities: addresses, links, file contents."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm.collation import fold


@dataclass
class Record:
    """One stored record. `values` has the stored columns only; `emails` and `phones` are (key, primary) in order."""

    entity_type: str
    id: str
    values: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False
    emails: list[tuple[str, bool]] = field(default_factory=list)
    phones: list[tuple[str, bool]] = field(default_factory=list)
    followers: list[str] = field(default_factory=list)


@dataclass
class Address:
    """An e-mail address or a phone number: one row for all records that have it."""

    name: str
    type: str | None = None
    opt_out: bool = False
    invalid: bool = False


class Store:
    """Look-ups by id, by name and by e-mail address cost no scan."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Record]] = {}
        self.emails: dict[str, Address] = {}
        self.phones: dict[str, Address] = {}
        self.links: dict[tuple[str, str], dict[str, list[str]]] = {}
        self.contents: dict[str, bytes] = {}
        self.numbers: dict[str, int] = {}
        self._by_name: dict[tuple[str, str], set[str]] = {}
        self._name_of: dict[tuple[str, str], str] = {}
        self._by_email: dict[str, set[tuple[str, str]]] = {}

    def new_id(self) -> str:
        """17 hex characters, as EspoCRM makes them."""
        return "6b" + secrets.token_hex(8)[:15]

    def next_number(self, entity_type: str) -> int:
        """The next value of an auto-increment column."""
        self.numbers[entity_type] = self.numbers.get(entity_type, 0) + 1
        return self.numbers[entity_type]

    def add(self, record: Record) -> None:
        """Take a record in, or replace the one with its id."""
        self.records.setdefault(record.entity_type, {})[record.id] = record

    def find(self, entity_type: str, record_id: str, *, deleted: bool = False) -> Record | None:
        """The record, unless it is deleted (and `deleted` is not asked for)."""
        record = self.records.get(entity_type, {}).get(record_id)
        return None if record is None or (record.deleted and not deleted) else record

    def live(self, entity_type: str) -> Iterator[Record]:
        """All records of a type that are not deleted, oldest insertion first."""
        return (record for record in self.records.get(entity_type, {}).values() if not record.deleted)

    def linked(self, entity_type: str, link: str, record_id: str) -> list[str]:
        """The ids linked through a many-to-many link."""
        return self.links.get((entity_type, link), {}).get(record_id, [])

    def relate(self, entity_type: str, link: str, record_id: str, foreign_id: str) -> None:
        """Add one side of a many-to-many link; idempotent."""
        ids = self.links.setdefault((entity_type, link), {}).setdefault(record_id, [])
        if foreign_id not in ids:
            ids.append(foreign_id)

    def unrelate(self, entity_type: str, link: str, record_id: str, foreign_id: str) -> None:
        """Remove one side of a many-to-many link; idempotent."""
        ids = self.links.get((entity_type, link), {}).get(record_id, [])
        if foreign_id in ids:
            ids.remove(foreign_id)

    def index_name(self, record: Record, name: str) -> None:
        """Note the name under which a record counts as a duplicate; '' for none."""
        key = (record.entity_type, record.id)
        if (old := self._name_of.pop(key, None)) is not None:
            self._by_name.get((record.entity_type, old), set()).discard(record.id)
        if name:
            folded = fold(name)
            self._name_of[key] = folded
            self._by_name.setdefault((record.entity_type, folded), set()).add(record.id)

    def named(self, entity_type: str, name: str) -> set[str]:
        """Ids of the records with that name."""
        return self._by_name.get((entity_type, fold(name)), set())

    def rename_address(self, kind: str, old: str, new: str) -> None:
        """An address got another name: on every record that has it."""
        for records in self.records.values():
            for record in records.values():
                rows = getattr(record, kind)
                rows[:] = [(new if key == old else key, primary) for key, primary in rows]
                if kind == "emails" and any(key == new for key, _ in rows):
                    self.index_emails(record, [(old, False)])

    def index_emails(self, record: Record, before: list[tuple[str, bool]]) -> None:
        """Note who has which address."""
        owner = (record.entity_type, record.id)
        for key, _ in before:
            self._by_email.get(key, set()).discard(owner)
        for key, _ in record.emails:
            self._by_email.setdefault(key, set()).add(owner)

    def with_email(self, entity_type: str, address: str) -> set[str]:
        """Ids of the records that have the address."""
        return {found for kind, found in self._by_email.get(address.strip().lower(), set()) if kind == entity_type}

    def copy_state(self) -> dict[str, Any]:
        """Everything, detached."""
        return copy.deepcopy(self.__dict__)

    def restore_state(self, state: dict[str, Any]) -> None:
        """Back to what copy_state gave."""
        self.__dict__.update(copy.deepcopy(state))
