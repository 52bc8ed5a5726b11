"""How much one run may lose without a person: deletions and emptied fields, counted as a person decides. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from calendar_sync.domain.memory import HeldList, Memory, State
from calendar_sync.domain.plan_value import Step

LEAST = 3
SHARE = 0.1
OFFICE_LEAST = 20
OFFICE_SHARE = 0.02


def losses(steps: Iterable[Step]) -> tuple[str, ...]:
    """One entry for each thing that a person would decide, sorted: keys of series and pairs, `key:field` of emptied."""
    found: set[str] = set()
    for step in steps:
        if step.is_exempt:
            continue
        if step.action.deletes:
            found.add(step.decision or step.key)
        found |= {f"{step.decision or step.key}:{name}" for name in step.empties}
    return tuple(sorted(found))


def allowed(memory: Memory) -> int:
    """Losses in one run of one employee."""
    live = sum(1 for row in memory.rows if row.state is State.LINKED)
    return max(LEAST, int(SHARE * live))


def exceeds(memory: Memory, lost: Sequence[str]) -> bool:
    """True where a person must look at it: too much for this run, or for the whole office in a day."""
    asked = [each for each in lost if each not in memory.diary.released]
    office = max(OFFICE_LEAST, int(OFFICE_SHARE * memory.office_live))
    return len(asked) > allowed(memory) or (bool(asked) and memory.office_deleted + len(asked) > office)


def held(memory: Memory, lost: Sequence[str], now: datetime) -> HeldList:
    """Exactly this list, known by its digest."""
    keys = tuple(each for each in lost if each not in memory.diary.released)
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
    known = memory.diary.held
    return HeldList(digest, keys, known.since if known is not None and known.digest == digest else now)


def is_held(step: Step, keys: frozenset[str]) -> bool:
    """True for a step that the list holds."""
    if step.is_exempt:
        # What goes with a series waits for the series.
        return step.action.deletes and step.decision != step.key and step.decision in keys
    decision = step.decision or step.key
    return (step.action.deletes and decision in keys) or any(f"{decision}:{name}" in keys for name in step.empties)
