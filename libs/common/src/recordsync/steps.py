"""What a look can do next. Each step is one effect that may be the last one: what was done before it is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recordsync.lists import RowWork
from recordsync.memory.look import Memory
from recordsync.questions import Question
from synckit.errors import PermanentError, SyncError
from synckit.ports import Attempted, Link, Parked, Payload, PendingNote, Snapshot
from synckit.reconcile.brake import Tally
from synckit.reconcile.plan import Base, Canonical, Side, Value

Patch = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observe:
    """Ask these, all at once."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Learn:
    """What follows from the facts, and touches nothing. `refused`: why the record as a whole can't go on."""

    memory: Memory
    refused: PermanentError | None = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Write down what is about to be written besides what was announced already, and the notes that tell of it."""

    notes: tuple[PendingNote, ...] = ()
    attempted: tuple[Attempted, ...] = ()
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Forget announced notes that turned out untrue."""

    causes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Post:
    """Create the record in Advoware, its intent first."""

    body: Payload


@dataclass(frozen=True, slots=True)
class LinkTo:
    """Remember the pair. `result`: `created`, `recovered` (what we once posted), `relinked` (by a person), or ""."""

    right: Snapshot
    base: Base
    result: str


@dataclass(frozen=True, slots=True)
class DropIntent:
    """No POST of ours is under way any more. `claim`: the right record that is ours without one."""

    claim: str | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Link and base are no longer ours to keep: a person has decided. `patch`: written on the left before that."""

    patch: Patch = field(default_factory=dict)
    journal: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Of one written field: the rule, and the pair that both sides hold once it is written."""

    rule: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class WriteRight:
    """PUT the whole record. `writes`: the fields that it changes; `before`: what the side held."""

    body: Payload
    writes: Mapping[str, Reason]
    before: Canonical


@dataclass(frozen=True, slots=True)
class WriteRow:
    """PUT or POST one row of a list."""

    work: RowWork


@dataclass(frozen=True, slots=True)
class WriteLeft:
    """PUT what changes. `writes`: mapped fields; `lists`: base of the lists that the patch holds whole.

    `incoming`: for each of these lists, the rows that it brings something new of.
    """

    patch: Patch
    writes: Mapping[str, Reason]
    before: Canonical
    lists: Base | None = None
    incoming: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteRight:
    """The office wants parties that it deleted to go over there, too."""

    right_id: str


@dataclass(frozen=True, slots=True)
class Show:
    """A state on the left, of this record or of a rival of its. Nobody's own is worth failing for."""

    left_id: str
    patch: Patch


@dataclass(frozen=True, slots=True)
class Wait:
    """For the parent to be linked. Parked first, then asked once more: who links it meanwhile finds it waiting."""

    parked: Parked
    patch: Patch = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Engage:
    """The source as a whole is held from now on."""

    source: Side
    tally: Tally


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a look: show the state, post the notes, remember everything in one transaction.

    `patch`: the state on the left. `is_best_effort`: a remote that does not take the patch changes nothing.
    `reason`: why it is held, for people. `tells`: announced notes are posted; `owes`: where they can't be, the record
    is parked until they can. `settled`: what did not come up again stands no longer. `tells_refusals`: of refusals,
    only those in `standing` stand; else all that the look knows of.
    """

    result: str
    reason: str = ""
    patch: Patch = field(default_factory=dict)
    is_best_effort: bool = False
    tells: bool = True
    owes: bool = False
    settled: bool = False
    tells_refusals: bool = False
    journal: tuple[tuple[str, Mapping[str, str]], ...] = ()
    link: Link | None = None
    base: Base | None = None
    park: Parked | None = None
    unpark: bool = True
    remembers: bool = True
    held_by: tuple[str, str] | None = None
    standing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing can be done now. `error` says why, and what happens next."""

    error: SyncError


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do."""


Act = (
    Learn
    | Announce
    | TakeBack
    | Post
    | LinkTo
    | DropIntent
    | Forget
    | WriteRight
    | WriteRow
    | WriteLeft
    | DeleteRight
    | Show
    | Wait
    | Engage
    | Close
)
Step = Observe | Act | Stop | Done
