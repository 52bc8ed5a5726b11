"""The plan of a record's fields and that of the lists inside of it, as one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from recordsync.mapping.rows import ListsForecast
from recordsync.notes import cause_of
from synckit.reconcile.plan import Plan


@dataclass(frozen=True, slots=True)
class Planned:
    """What a look would do, counted as the engine writes."""

    plan: Plan
    lists: ListsForecast

    @property
    def writes_right(self) -> int:
        """Calls: one PUT of the record, one a row."""
        return int(bool(self.plan.right_writes)) + self.lists.right_writes

    @property
    def writes_left(self) -> bool:
        return bool(self.plan.left_writes) or self.lists.writes_left

    @property
    def is_empty(self) -> bool:
        return self.plan.is_empty and not (self.lists.right_writes or self.lists.writes_left or self.lists.causes)

    @property
    def causes(self) -> tuple[str, ...]:
        """Of all notes that it would raise."""
        return (*(cause_of(notice) for notice in self.plan.notices), *self.lists.causes)
