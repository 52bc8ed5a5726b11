"""What a look knows by itself: what was remembered when it began, and what it has done since. Frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from recordsync.frozen import replace
from recordsync.refusals import WHOLE, Refused, Rejection, remembered
from recordsync.sieve import Sieve
from synckit.ports import Attempted, JournalEntry, Link, PendingNote, RecordState
from synckit.reconcile.plan import Base, Notice, Side

RELEASED = "brake_released"
"""A cause raised by a person: the next plan of this record goes on in spite of the brake."""


def newest_of(known: Iterable[Attempted], fresh: Iterable[Attempted]) -> tuple[Attempted, ...]:
    """One entry a field, the newer one."""
    return tuple({each.field: each for each in (*known, *fresh)}.values())


@dataclass(frozen=True, slots=True)
class Cause:
    """Why we look: for the journal. What a look reads and decides never depends on it."""

    event_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look came to. `result` is a word of a closed set, for logs and metrics."""

    result: str
    left_writes: int = 0
    right_writes: int = 0
    conflicts: int = 0
    notices: int = 0
    held_by: tuple[str, str] | None = None
    """Source and why (`doubt`, `sweep`), where the brake for sweeps held it."""
    refused: tuple[Refused, ...] = ()
    undeliverable: int = 0
    """Notes that nobody could be given just now."""


@dataclass(frozen=True)
class Memory:
    """Without slots, so that `recordsync.frozen.replace` can copy it as a whole.

    `state`: as it is stored. `base`: as far as this look has come, stored at its end.

    `attempted`: writes announced by this look, or by an earlier one and seen to have come true. `overtaken`: those of
    an earlier look that may still land. `due`: notes of earlier looks that turned out true; `told`: those announced by
    this look; `notices`: not announced yet. `causes`: all that came up; `standing`: those the next look must know;
    `posted`: those a user was told of. `is_taken_up`: unfinished work of earlier looks was held against both sides.
    `claim`: a right record that turned out to be ours. `rounds`: PUTs of the record so far. `is_touched`: something was
    written since the record's state on the left was; `is_shown`: that state is written. `is_waiting`: for its parent.
    `rejections`: what was refused, by name, lately or in this look; `whole`: all that was sent, by its digest;
    `sieves`: lists of which an entry was refused, and it is not known yet which; `refused`: for logs. `undeliverable`:
    causes that nobody could be told of. `kept`: causes that only the family gives up, once it has looked at its rows;
    `is_followed`: it has. `doubted`: sides that showed an older version as the look began. They are doubted to its end:
    our own write makes nothing newer that it only carries along. `remembered`: causes that are stored. `is_asked`: a
    person wants all to be tried again, whatever was refused.
    """

    left_id: str
    state: RecordState
    cause: Cause = Cause()
    base: Base = field(default_factory=Base)
    attempted: tuple[Attempted, ...] = ()
    overtaken: tuple[Attempted, ...] = ()
    due: tuple[PendingNote, ...] = ()
    told: tuple[PendingNote, ...] = ()
    notices: tuple[Notice, ...] = ()
    causes: frozenset[str] = frozenset()
    standing: frozenset[str] = frozenset()
    posted: frozenset[str] = frozenset()
    journal: tuple[JournalEntry, ...] = ()
    left_writes: int = 0
    right_writes: int = 0
    conflicts: int = 0
    result: str = "unchanged"
    claim: str | None = None
    shown_on: frozenset[str] = frozenset()
    held_by: tuple[str, str] | None = None
    rejections: Mapping[str, Rejection] = field(default_factory=dict)
    whole: Mapping[str, Rejection] = field(default_factory=dict)
    sieves: Mapping[str, Sieve] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    undeliverable: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    remembered: frozenset[str] = frozenset()
    tried_again: frozenset[str] = frozenset()
    doubted: frozenset[Side] = frozenset()
    rounds: int = 0
    is_taken_up: bool = False
    is_touched: bool = False
    is_shown: bool = False
    is_waiting: bool = False
    is_unparked: bool = False
    is_closed: bool = False
    is_followed: bool = False
    is_asked: bool = False

    @property
    def link(self) -> Link | None:
        """Where the record stands, tombstones included."""
        return self.state.link

    @property
    def live_link(self) -> Link | None:
        """The link, unless it is a tombstone."""
        link = self.state.link
        return link if link is not None and not link.tombstone else None

    @property
    def known_causes(self) -> frozenset[str]:
        """What a user was told, or is about to be."""
        return self.state.notes | self.posted | {note.cause for note in (*self.state.pending, *self.told)}

    def has_moved(self, name: str) -> bool:
        """Whether the base of a field is newer than what is stored of it."""
        stored = self.state.base
        return (self.base.left.get(name), self.base.right.get(name)) != (stored.left.get(name), stored.right.get(name))

    @property
    def is_released(self) -> bool:
        """A person said that the brake shall let this record go on."""
        return RELEASED in self.state.notes

    def noting(self, at: datetime, step: str, **details: str) -> Memory:
        """With one more line for the journal."""
        entry = JournalEntry(at, step, event_id=self.cause.event_id, traceparent=self.cause.traceparent, **details)
        return replace(self, journal=(*self.journal, entry))

    def outcome(self) -> Outcome:
        """What the look came to so far."""
        told = len(self.posted)
        return Outcome(
            self.result,
            self.left_writes,
            self.right_writes,
            self.conflicts,
            told,
            self.held_by,
            self.refused,
            len(self.undeliverable),
        )


def begin(left_id: str, state: RecordState, cause: Cause, at: datetime) -> Memory:
    """As a look starts: with what earlier looks were refused, where it is too early to try again."""
    return Memory(
        left_id,
        state,
        cause,
        base=state.base,
        attempted=state.attempted,
        rejections={each.name: each for each in remembered(state.notes, at)},
        whole={each.about: each for each in remembered(state.notes, at, WHOLE)},
    )
