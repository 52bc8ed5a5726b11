"""What both sandboxes have stored, put together per record: who wrote which value when. Fed by their change logs.

A record is told by its key, a token that its name holds from the first moment on, on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.fields import PAIRS, Pair, Side, Value, kind_of

KEY = re.compile(r"\bR\d{5}\b")
PERSONS = frozenset({"anna", "desk"})
ENTITIES = {Side.ESPO: "CBeteiligte", Side.ADVO: "Beteiligte"}
NAMES = {Side.ESPO: ("lastName", "firmenname"), Side.ADVO: ("name",)}


@dataclass(frozen=True)
class Row:
    """One write as a sandbox stored it. `call` is the number of the call that did it, None for a person."""

    at: float
    side: Side
    record: str
    action: str
    by_person: bool
    call: int | None
    values: Mapping[str, Any]


@dataclass
class Outstanding:
    """A person's edit that has not come to the other side yet, and what either side has shown since."""

    at: float
    side: Side
    seen: dict[Side, set[Value]]


@dataclass
class Record:
    """One record on both sides. `now` is what they show, by pair and side; no key: the record is not there."""

    key: str
    kind: str
    espo_id: str
    born_at: float
    rows: list[Row] = field(default_factory=list)
    parties: list[str] = field(default_factory=list)
    betnr: str | None = None
    posted_at: float | None = None
    gone: dict[Side, float] = field(default_factory=dict)
    now: dict[tuple[Pair, Side], Value] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    waiting: dict[Pair, list[Outstanding]] = field(default_factory=dict)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return PAIRS[self.kind]

    def writes(self, pair: Pair, *, by_person: bool | None = None) -> Iterator[tuple[Row, Value]]:
        """The rows that changed this field, with the value after it."""
        for row in self.rows:
            if by_person in (None, row.by_person) and pair.on(row.side) in row.values:
                yield row, pair.canonical(row.values[pair.on(row.side)])


class History:
    """Everything so far. `take` is called with the rows of both change logs, in any portions."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.strangers: list[Row] = []
        """Parties that no record of EspoCRM belongs to."""
        self.late: list[tuple[float, float, str]] = []
        """(typed at, on both sides at, key) of every edit that has come through."""
        self._keys: dict[tuple[Side, str], str] = {}

    def take(self, side: Side, changes: Iterable[Mapping[str, Any]]) -> None:
        """New rows of one sandbox, in its order."""
        for change in changes:
            if change["entity"] == ENTITIES[side]:
                by_person = change["by"] in PERSONS
                values = change["values"]
                self._add(
                    Row(change["at"], side, change["record"], change["action"], by_person, change["call"], values)
                )

    def by_espo_id(self, record_id: str) -> Record | None:
        key = self._keys.get((Side.ESPO, record_id))
        return self.records.get(key) if key else None

    def outstanding(self, before: float) -> int:
        """Edits typed before that moment, and not on both sides yet."""
        return sum(each.at < before for each in self._waiting())

    def oldest(self) -> float | None:
        return min((each.at for each in self._waiting()), default=None)

    def caught_up_after(self, began: float, over: float) -> float | None:
        """Seconds from `over` until all that was typed before was on both sides; None where some of it never was."""
        if self.outstanding(over):
            return None
        through = [at - over for typed, at, _ in self.late if typed < over and at > began]
        return max(0.0, *through, 0.0)

    def slowest_after(self, began: float, over: float) -> str:
        """The key of the record that came through last, or has not yet; "" where there is none."""
        waiting = [record.key for record in self.records.values() if record.waiting]
        through = [(at, key) for typed, at, key in self.late if typed < over and at > began]
        return waiting[0] if waiting and self.outstanding(over) else max(through, default=(0.0, ""))[1]

    def _waiting(self) -> Iterator[Outstanding]:
        for record in self.records.values():
            for waiting in record.waiting.values():
                yield from waiting

    def _add(self, row: Row) -> None:
        record = self._record_of(row)
        if record is None:
            self.strangers.append(row)
            return
        record.rows.append(row)
        if row.action == "delete":
            record.gone[row.side] = row.at
            record.waiting.clear()
            return
        if row.side is Side.ADVO and row.action == "create":
            record.parties.append(row.record)
            if record.posted_at is None:
                record.posted_at = row.at
        self._show(record, row)

    def _record_of(self, row: Row) -> Record | None:
        key = self._keys.get((row.side, row.record))
        if key is None and row.action == "create":
            key = _key_in(row)
            if key is not None:
                self._keys[row.side, row.record] = key
                if row.side is Side.ESPO:
                    self.records[key] = Record(key, kind_of(row.values), row.record, row.at)
        return self.records.get(key) if key else None

    def _show(self, record: Record, row: Row) -> None:
        """Moves what is shown, and sees which edits have come through by that."""
        if row.side is Side.ESPO:
            record.state.update({name: row.values[name] for name in STATE if name in row.values})
            if row.values.get("betnr"):
                record.betnr = str(row.values["betnr"])
        for pair in record.pairs:
            name = pair.on(row.side)
            is_new = row.action == "create"
            if name not in row.values and not is_new:
                continue
            record.now[pair, row.side] = pair.canonical(row.values.get(name))
            if row.by_person and not (pair.one_way and row.side is Side.ESPO) and not record.gone:
                record.waiting.setdefault(pair, []).append(Outstanding(row.at, row.side, _shown_now(record, pair)))
            self._settle(record, pair, row)

    def _settle(self, record: Record, pair: Pair, row: Row) -> None:
        """An edit has come through once a side shows what the other has shown since."""
        shown = record.now.get((pair, row.side))
        left = []
        for each in record.waiting.pop(pair, []):
            each.seen.setdefault(row.side, set()).add(shown)
            if any(
                (pair, side) in record.now and record.now[pair, side] in each.seen.get(side.other, ()) for side in Side
            ):
                self.late.append((each.at, row.at, record.key))
            else:
                left.append(each)
        if left:
            record.waiting[pair] = left


STATE = ("syncStatus", "syncErrorMessage", "syncRetryCount", "syncNextRetry", "betnr", "assignedUserId")


def _shown_now(record: Record, pair: Pair) -> dict[Side, set[Value]]:
    return {side: {record.now[pair, side]} for side in Side if (pair, side) in record.now}


def _key_in(row: Row) -> str | None:
    for name in NAMES[row.side]:
        if found := KEY.search(str(row.values.get(name) or "")):
            return found.group()
    return None
