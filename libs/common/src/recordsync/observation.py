"""What a look was told: frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from recordsync.questions import Count
from recordsync.steps import Act
from synckit.errors import PermanentError, RemoteRejected
from synckit.ports import Link, Snapshot
from synckit.reconcile.brake import Tally
from synckit.reconcile.plan import Side


class Unasked(Enum):
    """A fact that nobody asked for yet: neither there nor gone."""

    UNASKED = "unasked"


UNASKED: Final = Unasked.UNASKED


@dataclass(frozen=True, slots=True)
class Parent:
    """A child's parent. `link`: None where it is not linked. `home_owner`: who is linked to the child's party now."""

    left_id: str
    link: Link | None
    home_owner: str = ""

    @property
    def is_there(self) -> bool:
        """True where the parent is on the right side, and alive."""
        return self.link is not None and not self.link.tombstone


@dataclass(frozen=True, slots=True)
class Found:
    """Records that a POST may have made. `taken`: those that are linked to somebody. `asked_at`: before the question.

    `is_complete`: all records were searched, not only the recent ones.
    """

    records: tuple[Snapshot, ...]
    taken: frozenset[str]
    asked_at: datetime
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class Witnesses:
    """How many others were asked about, and how many of them are suspected themselves. `one_is_known`: by the side."""

    asked: int
    suspected: int
    one_is_known: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """A write that a remote refused: its answer, and the step that was carried out."""

    error: RemoteRejected
    step: Act


class Deletion(Enum):
    """What became of our DELETE in Advoware."""

    NOT_ASKED = "not_asked"
    DONE = "done"
    IN_USE = "in_use"
    REFUSED = "refused"


@dataclass(frozen=True)
class Observation:
    """The facts of one look. Each is UNASKED, or empty, until a question was answered.

    `right` tells of `right_id`. `refused`: what a remote, or a value, makes impossible. `posted_in_vain`: the answer of
    a POST that found the row there already (409). `rejected`: the newest refusal, of which nothing was made yet.
    `lists_read`: the left side was read after the last row was written; `list_reads`: how often, in this look.
    `engaged`: the source is held as a whole, and whether it was our count that did it. Without slots, as `Memory`.
    """

    at: datetime
    left: Snapshot | Unasked | None = UNASKED
    left_again: bool = False
    right: Snapshot | Unasked | None = UNASKED
    right_id: str = ""
    right_again: bool = False
    parent: Parent | Unasked = UNASKED
    owners: Mapping[str, str | None] = field(default_factory=dict)
    rivals: Mapping[str, Snapshot | None] = field(default_factory=dict)
    found: Found | Unasked = UNASKED
    witnesses: Mapping[Side, Witnesses] = field(default_factory=dict)
    tallies: Mapping[Count, Tally] = field(default_factory=dict)
    refused: PermanentError | None = None
    posted_in_vain: RemoteRejected | None = None
    rejected: Rejected | None = None
    deletion: Deletion = Deletion.NOT_ASKED
    lists_read: bool = False
    list_reads: int = 0
    engaged: bool | None = None
