"""Both sides are there and belong together: what differs, what is written, and when the two are in step. Pure.

After each write the same question is asked again, of the answer: so what a remote did not take, or what somebody
changed meanwhile, is seen before anything is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recordsync.decide import erased, guard, not_taken, refused
from recordsync.decide.facts import both, claimed_by, home_of, link_as_seen, notes_of, owner_of, wording_of
from recordsync.decide.list_work import all_list_work, list_work, whole_base, with_sight
from recordsync.decide.older import OLDER_SINCE, older_sides, since, without, without_news
from recordsync.decide.plausibility import NUMBER_SEEN, OLDER, REFUSED, evidence_of
from recordsync.decide.unfinished import taken_up
from recordsync.frozen import replace
from recordsync.lists import ListWork
from recordsync.mapping.derived import planned as planned_with_derived
from recordsync.memory.look import Memory
from recordsync.notes import announce, marker_of
from recordsync.observation import Observation
from recordsync.questions import ReadLeft
from recordsync.quoting import LONGEST_IN_STATE, shown
from recordsync.refusals import Rejection, holding, refusing, told
from recordsync.rules import Rules
from recordsync.states import SyncStatus
from recordsync.steps import Announce, Close, Learn, Observe, Reason, Step, WriteLeft, WriteRight, WriteRow
from recordsync.systems import CODES
from synckit.errors import RemoteUnavailable, StaleVersion
from synckit.ports import Attempted, PendingNote
from synckit.reconcile.plan import Canonical, Decision, Notice, NoticeKind, Plan, Side
from synckit.reconcile.three_way import Seen
from synckit.skew import credible

MAX_PUTS, MAX_LIST_READS = 8, 4
"""Of one record in one look: so many only where somebody edits it all the time."""


@dataclass(frozen=True, slots=True)
class Work:
    """What both sides hold, and what is to be done about it. `older`: sides that show what was before."""

    left: Canonical
    right: Canonical
    plan: Plan
    lists: ListWork
    older: tuple[Side, ...] = ()


def in_step(memory: Memory, seen: Observation, rules: Rules) -> Step:
    """From the first plan to the last commit."""
    if not memory.is_taken_up:
        # Asked before anything of ours is written: our own PUT gives a doubted side a new version, and it would look
        # mended.
        doubted = frozenset(older_sides(memory, seen, rules))
        return Learn(replace(taken_up(memory, seen, rules), doubted=doubted))
    if (held := erased.held(memory, seen, rules)) is not None:
        return held
    work = planned(memory, seen, rules)
    return (
        guard.of_work(work.plan, work.lists, memory, seen, rules)
        or _held(work, memory, seen, rules)
        or _announced(work, memory, seen, rules)
        or _right(work, memory, seen, rules)
        or _row(work)
        or _left(work, memory, seen, rules)
        or _settled(work, memory, seen, rules)
    )


def planned(memory: Memory, seen: Observation, rules: Rules) -> Work:
    """Raises RemoteUnavailable where a side shows nothing of the record, TooEarly while a row's POST may still land."""
    left, right = both(seen)
    now = {Side.LEFT: rules.values(Side.LEFT, left), Side.RIGHT: rules.values(Side.RIGHT, right)}
    plan = _plan(now, memory, seen, rules)
    if not plan.decisions:
        # A proxy's page or a cut answer with 200: taken for a record, it would empty every field of the other side.
        silent = Side.RIGHT if now[Side.LEFT] else Side.LEFT
        raise RemoteUnavailable(CODES[silent], "an answer that is not the record")
    lists = list_work(memory, seen, rules)
    doubted = memory.doubted.union(older_sides(memory, seen, rules))
    older = () if memory.is_released else tuple(side for side in Side if side in doubted)
    if older:
        believed = _plan(without_news(older, plan, now, memory), memory, seen, rules)
        return Work(now[Side.LEFT], now[Side.RIGHT], *without(older, believed, lists, memory, rules), older)
    if lists.held and not plan.held:
        plan = Plan(plan.decisions, notices=(Notice(NoticeKind.BRAKE, detail=lists.held),), held=lists.held)
    return Work(now[Side.LEFT], now[Side.RIGHT], plan, lists)


