"""The laws of the core, over every registered entity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync.entities.registry import REGISTRY
from recordsync.mapping.field import EntityMapping
from recordsync.testing.strategies import payload, records
from synckit.reconcile.plan import Base, Canonical, Direction, NoticeKind, Plan, Rule, Side, Value
from synckit.reconcile.policy import FieldPolicy, Unmappable
from synckit.reconcile.three_way import Seen, reconcile

ENTITIES = [pytest.param(m, id=m.entity) for m in REGISTRY]


@dataclass(frozen=True)
class Pair:
    """Two sides and what they last agreed on."""

    base: Base
    left: Canonical
    right: Canonical

    def plan(self, mapping: EntityMapping) -> Plan:
        return reconcile(self.base, Seen(self.left), Seen(self.right), mapping.policies)

    def after(self, plan: Plan) -> Pair:
        return Pair(plan.base, {**self.left, **plan.left_writes}, {**self.right, **plan.right_writes})


def essential(mapping: EntityMapping) -> tuple[str, ...]:
    return tuple(f.name for f in mapping.fields if f.essential)


def pairs(mapping: EntityMapping, *, based: bool = True) -> st.SearchStrategy[Pair]:
    """A linked pair whose base was agreed on, then both sides as they are now: at random, or as they were."""
    left, right = (records(mapping, side, filled=essential(mapping)) for side in Side)

    @st.composite
    def build(draw: st.DrawFn) -> Pair:
        old_left, old_right = draw(left), draw(right)
        first = Pair(Base(), old_left, old_right)
        agreed = first.after(first.plan(mapping))
        now_left, now_right = draw(left), draw(right)
        moved = draw(st.sets(st.sampled_from([f.name for f in mapping.fields])))
        mixed_left = {n: now_left[n] if n in moved else v for n, v in agreed.left.items()}
        mixed_right = {n: now_right[n] if draw(st.booleans()) else v for n, v in agreed.right.items()}
        return Pair(agreed.base if based else Base(), mixed_left, mixed_right)

    return build()


def counterpart(policy: FieldPolicy, value: Value, target: Side) -> Value:
    try:
        return policy.convert(value, target)
    except Unmappable:
        return None


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_applying_a_plan_and_looking_again_gives_an_empty_plan(mapping: EntityMapping, data: st.DataObject) -> None:
    pair = data.draw(pairs(mapping, based=data.draw(st.booleans())))
    plan = pair.plan(mapping)
    again = pair.after(plan).plan(mapping)
    assert plan.held or plan.refusals or again.is_empty


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_what_changed_on_one_side_only_is_on_both_sides_afterwards(mapping: EntityMapping, data: st.DataObject) -> None:
    pair = data.draw(pairs(mapping))
    plan = pair.plan(mapping)
    after = pair.after(plan)
    refused = {d.field for d in plan.refusals}
    for policy in mapping.policies:
        name = policy.name
        left_moved, right_moved = pair.left[name] != pair.base.left[name], pair.right[name] != pair.base.right[name]
        if plan.held or name in refused or left_moved == right_moved:
            continue
        if left_moved and policy.writes(Side.RIGHT):
            assert after.left[name] == pair.left[name]
            assert policy.agree(after.left[name], after.right[name])
        if right_moved and name not in {n.field for n in plan.notices}:
            assert after.right[name] == pair.right[name]
            assert policy.agree(after.left[name], after.right[name])


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_both_changed_puts_the_winner_on_both_sides_and_the_loser_into_the_notice(
    mapping: EntityMapping, data: st.DataObject
) -> None:
    pair = data.draw(pairs(mapping))
    plan = pair.plan(mapping)
    after = pair.after(plan)
    notices = {n.field: n for n in plan.notices if n.kind is NoticeKind.CONFLICT}
    for decision in plan.conflicts:
        if plan.held or decision.field in {d.field for d in plan.refusals}:
            continue
        assert after.left[decision.field] == pair.left[decision.field]
        assert notices[decision.field].left == pair.left[decision.field]
        assert notices[decision.field].right == pair.right[decision.field]


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_a_side_that_alone_changed_a_field_is_never_overwritten_there(
    mapping: EntityMapping, data: st.DataObject
) -> None:
    pair = data.draw(pairs(mapping))
    plan = pair.plan(mapping)
    for decision in plan.decisions:
        name = decision.field
        if decision.rule is Rule.LEFT_CHANGED:
            assert name not in plan.left_writes
        if decision.rule is Rule.RIGHT_CHANGED:
            assert name not in plan.right_writes


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_fields_that_only_advoware_keeps_are_never_written_there(mapping: EntityMapping, data: st.DataObject) -> None:
    plan = data.draw(pairs(mapping, based=data.draw(st.booleans()))).plan(mapping)
    read_only = {p.name for p in mapping.policies if p.direction is Direction.TO_LEFT}
    assert not read_only & set(plan.right_writes)


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_an_answer_that_lacks_fields_never_empties_the_other_side(mapping: EntityMapping, data: st.DataObject) -> None:
    pair = data.draw(pairs(mapping))
    lost = data.draw(st.sets(st.sampled_from([f.name for f in mapping.fields]), min_size=1))
    partial = replace(pair, right={n: v for n, v in pair.right.items() if n not in lost})
    plan = partial.plan(mapping)
    assert not lost & (set(plan.left_writes) | set(plan.right_writes))
    assert plan.held or all(plan.base.left.get(n) == pair.base.left[n] for n in lost)


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_what_is_essential_is_never_blanked_and_never_more_than_half_of_a_record(
    mapping: EntityMapping, data: st.DataObject
) -> None:
    pair = data.draw(pairs(mapping))
    emptied = replace(pair, right=dict.fromkeys(pair.right))
    plan = emptied.plan(mapping)
    blanked = [n for n, v in plan.left_writes.items() if v is None and pair.left[n] is not None]
    assert not set(essential(mapping)) & set(blanked)
    assert len(blanked) * 2 <= sum(1 for v in pair.left.values() if v is not None)
    if plan.held:
        assert not plan.left_writes
        assert not plan.right_writes
        assert plan.base == emptied.base


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_reading_back_what_a_codec_wrote_is_the_identity(mapping: EntityMapping, data: st.DataObject) -> None:
    side = data.draw(st.sampled_from(list(Side)))
    record = data.draw(records(mapping, side))
    assert mapping.read(side, payload(mapping, side, record)) == record


@pytest.mark.parametrize("mapping", ENTITIES)
@given(data=st.data())
def test_a_put_carries_every_writable_field_and_touches_no_other(mapping: EntityMapping, data: st.DataObject) -> None:
    pair = data.draw(pairs(mapping))
    plan = pair.plan(mapping)
    shown = {**payload(mapping, Side.RIGHT, dict(pair.right)), "unmapped": "stays"}
    body = mapping.whole_right(shown, mapping.patch(Side.RIGHT, pair.right, plan.right_writes))
    assert set(body) == set(mapping.put_takes)
    assert mapping.read(Side.RIGHT, {**shown, **body}) == {
        n: v if n in mapping.read(Side.RIGHT, {**shown, **body}) else None
        for n, v in _of_its_kind(mapping, {**pair.right, **plan.right_writes}).items()
    }


def _of_its_kind(mapping: EntityMapping, record: Canonical) -> Canonical:
    kind = mapping.kind_of(record)
    return {f.name: record[f.name] if f.attribute(Side.RIGHT, kind) else None for f in mapping.fields}
