"""What an earlier look was about to write, held against what the sides show now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from synckit.ports import Attempted
from synckit.reconcile.plan import Base, Canonical, Plan, Side


def attempts(plan: Plan) -> tuple[Attempted, ...]:
    """What a plan is about to write."""
    return tuple(
        Attempted(d.field, d.write.value, d.left, d.right)
        for d in plan.decisions
        if d.write is not None and d.field in (plan.left_writes if d.write is Side.LEFT else plan.right_writes)
    )


def resumed(base: Base, attempted: Sequence[Attempted], left: Canonical, right: Canonical) -> Base:
    """The base as it would be, had the earlier look come to its end.

    Where the side that was to be written shows what we were about to write, it was us: that pair was agreed on.
    Without this, our own half-done write would look like a person's edit, and win against a real one.
    """
    done = came_true(attempted, left, right)
    return Base(
        {**base.left, **{a.field: a.left for a in done}},
        {**base.right, **{a.field: a.right for a in done}},
    )


def came_true(attempted: Sequence[Attempted], left: Canonical, right: Canonical) -> list[Attempted]:
    """Those that their side shows. The next announcement must not forget them: they tell our writes from edits."""
    return [a for a in attempted if _shown(a, left, right)]


def reached(base: Base, attempted: Sequence[Attempted], left: Canonical, right: Canonical) -> frozenset[str]:
    """The sides at which a write of ours has arrived for certain: one of its fields shows what was new in it.

    A body is stored whole or not at all, so its other fields were stored with it, whatever a person typed over them
    since.
    """
    done = [a for a in came_true(attempted, left, right) if a.field in left and a.field in right]
    return frozenset(a.side for a in done if _is_new(a, base))


def _is_new(attempt: Attempted, base: Base) -> bool:
    if attempt.side == Side.LEFT.value:
        return base.left.get(attempt.field) != attempt.left
    return base.right.get(attempt.field) != attempt.right


def _shown(attempt: Attempted, left: Canonical, right: Canonical) -> bool:
    if attempt.side == Side.LEFT.value:
        return left.get(attempt.field) == attempt.left
    return right.get(attempt.field) == attempt.right