def _plan(now: Mapping[Side, Canonical], memory: Memory, seen: Observation, rules: Rules) -> Plan:
    left, right = both(seen)
    policies = rules.mapping.policies
    known = holding(memory.rejections, policies, now[Side.LEFT], now[Side.RIGHT], memory.state.key)
    return planned_with_derived(
        rules.mapping.derived,
        refusing(rules.mapping, known, policies),
        memory.base,
        (
            Seen(now[Side.LEFT], credible(left.changed_at, seen.at, left.skew)),
            Seen(now[Side.RIGHT], credible(right.changed_at, seen.at, right.skew)),
        ),
        confirmed=memory.is_released,
        again=not_taken.due(memory, seen, rules),
    )


def _held(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """The brake for one record: nothing is written but the state and one note, until a person says go on."""
    if not work.plan.held:
        return None
    left, right = both(seen)
    notes = notes_of(work.plan.notices, memory, seen, rules)
    if any(note.cause not in memory.causes for note in notes):
        return Announce(notes)
    message = f"Angehalten: {work.plan.held}. Freigabe durch die IT."
    return Close(
        "held",
        work.plan.held,
        patch=rules.states.troubled(left.payload, SyncStatus.CONFLICT, message),
        settled=True,
        journal=(("held", {"rule": "brake"}),),
        base=with_sight(memory.base, right.payload, rules),
    )


def _announced(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Whatever is about to be written or told, that is not written down yet."""
    notes = _notes(work, memory, seen, rules)
    wanted = [*work.lists.attempted, *attempts(work.plan, seen)]
    known = {(a.field, a.side, a.left, a.right) for a in memory.attempted}
    fresh = [a for a in wanted if (a.field, a.side, a.left, a.right) not in known]
    if not fresh and all(note.cause in memory.causes for note in notes):
        return None
    conflicts = len({d.field for d in work.plan.conflicts} & {a.field for a in fresh})
    return Announce(notes, tuple(fresh), conflicts)


def _notes(work: Work, memory: Memory, seen: Observation, rules: Rules) -> tuple[PendingNote, ...]:
    marker, owner = marker_of(memory.left_id, memory.state.fence), owner_of(memory, seen, rules)
    side = Side.RIGHT.value
    of_lists = tuple(
        PendingNote(n.cause, n.text, marker, owner, n.field, side if n.field else "", n.expected)
        for n in work.lists.notes
    )
    of_fields = announce(work.plan, wording_of(memory, seen, rules), owner, marker)
    kind = _kind_changed(work, rules)
    return (*of_fields, *notes_of((*memory.notices, *kind), memory, seen, rules), *of_lists)


def attempts(plan: Plan, seen: Observation) -> tuple[Attempted, ...]:
    """What a plan is about to write."""
    return tuple(
        Attempted(d.field, d.write.value, d.left, d.right, seen.at)
        for d in plan.decisions
        if d.write is not None and d.field in (plan.left_writes if d.write is Side.LEFT else plan.right_writes)
    )


def _kind_changed(work: Work, rules: Rules) -> tuple[Notice, ...]:
    """Fields that only the old kind has are emptied along with it, and the user is told what stood there."""
    after = {**work.right, **work.plan.right_writes}
    if rules.mapping.kind_of(work.right) == rules.mapping.kind_of(after):
        return ()
    lost = [
        f"{rules.mapping.label(name)} „{rules.mapping.shown(name, work.right[name])}“"
        for name, value in work.plan.right_writes.items()
        if value is None and work.right.get(name) is not None
    ]
    return (Notice(NoticeKind.KIND_CHANGED, detail=", ".join(lost)),) if lost else ()


def _right(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """First, for it can fail for good. Nothing where none of the fields has a place there.

    A first name, where the desk has made a company of the person meanwhile.
    """
    writes = work.plan.right_writes
    if not writes:
        return None
    _ensure_it_ends(memory, seen)
    _, right = both(seen)
    patch = rules.mapping.patch(Side.RIGHT, work.right, writes)
    if not patch:
        kept = {name: (work.plan.base.left[name], work.right[name]) for name in writes}
        return Learn(replace(memory, base=memory.base.agreeing(kept)))
    # Advoware's PUT empties what it is not sent, so fields that are none of ours go along as they were shown.
    body = rules.mapping.whole_right(right.payload, {**_as_agreed(work, memory, seen, rules), **patch})
    refused.require_not_refused(memory, Side.RIGHT, body)
    # What is written on both sides is agreed on only when the left is written, too.
    later = {n: memory.base.left[n] for n in work.plan.left_writes if n in writes and memory.base.knows(n)}
    reasons = {
        name: replace(reason, left=later.get(name, reason.left))
        for name, reason in _reasons(work.plan.decisions, writes).items()
    }
    return WriteRight(body, reasons, work.right)


def _as_agreed(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Mapping[str, Any]:
    """A PUT replaces the record: from an old snapshot it would bring back what was before.

    Only where that is certain, as we have seen that very version. Any other one may hold what a desk has just saved,
    under a time that is wrong: then the PUT carries what is shown.
    """
    evidence = evidence_of(memory, seen, rules)
    if Side.RIGHT not in work.older or evidence is None or not evidence.was_seen(Side.RIGHT):
        return {}
    names = [p.name for p in rules.mapping.policies if memory.base.knows(p.name) and p.name in work.right]
    moved = {n: memory.base.right[n] for n in names if memory.base.right[n] != work.right[n]}
    kept = {n: value for n, value in moved.items() if rules.mapping.posts(n)}
    return rules.mapping.patch(Side.RIGHT, work.right, kept)


def _row(work: Work) -> Step | None:
    return WriteRow(work.lists.rows[0]) if work.lists.rows else None


def _left(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """What changes, and what the look came to: in one PUT."""
    if work.lists.patch and not seen.lists_read:
        _ensure_it_ends(memory, seen)
        # A PUT replaces the whole list: what a person has entered meanwhile would be lost.
        return Observe((ReadLeft(),))
    values = rules.mapping.patch(Side.LEFT, work.left, work.plan.left_writes)
    news = {**values, **work.lists.patch}
    if memory.is_shown and not news:
        return None
    state = _state(work, memory, seen, rules, is_touched=memory.is_touched or bool(news))
    patch = refused.stripped(memory, seen, {**news, **state})
    if not patch:
        return None
    refused.require_not_refused(memory, Side.LEFT, patch)
    _ensure_it_ends(memory, seen)
    lists = work.lists.base if work.lists.patch else None
    reasons = _reasons(work.plan.decisions, work.plan.left_writes)
    return WriteLeft(patch, reasons, work.left, lists, work.lists.incoming)


def _state(work: Work, memory: Memory, seen: Observation, rules: Rules, *, is_touched: bool) -> Mapping[str, Any]:
    left, right = both(seen)
    if work.older:
        return {}
    link, by_hand = rules.mapping.link_attributes(right.id, right.version), _by_hand(work, rules)
    patch = rules.states.settled(left.payload, link, seen.at, touched=is_touched, by_hand=by_hand)
    lines = _refusals_told(work, memory, seen, rules, patch)
    if not lines:
        return patch
    return rules.states.refused(left.payload, link, f"{'; '.join(lines)}. Bitte korrigieren.")


def _refusals_told(work: Work, memory: Memory, seen: Observation, rules: Rules, patch: Mapping[str, Any]) -> list[str]:
    """Field, reason and value of all that a side does not take."""
    rows = refused.entries_refused(memory, seen, rules, all_list_work(memory, seen, rules).rows)
    lines = told(rules.mapping, work.plan.refusals)
    lines += [f"{label} {known.reason(known.name)}: {shown(value, LONGEST_IN_STATE)}" for known, label, value in rows]
    return lines + refused.told_states(patch, refused.hits(memory, patch))


def _by_hand(work: Work, rules: Rules) -> str:
    """Which fields a person has to bring in step at a desk, because we can't."""
    now_left = {**work.left, **work.plan.left_writes}
    known = [p for p in rules.mapping.policies if p.name in now_left and p.name in work.right]
    apart = [
        p.label
        for p in known
        if rules.mapping.posts(p.name) and p.is_open_between(now_left[p.name], work.right[p.name])
    ]
    return f"Am Arbeitsplatz in Advoware nachzutragen: {', '.join(apart)}." if apart else ""


def _settled(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Step:
    """Both sides hold what was planned."""
    if work.older:
        return _settled_in_part(work, memory, seen, rules)
    _, right = both(seen)
    # A list that was too long is judged by its length, and this look's own writes have changed that.
    counted = replace(memory, rejections=refused.settled_counts(memory, seen, rules))
    rejected = _still_refused(work, counted, seen, rules)
    standing = {
        *(REFUSED + d.field for d in work.plan.refusals),
        *(REFUSED + name for name in _unshown(work, memory, rules)),
        *not_taken.standing(memory, work.left, work.right, rules),
        *_number_seen(memory, seen, rules),
        *refused.causes_of(rejected),
    }
    is_failed = any(each.is_kept for each in rejected) or any(each.name in memory.rejections for each in rejected)
    return Close(
        "failed" if is_failed else _result(work, memory),
        settled=True,
        tells_refusals=True,
        link=link_as_seen(memory, seen, rules, right),
        base=with_sight(whole_base(work.plan.base, work.lists, rules), right.payload, rules),
        standing=frozenset(standing),
    )


def _still_refused(work: Work, memory: Memory, seen: Observation, rules: Rules) -> list[Rejection]:
    """As both sides stand now: what was left out is not tried again until one of them changes."""
    left, right = both(seen)
    rows = refused.entries_refused(memory, seen, rules, all_list_work(memory, seen, rules).rows)
    fields = [memory.rejections[d.field] for d in work.plan.refusals if d.field in memory.rejections]
    link = rules.mapping.link_attributes(right.id, right.version)
    patch = rules.states.settled(left.payload, link, seen.at, touched=False, by_hand=_by_hand(work, rules))
    return [*(known for known, _, _ in rows), *fields, *refused.hits(memory, patch)]


def _settled_in_part(work: Work, memory: Memory, seen: Observation, rules: Rules) -> Step:
    side = work.older[0]
    cause = f"{OLDER_SINCE}{side.value}:{int(since(side, memory, seen))}"
    held = guard.Held(side, guard.DOUBT, OLDER)
    return guard.held_in_part(held, whole_base(work.plan.base, work.lists, rules), cause, memory, seen, rules)


def _unshown(work: Work, memory: Memory, rules: Rules) -> Iterator[str]:
    """Agreed before, and not in an answer now: its base stays behind the version that we remember."""
    shown = work.left.keys() & work.right.keys()
    return (p.name for p in rules.mapping.policies if memory.base.knows(p.name) and p.name not in shown)


def _number_seen(memory: Memory, seen: Observation, rules: Rules) -> frozenset[str]:
    """EspoCRM shows our number, and not as the answer of this look's own write."""
    link = memory.live_link
    if link is None or rules.mapping.child_of is not None:
        return frozenset()
    cause = NUMBER_SEEN + link.right_id
    shows = claimed_by(seen, rules, home_of(None, link)) == link.right_id and memory.left_writes == 0
    return frozenset({cause}) if shows or cause in memory.state.notes else frozenset()


def _result(work: Work, memory: Memory) -> str:
    if work.plan.refusals:
        return "refused"
    is_written = memory.result == "unchanged" and (memory.left_writes or memory.right_writes)
    return "updated" if is_written else memory.result


def _reasons(decisions: tuple[Decision, ...], writes: Canonical) -> dict[str, Reason]:
    return {d.field: Reason(d.rule.value, d.left, d.right) for d in decisions if d.field in writes}


def _ensure_it_ends(memory: Memory, seen: Observation) -> None:
    tries = sum(sieve.tries for sieve in memory.sieves.values())
    if memory.rounds >= MAX_PUTS or seen.list_reads >= MAX_LIST_READS + 2 * tries:
        raise StaleVersion("the record is being edited while it is synced")
