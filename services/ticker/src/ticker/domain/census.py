"""How our memory stands as a whole, in numbers: nothing of any record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LINKED, TOMBSTONE = "linked", "tombstone"
STATES = (LINKED, TOMBSTONE)


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of records. `parked` by (noun, reason), `records` by (noun, state), the others by noun.

    `waiting_seconds`: since the longest waiting parked record failed first. `unlooked`: linked, and not looked at for
    as long as the ticker allows. `notes`: written down for a user, and not posted yet.
    """

    parked: Mapping[tuple[str, str], int] = field(default_factory=dict)
    waiting_seconds: Mapping[str, float] = field(default_factory=dict)
    records: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unlooked: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
