"""Fields that follow others, as the label of an address follows its street. Pure.

A text that says what would be composed of the parts anyway is nobody's own: it follows them, also where it stands in
the left record itself (an earlier import wrote it there). One that says something else is kept, and a user is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recordsync.mapping.field import Field
from recordsync.systems import emptied_words
from synckit.reconcile.plan import Base, Canonical, Decision, Notice, NoticeKind, Plan, Rule, Side, Value
from synckit.reconcile.policy import FieldPolicy, Unmappable
from synckit.reconcile.three_way import NOTHING, Seen, reconcile


def planned(
    derived: Sequence[Field],
    policies: Sequence[FieldPolicy],
    base: Base,
    sides: tuple[Seen, Seen],
    *,
    confirmed: bool = False,
    again: Mapping[str, Side] = NOTHING,
) -> Plan:
    """`reconcile` of left and right, and then for those fields that follow others."""
    left, right = sides
    stale = [
        f for f in derived if _is_stale(f, base, left.values) or _is_half_written(f, base, left.values, right.values)
    ]
    now = left
    if stale:
        now = replace(left, values={**left.values, **{f.name: _composed(f, left.values) for f in stale}})
    plan = reconcile(base, now, right, policies, confirmed=confirmed, again=again)
    if plan.emptied is not None:
        words = emptied_words(plan.emptied)
        return replace(plan, held=words, notices=(Notice(NoticeKind.BRAKE, detail=words),))
    for f in derived:
        if f.name in now.values and f.name in right.values:
            plan = _follow(f, plan, base, (now.values, right.values), is_stale=f in stale)
    return plan


def _is_stale(f: Field, base: Base, left: Canonical) -> bool:
    """True where the text is still the one composed of what both agreed on, and its parts have moved on."""
    agreed = base.left.get(f.name)
    if agreed is None or left.get(f.name) != agreed or not f.codec.alike(agreed, _composed(f, base.left)):
        return False
    return not f.codec.alike(agreed, _composed(f, left))


def _is_half_written(f: Field, base: Base, left: Canonical, right: Canonical) -> bool:
    """True where the right holds what the parts make, and the left still the text from before."""
    if f.name not in left or f.name not in right or not base.knows(f.name):
        return False
    stands = (left[f.name], right[f.name]) == (base.left[f.name], base.right[f.name])
    composed = _composed(f, left)
    return stands and not f.codec.alike(left[f.name], composed) and _holds(f, composed, right[f.name])


def _follow(f: Field, plan: Plan, base: Base, sides: tuple[Canonical, Canonical], *, is_stale: bool) -> Plan:
    left, right = sides
    decided = next((d for d in plan.decisions if d.field == f.name), None)
    if decided is None or decided.write is Side.LEFT or any(d.field == f.name for d in plan.refusals):
        return plan
    if is_stale:
        return replace(plan, left_writes={**plan.left_writes, f.name: left[f.name]})
    after = _composed(f, {**left, **plan.left_writes})
    if not f.codec.alike(left[f.name], _composed(f, left)):
        return _kept(f, plan, base, left)
    if f.codec.alike(left[f.name], after):
        return plan
    if _holds(f, after, right[f.name]):
        return _is_there(f, plan, after, right[f.name])
    return _moved(f, plan, after) if decided.rule is Rule.UNCHANGED else plan


def _holds(f: Field, left: Value, right: Value) -> bool:
    try:
        return f.codec.alike(f.codec.to_right(left), right)
    except Unmappable:
        return False


def _is_there(f: Field, plan: Plan, value: Value, right: Value) -> Plan:
    """The right was written first, and holds what the left is composed of once its parts are written."""
    decision = Decision(f.name, Rule.AGREED, value, right)
    return replace(
        plan,
        decisions=tuple(decision if d.field == f.name else d for d in plan.decisions),
        left_writes={**plan.left_writes, f.name: value},
        right_writes={name: written for name, written in plan.right_writes.items() if name != f.name},
        base=Base({**plan.base.left, f.name: value}, {**plan.base.right, f.name: right}),
    )


def _moved(f: Field, plan: Plan, value: Value) -> Plan:
    """The parts come from the right, whose own text still says what they were."""
    try:
        counterpart = f.codec.to_right(value)
    except Unmappable:
        return plan
    decision = Decision(f.name, Rule.LEFT_CHANGED, value, counterpart, Side.RIGHT)
    return replace(
        plan,
        decisions=tuple(decision if d.field == f.name else d for d in plan.decisions),
        left_writes={**plan.left_writes, f.name: value},
        right_writes={**plan.right_writes, f.name: counterpart},
        base=Base({**plan.base.left, f.name: value}, {**plan.base.right, f.name: counterpart}),
    )


def _kept(f: Field, plan: Plan, base: Base, left: Canonical) -> Plan:
    """Somebody's own text beside parts that have changed on the left: no letter may go astray unnoticed."""
    if not base.knows(f.name) or left[f.name] != base.left[f.name]:
        return plan
    before = {**left, **{name: base.left.get(name) for name in plan.right_writes}}
    if f.codec.alike(_composed(f, before), _composed(f, left)):
        return plan
    told = Notice(NoticeKind.OWN_TEXT, f.name, left[f.name], _composed(f, left))
    return replace(plan, notices=(*plan.notices, told))


def _composed(f: Field, record: Canonical) -> Value:
    return f.fallback(record) if f.fallback is not None else None
