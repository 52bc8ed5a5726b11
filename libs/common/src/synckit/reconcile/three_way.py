"""base × left × right → Plan. The whole policy of the product is the table in `decide`; it does no I/O.

"Changed" is always this side now against this side then, never left against right.
A field that one side did not show is unknown: nobody touches it, and its base stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from synckit.reconcile.brake import emptied_by
from synckit.reconcile.plan import Base, Canonical, Decision, Direction, Notice, NoticeKind, Plan, Rule, Side, Value
from synckit.reconcile.policy import FieldPolicy, Unmappable

CLOCK_MARGIN_SECONDS = 2.0
EMPTIED = "emptied"
"""Why a plan is held, for a program; `Plan.emptied` says of what."""
NOTHING: Mapping[str, Side] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Seen:
    """One side now: its canonical values, and when it says that it was changed (None: unknown)."""

    values: Canonical
    changed_at: datetime | None = None


def reconcile(
    base: Base,
    left: Seen,
    right: Seen,
    policies: Sequence[FieldPolicy],
    *,
    confirmed: bool = False,
    again: Mapping[str, Side] = NOTHING,
) -> Plan:
    """Decides every field, then holds what a side refuses, then asks the brake (unless a person has `confirmed`).

    `again`: fields that a side did not take, and that are tried once more if nobody has changed them since.
    """
    known = [p for p in policies if p.name in left.values and p.name in right.values]
    decisions = tuple([decide(p, base, left, right) for p in known])
    if again:
        decisions = tuple(_once_more(d, p, again.get(p.name)) for d, p in zip(decisions, known, strict=True))
    kept, refusals = _refuse(decisions, known, left.values, right.values)
    left_writes = {d.field: d.left for d in kept if d.write is Side.LEFT}
    right_writes = {d.field: d.right for d in kept if d.write is Side.RIGHT}
    emptied = None if confirmed else emptied_by(left.values, left_writes, right.values, right_writes, known)
    if emptied is not None:
        return Plan(decisions=decisions, base=base, held=EMPTIED, emptied=emptied)
    return Plan(
        decisions=decisions,
        left_writes=left_writes,
        right_writes=right_writes,
        notices=tuple(n for d in kept if (n := _notice(d, left.values, right.values))),
        refusals=refusals,
        base=base.agreeing({d.field: (d.left, d.right) for d in kept if d.rule is not Rule.UNCHANGED}),
    )


def decide(policy: FieldPolicy, base: Base, left: Seen, right: Seen) -> Decision:
    """One field, one row of the table."""
    name = policy.name
    now_left, now_right = left.values[name], right.values[name]
    if not base.knows(name):
        return _without_base(policy, left, right)
    changed_left = now_left != base.left[name]
    changed_right = now_right != base.right[name]
    if not (changed_left or changed_right):
        return Decision(name, Rule.UNCHANGED, now_left, now_right)
    if policy.agree(now_left, now_right):
        return _stays(policy, Rule.AGREED, now_left, now_right)
    if changed_left and changed_right:
        return _both_changed(policy, now_left, now_right)
    if changed_left:
        return _towards(policy, Side.RIGHT, Rule.LEFT_CHANGED, now_left, now_right)
    if policy.direction is Direction.TO_RIGHT:
        return _towards(policy, Side.RIGHT, Rule.DRIFT, now_left, now_right)
    return _towards(policy, Side.LEFT, Rule.RIGHT_CHANGED, now_left, now_right)


def _once_more(decision: Decision, policy: FieldPolicy, target: Side | None) -> Decision:
    if target is None or decision.rule is not Rule.UNCHANGED or policy.agree(decision.left, decision.right):
        return decision
    rule = Rule.RIGHT_CHANGED if target is Side.LEFT else Rule.LEFT_CHANGED
    return _towards(policy, target, rule, decision.left, decision.right)


def _both_changed(policy: FieldPolicy, left: Value, right: Value) -> Decision:
    if policy.direction is Direction.TO_RIGHT:
        return _towards(policy, Side.RIGHT, Rule.LEFT_CHANGED, left, right)
    if policy.direction is Direction.TO_LEFT:
        return _towards(policy, Side.LEFT, Rule.READ_ONLY, left, right)
    return _towards(policy, policy.winner.other, Rule.CONFLICT, left, right)


def _without_base(policy: FieldPolicy, left: Seen, right: Seen) -> Decision:
    now_left, now_right = left.values[policy.name], right.values[policy.name]
    if policy.agree(now_left, now_right):
        return _stays(policy, Rule.AGREED, now_left, now_right)
    if now_right is None:
        return _towards(policy, Side.RIGHT, Rule.FILLED, now_left, now_right)
    if now_left is None:
        return _towards(policy, Side.LEFT, Rule.FILLED, now_left, now_right)
    source = policy.winner
    if left.changed_at and right.changed_at:
        ahead = (left.changed_at - right.changed_at).total_seconds()
        if abs(ahead) > CLOCK_MARGIN_SECONDS:
            source = Side.LEFT if ahead > 0 else Side.RIGHT
    if not policy.writes(source.other):
        source = source.other
    return _towards(policy, source.other, Rule.ADOPTED, now_left, now_right)


def _towards(policy: FieldPolicy, target: Side, rule: Rule, left: Value, right: Value) -> Decision:
    """Writes `target` from the other side, or agrees to disagree where that can't be done."""
    if not policy.writes(target):
        return _stays(policy, Rule.READ_ONLY, left, right)
    try:
        if target is Side.RIGHT:
            return Decision(policy.name, rule, left, policy.to_right(left), target)
        return Decision(policy.name, rule, policy.to_left(right), right, target)
    except Unmappable as exc:
        return _stays(policy, Rule.UNMAPPABLE, left, right, str(exc))


def _stays(policy: FieldPolicy, rule: Rule, left: Value, right: Value, reason: str = "") -> Decision:
    return Decision(policy.name, rule, left, right, None, reason)


def _refuse(
    decisions: Sequence[Decision], policies: Sequence[FieldPolicy], left: Canonical, right: Canonical
) -> tuple[list[Decision], tuple[Decision, ...]]:
    """Splits off the writes that their target can't hold: those are not made, and their base stays."""
    written = [d for d in decisions if d.write is not None]
    if not written:
        return list(decisions), ()
    after = {
        Side.LEFT: {**left, **{d.field: d.left for d in written}},
        Side.RIGHT: {**right, **{d.field: d.right for d in written}},
    }
    kept: list[Decision] = []
    refused: list[Decision] = []
    for d, policy in zip(decisions, policies, strict=True):
        if d.write is not None and (why := policy.refuses(d.write, d.written, after[d.write])):
            refused.append(Decision(d.field, Rule.REFUSED, left[d.field], right[d.field], d.write, why))
        else:
            kept.append(d)
    return kept, tuple(refused)


_NOTICES = {
    Rule.CONFLICT: NoticeKind.CONFLICT,
    Rule.READ_ONLY: NoticeKind.READ_ONLY,
    Rule.ADOPTED: NoticeKind.ADOPTED,
    Rule.UNMAPPABLE: NoticeKind.UNMAPPABLE,
}


def _notice(decision: Decision, left: Canonical, right: Canonical) -> Notice | None:
    """Both values as they were before, for the user; None where nobody needs to be told."""
    kind = _NOTICES.get(decision.rule)
    if kind is None:
        return None
    return Notice(kind, decision.field, left[decision.field], right[decision.field], decision.reason)
