"""The plan of one run as one frozen value: printed, saved, and carried out unchanged. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Self

from calendar_sync.domain.frozen_json import fields_to_json, from_json
from calendar_sync.domain.memory import Diary, HeldList, JournalEntry, Notice, Row
from kanzlei.termine import Termin, TerminValues
from synckit.reconcile.plan import Canonical


class Phase(IntEnum):
    """The order in which a plan is carried out."""

    REMEMBER = 0
    NEW_IN_ADVOWARE = 1
    NEW_IN_GOOGLE = 2
    DELETIONS = 3
    CHANGES = 4


class Action(StrEnum):
    """What a step does. REMEMBER writes nowhere but into the row."""

    REMEMBER = "remember"
    INSERT_EVENT = "insert_event"
    UPDATE_EVENT = "update_event"
    DELETE_EVENT = "delete_event"
    POST_TERMIN = "post_termin"
    PUT_TERMIN = "put_termin"
    DELETE_TERMIN = "delete_termin"

    @property
    def writes_advoware(self) -> bool:
        return self.value.endswith("_termin")

    @property
    def writes_google(self) -> bool:
        return self.value.endswith("_event")

    @property
    def deletes(self) -> bool:
        return self.value.startswith("delete")

    @property
    def creates(self) -> bool:
        return self in (Action.INSERT_EVENT, Action.POST_TERMIN)


@dataclass(frozen=True, slots=True)
class Step:
    """One write, or one thing to remember.

    `row` is what is remembered once it is done; of a write, the side that was written is taken from its answer.
    `body` and `etag` are Google's, `values` and `seen` Advoware's. `fields` are those that the write settles, `other`
    what the side that is not written holds in them. `decision` is what a person would call one: a series with all that
    belongs to it. `empties`: fields that it empties. `is_exempt`: nothing is lost by it. `is_copy`: the event carries
    another one's mark, which is written anew.
    """

    phase: Phase
    action: Action
    row: Row
    reason: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    etag: str = ""
    values: TerminValues | None = None
    seen: Termin | None = None
    fields: tuple[str, ...] = ()
    other: Canonical = field(default_factory=dict, repr=False)
    decision: str = ""
    empties: tuple[str, ...] = ()
    is_exempt: bool = False
    is_copy: bool = False
    journal: tuple[JournalEntry, ...] = ()

    @property
    def key(self) -> str:
        return self.row.key


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for one employee. `diary` is remembered if all of it succeeds.

    `waiting`: what the mode, the limit or another employee's run does not let happen now. `digest` tells the rows that
    it was made from. `left_over`: steps for the next run.
    """

    kuerzel: str
    made_at: datetime
    digest: str
    diary: Diary
    mode: str = "on"
    steps: tuple[Step, ...] = ()
    removed: tuple[str, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()
    parked: tuple[tuple[str, str], ...] = ()
    held: HeldList | None = None
    notices: tuple[Notice, ...] = ()
    left_over: int = 0
    looked_at: int = 0
    skipped: str = ""

    def of_phase(self, phase: Phase) -> tuple[Step, ...]:
        """Its steps, in order."""
        return tuple(step for step in self.steps if step.phase is phase)

    @property
    def writes(self) -> int:
        """Writes to either side."""
        return sum(1 for step in self.steps if step.action is not Action.REMEMBER)

    @property
    def is_settled(self) -> bool:
        """True where nothing is left for another run: then Google need not be listed as a whole again."""
        return not (self.waiting or self.parked or self.held or self.left_over)

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return fields_to_json(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` made."""
        return from_json(cls, told)


def digest_of(rows: Iterable[Row]) -> str:
    """Changes when any row does."""
    told = hashlib.sha256()
    for row in sorted(rows, key=lambda each: each.key):
        told.update(json.dumps(row.to_json(), sort_keys=True, ensure_ascii=True).encode())
    return told.hexdigest()
