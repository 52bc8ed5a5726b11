"""Two remotes in memory with the manners of the real ones: a left that patches, a right that replaces."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from synckit.errors import RemoteRejected
from synckit.ports import Clock, Payload, Snapshot
from synckit.testing.faults import Faults
from synckit.text import clean

if TYPE_CHECKING:
    from recordsync.testing.rows import FakeRows


def _stored(value: Any) -> Any:
    """Text is trimmed, "" is null."""
    return (value.strip() or None) if isinstance(value, str) else value


def _moment(record: Mapping[str, Any]) -> datetime | None:
    """When Advoware says that it was changed; it may say nothing."""
    told = record["geaendertAm"]
    return datetime.fromisoformat(told) if told else None


@dataclass
class FakeLeft:
    """EspoCRM's manners: PUT is partial, every write sets `modifiedAt` (whole seconds) and who did it, unknown is kept.

    `race`: an edit of a user that arrives between our read and our write. `ignored`: attributes that our user may see
    and not edit: a PUT answers 200 without having taken them.
    """

    clock: Clock
    faults: Faults = field(default_factory=Faults)
    attributes: Sequence[str] = ()
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    changed: dict[str, datetime] = field(default_factory=dict)
    changed_by: dict[str, str] = field(default_factory=dict)
    race: dict[str, Any] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)

    def seed(self, record_id: str, **values: Any) -> None:
        """A record as a user made it."""
        self.records[record_id] = {**dict.fromkeys(self.attributes), "id": record_id, "syncStatus": "pending_sync"}
        self.edit(record_id, **values)

    def edit(self, record_id: str, **values: Any) -> None:
        """A user's change."""
        self.records[record_id].update({k: _stored(v) for k, v in values.items()})
        self.changed[record_id] = self.clock.now().replace(microsecond=0)
        self.changed_by[record_id] = "anna"

    async def read(self, record_id: str) -> Snapshot | None:
        self._call("read", record_id)
        return self._snapshot(record_id) if record_id in self.records else None

    async def create(self, payload: Payload) -> Snapshot:
        record_id = f"new-{len(self.records)}"
        self._call("create", record_id)
        self.seed(record_id, **payload)
        self.faults.at("left.create.after")
        return self._snapshot(record_id)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        self._call("update", record_id)
        if record_id not in self.records:
            raise RemoteRejected("espocrm", 404, "not found")
        if self.race:
            race, self.race = self.race, {}
            self.edit(record_id, **race)
        self.edit(record_id, **{name: value for name, value in payload.items() if name not in self.ignored})
        self.changed_by[record_id] = "sync"
        self.faults.at("left.update.after")
        return self._snapshot(record_id)

    async def find(self, equal: Mapping[str, str | int]) -> Sequence[str]:
        self._call("find", "")
        return [i for i, r in self.records.items() if all(r.get(name) == value for name, value in equal.items())]

    async def delete(self, record_id: str) -> None:
        self._call("delete", record_id)
        self.records.pop(record_id, None)
        self.faults.at("left.delete.after")

    def _call(self, method: str, record_id: str) -> None:
        self.calls.append((method, record_id))
        self.faults.at(f"left.{method}.before")

    def _snapshot(self, record_id: str) -> Snapshot:
        record = dict(self.records[record_id])
        return Snapshot(record_id, record, changed_at=self.changed[record_id], changed_by=self.changed_by[record_id])


@dataclass
class FakeRight:
    """Advoware's manners: PUT replaces, a new row id on every write, read-only fields silently ignored.

    `ignored`: writable fields that a PUT answers without having taken them. `rows`: what a record shows inline.
    """

    clock: Clock
    faults: Faults = field(default_factory=Faults)
    writable: Sequence[str] = ()
    readable: Sequence[str] = ()
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    rows: list[FakeRows] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    _rows: Any = field(default_factory=lambda: itertools.count(1))
    _numbers: Any = field(default_factory=lambda: itertools.count(101))

    def edit(self, record_id: str, **values: Any) -> None:
        """A change at a desk."""
        record = self.records[record_id]
        record.update({k: _stored(v) for k, v in values.items()})
        record["rowId"] = f"row-{next(self._rows)}"
        record["geaendertAm"] = self.clock.now().isoformat()

    def seed(self, **values: Any) -> str:
        """A party made at a desk."""
        record_id = str(next(self._numbers))
        self.records[record_id] = {**dict.fromkeys((*self.writable, *self.readable)), "betNr": int(record_id)}
        self.edit(record_id, **values)
        return record_id

    async def read(self, record_id: str) -> Snapshot | None:
        self._call("read", record_id)
        return self._snapshot(record_id) if record_id in self.records else None

    async def create(self, payload: Payload) -> Snapshot:
        self._call("create", "")
        record_id = self.seed(**self._taken(payload))
        self.faults.at("right.create.after")
        return self._snapshot(record_id)

    async def update(self, record_id: str, payload: Payload) -> Snapshot:
        self._call("update", record_id)
        if record_id not in self.records:
            raise RemoteRejected("advoware", 404, "not found")
        taken = {**dict.fromkeys(self.writable), **self._taken(payload)}
        self.edit(record_id, **{name: value for name, value in taken.items() if name not in self.ignored})
        self.faults.at("right.update.after")
        return self._snapshot(record_id)

    async def delete(self, record_id: str) -> None:
        self._call("delete", record_id)
        if record_id in self.in_use:
            raise RemoteRejected("advoware", 403, "in use")
        self.records.pop(record_id, None)
        self.faults.at("right.delete.after")

    async def candidates(self, payload: Payload, since: datetime | None) -> Sequence[Snapshot]:
        self._call("candidates", "")
        found = [
            self._snapshot(record_id)
            for record_id, record in self.records.items()
            if clean(record["name"]) == clean(payload["name"])
            and (since is None or (changed := _moment(record)) is None or changed >= since)
        ]
        return tuple(found)

    def _taken(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {name: payload[name] for name in self.writable if name in payload}

    def _call(self, method: str, record_id: str) -> None:
        self.calls.append((method, record_id))
        self.faults.at(f"right.{method}.before")

    def _snapshot(self, record_id: str) -> Snapshot:
        record = self.records[record_id] | {rows.child.inline[0]: rows.of(record_id) for rows in self.rows}
        return Snapshot(record_id, record, version=record["rowId"], changed_at=_moment(record))
