"""What a sync may cost, in calls to the two remotes, all in one place; the sandboxes count.

A call is a request to EspoCRM's or Advoware's API about one record. Not counted: the token (one an hour for the whole
cluster) and what people do. A note to a user is a call of its own and stands apart.

Write amplification is writes ÷ writes that changed something, over PUT and POST to either side. A write changed
something where the record differs afterwards in any attribute but those that move with every write: EspoCRM's
`modifiedAt`, `modifiedById` and `advowareLastSync`, Advoware's `geaendertAm`, `geaendertVon` and `rowId`. So a PUT to
EspoCRM that brings only the state (`syncStatus`, `syncErrorMessage`, …) or the link (`betnr`, `advowareRowId`, which
follows every write to Advoware) counts as a change: a user sees it, or the next reader relies on it. One that brings
nothing but a new `advowareLastSync` is waste.
"""

from __future__ import annotations

from dataclasses import dataclass

MOVES_WITH_EVERY_WRITE = frozenset(
    {"modifiedAt", "modifiedById", "advowareLastSync", "geaendertAm", "geaendertVon", "rowId"}
)


@dataclass(frozen=True)
class Budget:
    """The most that one sync of one record may cost."""

    reads: int
    writes: int
    notes: int = 0


CREATE = Budget(reads=1, writes=2)
UPDATE = Budget(reads=2, writes=2)
DESK_CHANGE = Budget(reads=2, writes=1)
NOTHING_TO_DO = Budget(reads=2, writes=0)
CONFLICT = Budget(reads=2, writes=2, notes=1)
REDELIVERED = Budget(reads=2, writes=0)
"""Each record of a batch that is delivered again although it was synced."""

EXTRA_READS_OF_A_RETRY = 1
"""After a time-out: what the retry may read more than the same case does undisturbed."""
SYNCS_OF_A_QUEUE = 2
"""Of one record, however many of its events wait."""
SWEEP_RECORDS, SWEEP_CALLS = 10_000, 300
"""Unchanged records that the ticker's looks go over, and the calls that this may cost in all."""
AMPLIFICATION_EDITS, AMPLIFICATION = 10_000, 1.0

UNCHANGED_CALENDAR = Budget(reads=3, writes=0)
"""A run of one employee where nothing has changed: two reads of Google at most, one of Advoware."""
CHANGED_CALENDAR = Budget(reads=5, writes=1)
"""A run in which one appointment of either side is to be written on the other: read once more before it is."""
DOCUMENTS_OF_A_NEW_RECORD = 2
"""Reads by which document-sync sees that a new record has no collection, and no documents."""
