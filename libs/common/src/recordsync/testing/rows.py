"""Rows of a party in memory, with Advoware's manners: a POST takes all, a PUT little or nothing, no DELETE at all."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from recordsync.mapping.field import EntityMapping
from recordsync.testing.remotes import FakeRight
from synckit.errors import RemoteRejected
from synckit.ports import Payload, Snapshot
from synckit.testing.faults import Faults


@dataclass
class FakeRows:
    """Ids are `<party>/<row>`. `is_unique`: a second row of one identity is refused with 409, as for an IBAN."""

    mapping: EntityMapping
    parties: FakeRight
    faults: Faults = field(default_factory=Faults)
    is_unique: bool = False
    ignored: set[str] = field(default_factory=set)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    _versions: Any = field(default_factory=lambda: itertools.count(1))
    _numbers: Any = field(default_factory=lambda: itertools.count(501))

    def __post_init__(self) -> None:
        if self.mapping.child_of is None:
            raise AssertionError("rows belong to a parent")
        self.child = self.mapping.child_of
        self.parties.rows.append(self)

    def seed(self, party: str, **values: Any) -> str:
        """A row made at a desk."""
        number = next(self._numbers)
        record_id = self.child.right_id(party, str(number))
        self.records[record_id] = {**dict.fromkeys(self.mapping.right_writable), "id": number}
        self.edit(record_id, **values)
        return record_id

    def edit(self, record_id: str, **values: Any) -> None:
        """A change at a desk."""
        self.records[record_id].update(values, rowId=f"row-{next(self._versions)}")

    def of(self, party: str) -> list[dict[str, Any]]:
        """What the party shows of them."""
        return [dict(row) for key, row in self.records.items() if self.child.parent_of(key) == party]

    async def read(self, record_id: str) -> Snapshot | None:
        self._call("read", record_id)
        there = record_id in self.records and self.child.parent_of(record_id) in self.parties.records
        return self._snapshot(record_id) if there else None

    async def create(self, payload: Payload) -> Snapshot:
        self._call("create", "")
        party = str(payload[self.child.number])
        if party not in self.parties.records:
            raise RemoteRejected("advoware", 404, "not found")
        wanted = self.child.identity(payload)
        if self.is_unique and any(self.child.identity(row) == wanted for row in self.of(party)):
            raise RemoteRejected("advoware", 409, "there already")
        record_id = self.seed(party, **{name: payload.get(name) for name in self.mapping.right_writable})
        self.faults.at("right.create.after")
        return self._snapshot(record_id)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        self._call("update", record_id)
        if not self.mapping.put_takes:
            raise RemoteRejected("advoware", 403, "not allowed")
        self.edit(record_id, **{n: payload.get(n) for n in self.mapping.put_takes if n not in self.ignored})
        self.faults.at("right.update.after")
        return self._snapshot(record_id)

    async def delete(self, record_id: str) -> None:
        self._call("delete", record_id)
        raise RemoteRejected("advoware", 403, "not allowed")

    async def candidates(self, payload: Payload, since: datetime | None) -> Sequence[Snapshot]:
        self._call("candidates", "")
        party, wanted = str(payload[self.child.number]), self.child.identity(payload)
        rows = [key for key, row in self.records.items() if self.child.identity(row) == wanted]
        return [self._snapshot(key) for key in rows if self.child.parent_of(key) == party]

    def _call(self, method: str, record_id: str) -> None:
        self.calls.append((method, record_id))
        self.faults.at(f"right.{method}.before")

    def _snapshot(self, record_id: str) -> Snapshot:
        return Snapshot(record_id, dict(self.records[record_id]), version=self.records[record_id]["rowId"])
