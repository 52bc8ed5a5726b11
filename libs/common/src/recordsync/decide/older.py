"""A side that shows an older version than we know: nothing is taken from it, and the other direction goes on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recordsync.decide.plausibility import evidence_of
from recordsync.lists import ListWork, row_name
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.rules import Rules
from synckit.reconcile.plan import Base, Canonical, Plan, Rule, Side

OLDER_SINCE = "older:"
"""Cause `older:<side>:<seconds since the epoch>`: since when that side is doubted."""


def older_sides(memory: Memory, seen: Observation, rules: Rules) -> tuple[Side, ...]:
    """Sides that show an older version than we know, and have not said the same for long enough to be believed."""
    evidence = evidence_of(memory, seen, rules)
    if evidence is None:
        return ()
    doubt_for = rules.settings.doubt_for.total_seconds()
    return tuple(
        side for side in Side if evidence.is_older(side) and seen.at.timestamp() - since(side, memory, seen) < doubt_for
    )


def since(side: Side, memory: Memory, seen: Observation) -> float:
    """When it was first doubted, in seconds since the epoch."""
    begun = f"{OLDER_SINCE}{side.value}:"
    told = [int(cause.removeprefix(begun)) for cause in memory.state.notes if cause.startswith(begun)]
    return min(told, default=int(seen.at.timestamp()))


def without_news(
    older: tuple[Side, ...], plan: Plan, now: Mapping[Side, Canonical], memory: Memory
) -> Mapping[Side, Canonical]:
    """Both sides as if a doubted one showed what was agreed, where it alone shows anything else.

    So its news weigh nothing in the plan, not even in what the brake makes of the whole of it.
    """
    base = {Side.LEFT: memory.base.left, Side.RIGHT: memory.base.right}
    believed = {side: dict(values) for side, values in now.items()}
    for d in plan.decisions:
        for side in older:
            if not memory.base.knows(d.field) or d.write is side or d.rule is Rule.AGREED:
                continue
            # Where the other side has moved as well, the field stays a conflict: a real edit must not win unseen.
            if now[side.other][d.field] == base[side.other][d.field]:
                believed[side][d.field] = base[side][d.field]
    return believed


def without(
    older: tuple[Side, ...], plan: Plan, lists: ListWork, memory: Memory, rules: Rules
) -> tuple[Plan, ListWork]:
    """Nothing is taken from a side that shows what was before; the other direction goes on."""
    names = {d.field for d in plan.decisions if d.write is not None and d.write.other in older}
    before = {n: (memory.base.left[n], memory.base.right[n]) for n in names if memory.base.knows(n)}
    kept = replace(
        plan,
        decisions=tuple(d for d in plan.decisions if d.field not in names),
        left_writes={n: v for n, v in plan.left_writes.items() if n not in names},
        right_writes={n: v for n, v in plan.right_writes.items() if n not in names},
        notices=tuple(n for n in plan.notices if n.field not in names),
        base=plan.base.agreeing(before),
    )
    rows = () if Side.LEFT in older else lists.rows
    put = {row_name(rules.lists.prefix, row) for row in rows} if rules.lists else set()
    # The base of lists stays where it is: what is not taken over is not agreed on. What a row that is written would
    # overwrite is told, and what it would take away is counted, as ever.
    return kept, replace(
        lists,
        rows=rows,
        patch={},
        held="",
        base=Base(),
        notes=tuple(note for note in lists.notes if note.field in put),
        losses=tuple(loss for loss in lists.losses if rows and loss.source not in older),
    )
