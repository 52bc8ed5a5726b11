"""How a sync that began now would end, as a word and counts of writes: for programs, without any value. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from recordsync.decide.in_step import planned
from recordsync.explain.findings import Findings
from recordsync.explain.foreseen import Foreseen, Unknown, foreseen
from recordsync.rules import Rules
from recordsync.steps import Close, DeleteRight, Forget, LinkTo, Post, Show, Stop, Wait, WriteLeft, WriteRight, WriteRow
from synckit.errors import TransientError

DECIDED = "decided"
"""A person has decided something, and what follows from it is seen only once it is done."""
WAITS = "parked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`outcome` is the word that the engine ends such a look with, `decided`, or `parked` where it would wait.

    Writes are calls: one PUT of the record, one a row, one of the state on the left.
    """

    outcome: str
    left_writes: int = 0
    right_writes: int = 0


def verdict(findings: Findings, rules: Rules) -> Verdict:
    """Of the very step that a look would take next. Raises Unknown where a system is away."""
    away = findings.memory.trouble or findings.left.trouble
    if away:
        raise Unknown(away)
    try:
        told = foreseen(findings, rules)
    except Unknown as unknown:
        if unknown.kind == DECIDED:
            return Verdict(DECIDED)
        raise
    return _of_step(told, rules)


def _of_step(told: Foreseen, rules: Rules) -> Verdict:  # noqa: C901 -- one line a step
    result = told.memory.result
    match told.step:
        case Close(result=ended, patch=patch):
            return Verdict(ended, int(bool(patch)))
        case WriteRight() | WriteRow() | WriteLeft():
            return _in_step(told, rules)
        case Post():
            return Verdict("created", 1, 1)
        case LinkTo(result=linked):
            return Verdict(linked or ("adopted" if result == "unchanged" else result), 1)
        case Wait(patch=patch):
            return Verdict("waits_for_parent", int(bool(patch)))
        case DeleteRight():
            return Verdict("deleted_left", 0, 1)
        case Show(patch=patch):
            return Verdict("duplicate", int(bool(patch)))
        case Forget():
            return Verdict(DECIDED)
        case Stop(error=error):
            return Verdict(WAITS if isinstance(error, TransientError) else "failed")
        case _:
            return Verdict(result)


def _in_step(told: Foreseen, rules: Rules) -> Verdict:
    """Whatever is written, EspoCRM gets its state in one call with its own values."""
    work, result = planned(told.memory, told.seen, rules), told.memory.result
    right = int(bool(work.plan.right_writes)) + len(work.lists.rows)
    ended = "refused" if work.plan.refusals else "updated" if result == "unchanged" else result
    return Verdict(ended, 1, right)
