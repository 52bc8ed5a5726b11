"""What was read about one record, as frozen values; the input of everything pure here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from synckit.events import Record
from synckit.ports import BrakeState, JournalEntry, RecordState, Snapshot

T = TypeVar("T")
JOURNAL_ROWS = 20


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """One answer. `trouble` is empty where the system answered, else why not, in words; then `value` means nothing."""

    value: T | None = None
    trouble: str = ""

    @property
    def is_missing(self) -> bool:
        """The system answered that there is none."""
        return self.value is None and not self.trouble


@dataclass(frozen=True, slots=True)
class Remembered:
    """Our memory of the record. `times`: see `PostgresInspector.record`; `journal`: (fence, entry), newest first."""

    state: RecordState
    times: Mapping[str, datetime] = field(default_factory=dict)
    journal: Sequence[tuple[int, JournalEntry]] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """Records of one key in a topic, how many of all were looked at, how many could not be."""

    records: Sequence[Record] = ()
    looked_at: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """All of it, at one moment.

    `right_id` is the number that the link, or else the left record itself, names; `parent_right_id` that of a child's
    parent; `owner` another left record that
    holds this number; `rivals` other left records that still claim ours; `lock` the seconds it has left;
    `waits_for_parent` a child whose parent is not linked yet; `brakes` how the two sources stand.
    """

    left_id: str
    at: datetime
    memory: Found[Remembered]
    left: Found[Snapshot]
    right: Found[Snapshot] = Found()
    right_id: str | None = None
    parent_right_id: str = ""
    owner: str | None = None
    rivals: tuple[str, ...] = ()
    waits_for_parent: bool = False
    lock: Found[float] = Found()
    waiting: Found[Scan] = Found(Scan())
    buried: Found[Scan] = Found(Scan())
    buried_days: int = 90
    brakes: Found[Sequence[BrakeState]] = Found(())

    @property
    def state(self) -> RecordState | None:
        return self.memory.value.state if self.memory.value else None

    @property
    def journal(self) -> Sequence[tuple[int, JournalEntry]]:
        return self.memory.value.journal if self.memory.value else ()

    @property
    def is_known(self) -> bool:
        """False only where every system that could know the record says that it does not."""
        if self.memory.trouble or self.left.trouble or self.left.value:
            return True
        state = self.state
        remembered = state and (state.link or state.intent or state.parked or state.notes or state.pending)
        seen = [scan.value.records for scan in (self.waiting, self.buried) if scan.value]
        return bool(remembered or self.journal or any(seen))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be asked, each once."""
        asked = (self.memory, self.left, self.right, self.lock, self.waiting, self.buried)
        return tuple(dict.fromkeys(each.trouble for each in asked if each.trouble))
