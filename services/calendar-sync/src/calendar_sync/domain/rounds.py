"""One round over all employees: whose turn comes first, and when each begins. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
SLOT = timedelta(minutes=15)
JITTER = 0.25
"""Of a slot: two runs of one employee are between 0.75 and 1.25 slots apart."""


@dataclass(frozen=True, slots=True)
class Employee:
    """What a round asks of one employee. `state` is the calendar's; `unsaved`: the last run left something to do."""

    kuerzel: str
    state: str = "none"
    unsaved: bool = False
    synced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Who, and not before when; None: at once."""

    kuerzel: str
    not_before: datetime | None = None


def in_order(active: Iterable[str], known: Mapping[str, Employee], chosen: Collection[str] = ()) -> Sequence[str]:
    """Those longest not synced first, among those of one slot the ones with unsaved work. `chosen`: empty is all.

    Who is known and not in Advoware's list any more comes as well, until the run has said so.
    """
    leaving = [one.kuerzel for one in known.values() if one.state != "left"]
    names = {name for name in (*active, *leaving) if not chosen or name in chosen}

    def key(name: str) -> tuple[int, bool, datetime, str]:
        employee = known.get(name, Employee(name))
        at = employee.synced_at or NEVER
        return int(at.timestamp() // SLOT.total_seconds()), not employee.unsaved, at, name

    return sorted(names, key=key)


def turns(names: Sequence[str], at: datetime, *, by_hand: bool) -> Sequence[Turn]:
    """By hand all at once; else each with a delay of its own, so that nobody's quota is hit at :00."""
    return [Turn(name, None if by_hand else at + jitter(name, at)) for name in names]


def jitter(kuerzel: str, at: datetime) -> timedelta:
    """Up to a quarter of a slot, another one in each slot, the same on every replica."""
    slot = int(at.timestamp() // SLOT.total_seconds())
    digest = hashlib.sha256(f"{kuerzel}|{slot}".encode()).digest()
    return SLOT * JITTER * (int.from_bytes(digest[:4], "big") / 2**32)
