"""By what a look decides: the entity's table, the office's settings. Frozen; the same for every record of an entity."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from recordsync.erased import cleaned
from recordsync.lists import ListMapping
from recordsync.mapping.field import EntityMapping
from recordsync.states import States
from synckit.ports import Snapshot
from synckit.reconcile.brake import BrakeLimits
from synckit.reconcile.plan import Canonical, Side

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`right_timeout`: how long after its intent a POST without an answer may still land. `whole_call`: the end that
    the client puts to a call; the rest of the former is what writing the intent down may take.

    `gone_pause`: between the two reads that must both say "gone". `delete`: what a deletion in EspoCRM does over there.
    `not_taken_retry`: when a field that EspoCRM did not take is tried again. `overtaken_for`: how long a write that was
    announced by a worker that lost its lock may still land. `doubt_for`: an older version that says the same for so
    long is believed.
    """

    right_timeout: timedelta = timedelta(seconds=25)
    whole_call: timedelta = timedelta(seconds=20)
    gone_pause: timedelta = timedelta(seconds=1)
    delete: Literal["never", "when-unused"] = "never"
    brake: BrakeLimits = field(default_factory=BrakeLimits)
    not_taken_retry: timedelta = DAY
    overtaken_for: timedelta = timedelta(hours=1)
    doubt_for: timedelta = DAY


@dataclass(frozen=True, slots=True)
class Rules:
    """`lists`: of the record, where it has some. `has_ledger`: losses are counted over all records of a source."""

    mapping: EntityMapping
    settings: EngineSettings
    lists: ListMapping | None = None
    has_ledger: bool = False

    @property
    def states(self) -> States:
        """The state fields of the left type."""
        return States(self.mapping.state)

    def values(self, side: Side, snapshot: Snapshot) -> Canonical:
        """A snapshot in its side's canonical form. MappingError where a value is none."""
        known = snapshot.canonical.get(side)
        if known is None:
            payload = cleaned(snapshot.payload) if side is Side.LEFT else snapshot.payload
            known = snapshot.canonical[side] = self.mapping.read(side, payload)
        return known
