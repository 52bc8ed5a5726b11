"""The bounded log of what a sandbox has stored: every write of a record, with who made it and the values afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

CAPACITY = 500_000
CURRENT_CALL: ContextVar[int | None] = ContextVar("CURRENT_CALL", default=None)
"""The number of the call that is being handled; None for what comes in under /_sandbox/."""


@dataclass(frozen=True)
class Change:
    """One write. `action`: create, update, delete; `by`: who; `call`: its number among the calls, None for a person.

    `values` are those that changed, as they are now. `at` is Unix seconds, in the moment when it was stored.
    """

    seq: int
    at: float
    entity: str
    record: str
    action: str
    by: str
    call: int | None
    values: Mapping[str, Any]


class ChangeLog:
    """Keeps the newest changes, oldest first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._changes: deque[Change] = deque(maxlen=capacity)
        self.last_seq = 0

    def add(self, entity: str, record: str, action: str, by: str, values: Mapping[str, Any]) -> None:
        """Note a write that has just been stored."""
        self.last_seq += 1
        call = CURRENT_CALL.get()
        self._changes.append(Change(self.last_seq, time.time(), entity, record, action, by, call, dict(values)))

    def find(self, since: int = 0, record: str | None = None, entity: str | None = None) -> Iterator[Change]:
        """Those after `since` of one record, of one entity, or of all."""
        newest = len(self._changes) - (self.last_seq - since)
        for index in range(max(newest, 0), len(self._changes)):
            change = self._changes[index]
            if record in (None, change.record) and entity in (None, change.entity):
                yield change

    def as_answer(self, query: Mapping[str, str]) -> dict[str, Any]:
        """For GET /_sandbox/changes?since=&record=&entity=; ValueError for a bad number."""
        found = self.find(int(query.get("since", "0") or 0), query.get("record"), query.get("entity"))
        return {"last_seq": self.last_seq, "changes": [asdict(change) for change in found]}
