"""What earlier looks were about to write and to tell, held against what the sides show now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from recordsync.decide.facts import both
from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.notes import FAILED_FOR_GOOD, is_due
from recordsync.observation import Observation
from recordsync.rules import Rules
from synckit.ports import Attempted, Snapshot
from synckit.reconcile.plan import Base, Canonical, Side


def taken_up(memory: Memory, seen: Observation, rules: Rules) -> Memory:
    """Our own half-done writes count as agreed: else they would look like a person's edits, and win against real ones.

    Writes of a worker that was overtaken are kept for a while: they may still land.
    """
    left, right = both(seen)
    shown = rules.values(Side.LEFT, left), rules.values(Side.RIGHT, right)
    state, posts = memory.state, _posts(memory.state.attempted, rules)
    plain = [a for a in state.attempted if a not in posts and not _is_row(a, rules)]
    late = [a for a in plain if _is_overtaken(a, memory)]
    prompt = [a for a in plain if a not in late]
    done, sides = came_true(prompt, *shown), reached(memory.base, prompt, *shown)
    base = _with_late(resumed(memory.base, prompt, *shown), late, left, shown, memory)
    rows = rules.lists.came_true(base, state.attempted, left.payload, right.payload) if rules.lists else ()
    base = _agreed(base, rows)
    told = (shown[0], {**shown[1], **{row.field: row.right for row in rows}})
    pending = [n for n in state.pending if n.cause != FAILED_FOR_GOOD]  # Untrue once a look came so far.
    return replace(
        memory,
        base=base,
        attempted=tuple({a.field: a for a in (*done, *posts, *rows)}.values()),
        overtaken=tuple(a for a in plain if a not in done and _may_land(a, seen, rules)),
        due=tuple(n for n in pending if is_due(n, *told, sides)),
        is_taken_up=True,
    )


def resumed(base: Base, attempted: Sequence[Attempted], left: Canonical, right: Canonical) -> Base:
    """The base as it would be, had the earlier look come to its end.

    Where the side that was to be written shows what we were about to write, it was us: that pair was agreed on.
    """
    return _agreed(base, came_true(attempted, left, right))


def came_true(attempted: Sequence[Attempted], left: Canonical, right: Canonical) -> list[Attempted]:
    """Those that their side shows. The next announcement must not forget them: they tell our writes from edits."""
    return [a for a in attempted if _shows(a, left, right)]


def reached(base: Base, attempted: Sequence[Attempted], left: Canonical, right: Canonical) -> frozenset[str]:
    """The sides at which a write of ours has arrived for certain: one of its fields shows what was new in it.

    A body is stored whole or not at all, so its other fields were stored with it, whatever a person typed over them
    since.
    """
    done = [a for a in came_true(attempted, left, right) if a.field in left and a.field in right]
    return frozenset(a.side for a in done if _is_new(a, base))


def _with_late(
    base: Base, late: Sequence[Attempted], left: Snapshot, shown: tuple[Canonical, Canonical], memory: Memory
) -> Base:
    """The newer value wins over one that landed late.

    On the left it is known whether we wrote last. On the right it is not: a person may have typed the same, so that
    the field counts as changed on both sides, and the user is told both values.
    """
    base_left, base_right = dict(base.left), dict(base.right)
    for each in came_true(late, *shown):
        if not base.knows(each.field) or (base.left[each.field], base.right[each.field]) == (each.left, each.right):
            continue
        if each.side == Side.RIGHT.value:
            base_left[each.field] = each.left
        elif _is_by_us(left, memory):
            base_left[each.field], base_right[each.field] = each.left, each.right
    return Base(base_left, base_right)


def _is_by_us(left: Snapshot, memory: Memory) -> bool:
    link = memory.link
    return link is not None and left.changed_by is not None and left.changed_by == link.left_written_by


def _is_overtaken(attempt: Attempted, memory: Memory) -> bool:
    """Announced before what is stored now was committed: by a worker that had lost its lock."""
    looked_at = memory.state.looked_at
    return attempt.at is not None and looked_at is not None and attempt.at < looked_at


def _may_land(attempt: Attempted, seen: Observation, rules: Rules) -> bool:
    return attempt.at is not None and seen.at - attempt.at < rules.settings.overtaken_for


def _posts(attempted: Sequence[Attempted], rules: Rules) -> list[Attempted]:
    """POSTs of rows, which have no id yet."""
    return [a for a in attempted if rules.lists and a.field.startswith(f"{rules.lists.prefix}+")]


def _is_row(attempt: Attempted, rules: Rules) -> bool:
    return rules.lists is not None and attempt.field.startswith(rules.lists.prefix)


def _agreed(base: Base, done: Sequence[Attempted]) -> Base:
    return base.agreeing({a.field: (a.left, a.right) for a in done})


def _is_new(attempt: Attempted, base: Base) -> bool:
    if attempt.side == Side.LEFT.value:
        return base.left.get(attempt.field) != attempt.left
    return base.right.get(attempt.field) != attempt.right


def _shows(attempt: Attempted, left: Canonical, right: Canonical) -> bool:
    if attempt.side == Side.LEFT.value:
        return left.get(attempt.field) == attempt.left
    return right.get(attempt.field) == attempt.right
