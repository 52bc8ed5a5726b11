"""A record that is on the left alone: created on the right once, whatever was lost on the way. Pure.

The intent is committed before the POST, and whoever finds one looks first for what that POST may have made.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from recordsync.decide.facts import claimed_by, there
from recordsync.decide.refused import learned, left_out_of_post, require_not_refused
from recordsync.memory.look import Memory
from recordsync.observation import UNASKED, Found, Observation, Rejected
from recordsync.questions import Search
from recordsync.rules import Rules
from recordsync.steps import Close, DropIntent, LinkTo, Observe, Post, Step
from synckit.errors import Ambiguous, TooEarly
from synckit.ports import Intent, Payload, Snapshot
from synckit.reconcile.plan import Base, Canonical, Side, Value
from synckit.reconcile.policy import FieldPolicy, Unmappable

CLOCK_SKEW = timedelta(hours=1)
"""What a remote's clock may be off, without our knowing: asked with that much room first, and then without a time."""


def unlinked(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """None where the record is linked, or names a right record itself."""
    if memory.live_link is not None or memory.claim is not None:
        return None
    left, intent = there(seen.left), memory.state.intent
    if left is None:
        return _left_over(intent, seen, rules)
    # Our POST was answered in this look: its answer is linked as it is, nobody has to search for it.
    if memory.result == "created":
        return _linked(memory, left, there(seen.right), rules, is_recovered=False)
    if claimed_by(seen, rules) is not None:
        return None
    if intent is not None:
        return _recovered(memory, left, intent, seen, rules)
    if seen.posted_in_vain is not None:
        return _there_already(memory, left, seen, rules)
    body = _body(memory, left, seen, rules)
    require_not_refused(memory, Side.RIGHT, body)
    return Post(body)


def _left_over(intent: Intent | None, seen: Observation, rules: Rules) -> Step:
    """Gone on the left before it was ever linked: at most a POST of ours is left over."""
    if intent is None:
        return Close("nothing", remembers=False)
    found = _searched(intent, seen, rules)
    if isinstance(found, Snapshot):
        return LinkTo(found, Base(), "")
    return found


def _recovered(memory: Memory, left: Snapshot, intent: Intent, seen: Observation, rules: Rules) -> Step:
    found = _searched(intent, seen, rules)
    if not isinstance(found, Snapshot):
        return found
    if _is_anothers(found, intent.fingerprint, rules):
        return DropIntent(claim=found.id)
    return _linked(memory, left, found, rules, is_recovered=True)


def _searched(intent: Intent, seen: Observation, rules: Rules) -> Snapshot | Step:
    """What an earlier POST left behind, or the step until that is known."""
    if seen.found is UNASKED:
        # Rows are found by their identity, whenever they were made.
        since = None if rules.mapping.child_of is not None else intent.declared_at - CLOCK_SKEW
        return Observe((Search(intent.fingerprint, since),))
    ours = [c for c in seen.found.records if c.id not in seen.found.taken and _looks_like(c, intent, rules)]
    # Two that look alike: linking the wrong one would write a client's data into another client's record.
    if len(ours) > 1:
        raise Ambiguous("several parties look like the one that was being created", tuple(c.id for c in ours))
    if ours:
        return ours[0]
    _require_settled(intent, seen.found, rules)
    if not seen.found.is_complete:
        # Whatever the clocks say: before anything is posted again, all that there is has been searched.
        return Observe((Search(intent.fingerprint, None),))
    # All was searched after the POST could have landed, and it is not there: it was lost, and may be sent again.
    return DropIntent()


def _require_settled(intent: Intent, found: Found, rules: Rules) -> None:
    """TooEarly where the POST may have landed after we asked: what lands during the answer is not in it."""
    wait = (intent.declared_at + rules.settings.right_timeout - found.asked_at).total_seconds()
    if wait > 0:
        raise TooEarly("advoware", "an earlier POST may still arrive", retry_after=wait)


def _there_already(memory: Memory, left: Snapshot, seen: Observation, rules: Rules) -> Step:
    """The right has a row of that identity: the one of the parent that has it is ours, else the refusal stands."""
    error, body = seen.posted_in_vain, _body(memory, left, seen, rules)
    if error is None:
        raise AssertionError("nothing was refused")
    if rules.mapping.child_of is not None and seen.found is UNASKED:
        return Observe((Search(body, None),))
    if seen.found is UNASKED or len(seen.found.records) != 1:
        return learned(memory, seen, rules, Rejected(error, Post(body)))
    return DropIntent(claim=seen.found.records[0].id)


def _body(memory: Memory, left: Snapshot, seen: Observation, rules: Rules) -> dict[str, Any]:
    mapping, values = rules.mapping, rules.values(Side.LEFT, left)
    # Null and not absent: mappings that derive a value from several fields must see that it is not sent.
    values = {**values, **dict.fromkeys(left_out_of_post(memory, values))}
    body, child = mapping.for_create(values), mapping.child_of
    parent = None if seen.parent is UNASKED else seen.parent.link
    if child is None or parent is None:
        return body
    return {**body, **child.stamp(memory.left_id), child.number: parent.right_id}


def _linked(memory: Memory, left: Snapshot, right: Snapshot | None, rules: Rules, *, is_recovered: bool) -> Step:
    if right is None:
        raise AssertionError("a created record is there")
    values = rules.values(Side.LEFT, left), rules.values(Side.RIGHT, right)
    left_out = left_out_of_post(memory, values[0])
    base = agreed_by_post(*values, rules, left_out, is_recovered=is_recovered)
    return LinkTo(right, base, "recovered" if is_recovered else "created")


def agreed_by_post(
    left: Canonical, right: Canonical, rules: Rules, left_out: Collection[str] = (), *, is_recovered: bool
) -> Base:
    """What both agreed on by the POST. Where it was another's and left has moved since, what left held then."""
    base_left: dict[str, Value] = {}
    base_right: dict[str, Value] = {}
    # Nothing was agreed of what was not posted: what follows the POST tells a user that it is missing there.
    left_out = {*left_out, *rules.mapping.unposted(left)}
    for policy in rules.mapping.policies:
        is_shown = policy.name in right and policy.name in left
        if not rules.mapping.posts(policy.name) or not is_shown or policy.name in left_out:
            continue
        try:
            now = left[policy.name]
            posted = _held_then(policy, now, right[policy.name]) if is_recovered else now
        except Unmappable:
            continue
        base_left[policy.name], base_right[policy.name] = posted, right[policy.name]
    return Base(base_left, base_right)


def _held_then(policy: FieldPolicy, left: Value, right: Value) -> Value:
    return left if policy.agree(left, right) else policy.to_left(right)


def _is_anothers(found: Snapshot, fingerprint: Payload, rules: Rules) -> bool:
    """A row with the identity of what we posted, unmarked and with other values, was there before us."""
    child = rules.mapping.child_of
    return child is not None and not child.owner(found.payload) and not _is_equal(found, fingerprint, rules)


def _looks_like(candidate: Snapshot, intent: Intent, rules: Rules) -> bool:
    # A row is found by its identity, which no other row has.
    return rules.mapping.child_of is not None or _is_equal(candidate, intent.fingerprint, rules)


def _is_equal(candidate: Snapshot, fingerprint: Payload, rules: Rules) -> bool:
    now, posted = rules.values(Side.RIGHT, candidate), rules.mapping.read(Side.RIGHT, fingerprint)
    alike = {policy.name: policy.alike for policy in rules.mapping.policies}
    return all(alike[name](now.get(name), value) for name, value in posted.items())
