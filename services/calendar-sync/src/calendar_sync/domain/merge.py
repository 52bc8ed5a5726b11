"""One pair, field by field: the reconcile core decides, and the fields that belong together stay together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from calendar_sync.domain.desk_form import NO_TITLE
from calendar_sync.domain.google_form import UNTITLED
from calendar_sync.domain.local_time import MINUTE, on_the_clock, to_minute
from calendar_sync.domain.values import FIELDS, TIMES, Appointment
from synckit.reconcile.plan import Base, Canonical, Decision, Direction, Rule, Side, Value
from synckit.reconcile.policy import FieldPolicy
from synckit.reconcile.three_way import Seen, decide

ADVOWARE, GOOGLE = Side.LEFT, Side.RIGHT


@dataclass(frozen=True, slots=True)
class MergeRules:
    """For one pair. `winner` is the side whose value stands where both changed one field.

    `left_out` are fields that nobody carries over, `to_google` and `to_desk` those that go one way alone.
    """

    winner: Side = ADVOWARE
    left_out: frozenset[str] = frozenset()
    to_google: frozenset[str] = frozenset()
    to_desk: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed this field. `kept` stands on both sides now, `lost` stood on the side of `loser`."""

    field: str
    loser: Side
    kept: Value
    lost: Value


@dataclass(frozen=True, slots=True)
class Merged:
    """What each side shall hold. `to_desk` and `to_google` are the fields that are written there.

    `agreed` are fields on which nobody has to be written, though the base says something else.
    """

    left: Appointment
    right: Appointment
    to_desk: frozenset[str] = frozenset()
    to_google: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()
    conflicts: tuple[Conflict, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)


def merge(base: Base, left: Appointment, right: Appointment, rules: MergeRules) -> Merged:
    """Every field of both, by what each side held when they agreed."""
    told: dict[str, tuple[Canonical, ...]] = {"now": (left.as_fields(), right.as_fields())}
    now_left, now_right = told["now"]
    decisions = {
        name: decide(_policy(name, rules), base, Seen(now_left), Seen(now_right))
        for name in FIELDS
        if name not in rules.left_out
    }
    decisions = _kept_together(decisions, now_left, now_right, rules)
    made_left = _made(left, decisions, ADVOWARE)
    if _is_without_length(base.left) and "end" in decisions and decisions["end"].write is ADVOWARE:
        made_left = _still_without_length(made_left)
    return Merged(
        made_left,
        _made(right, decisions, GOOGLE),
        frozenset(name for name, each in decisions.items() if each.write is ADVOWARE),
        frozenset(name for name, each in decisions.items() if each.write is GOOGLE),
        frozenset(name for name, each in decisions.items() if each.write is None and _moved(base, each)),
        tuple(_conflict(each, now_left, now_right) for each in decisions.values() if each.rule is Rule.CONFLICT),
        {name: each.rule.value for name, each in decisions.items() if each.write is not None},
    )


def has_changed(base: Canonical, now: Appointment, left_out: frozenset[str] = frozenset()) -> bool:
    """True where a side is not what it was when both agreed."""
    fields = now.as_fields()
    return any(base.get(name) != fields[name] for name in FIELDS if name not in left_out and name in base)


def later_side(
    at_desk: datetime | None, in_google: datetime | None, skew: timedelta, source: Side, margin: timedelta
) -> Side:
    """Who changed last, where both times are known and apart by more than the margin; else the source."""
    if at_desk is None or in_google is None:
        return source
    ahead = (in_google - skew) - at_desk
    if abs(ahead) <= margin:
        return source
    return GOOGLE if ahead > timedelta(0) else ADVOWARE


def _policy(name: str, rules: MergeRules) -> FieldPolicy:
    direction = Direction.BOTH
    if name in rules.to_google:
        direction = Direction.TO_RIGHT
    elif name in rules.to_desk:
        direction = Direction.TO_LEFT
    told: dict[str, Any] = {}
    if name == "title":
        told = {"to_right": lambda value: value or UNTITLED, "to_left": lambda value: value or NO_TITLE}
    elif name in ("start", "end"):
        told = {"to_right": on_the_clock, "to_left": to_minute}
    return FieldPolicy(name, name, direction, rules.winner, **told)


def _kept_together(
    decisions: dict[str, Decision], left: Canonical, right: Canonical, rules: MergeRules
) -> dict[str, Decision]:
    """Start, end and whole days of one side, where those of both together make no sense."""
    times = [decisions[name] for name in TIMES if name in decisions]
    sides = {each.write for each in times if each.write is not None}
    if len(sides) < 2 or len(times) < len(TIMES):
        return decisions
    is_mixed = decisions["all_day"].write is not None
    start, end = decisions["start"], decisions["end"]
    ends_first = any(one < other for one, other in ((end.left, start.left), (end.right, start.right)))  # type: ignore[operator]
    if not (is_mixed or ends_first):
        return decisions
    winner = rules.winner
    taken = {}
    for name in TIMES:
        policy = _policy(name, rules)
        value = policy.convert(left[name] if winner is ADVOWARE else right[name], winner.other)
        pair = (left[name], value) if winner is ADVOWARE else (value, right[name])
        rule = Rule.CONFLICT if decisions[name].write is winner else decisions[name].rule
        write = winner.other if pair != (left[name], right[name]) else None
        taken[name] = Decision(name, rule, pair[0], pair[1], write)
    return {**decisions, **taken}


def _made(now: Appointment, decisions: Mapping[str, Decision], side: Side) -> Appointment:
    chosen = {name: each.left if side is ADVOWARE else each.right for name, each in decisions.items()}
    return Appointment.of_fields({**now.as_fields(), **chosen})


def _moved(base: Base, decision: Decision) -> bool:
    if not base.knows(decision.field):
        return True
    return (base.left[decision.field], base.right[decision.field]) != (decision.left, decision.right) and (
        decision.rule is not Rule.READ_ONLY
    )


def _conflict(decision: Decision, left: Canonical, right: Canonical) -> Conflict:
    loser = decision.write or GOOGLE
    lost = left[decision.field] if loser is ADVOWARE else right[decision.field]
    return Conflict(decision.field, loser, decision.left if loser is ADVOWARE else decision.right, lost)


def _is_without_length(base: Canonical) -> bool:
    return bool(base) and base.get("start") == base.get("end") and not base.get("all_day")


def _still_without_length(left: Appointment) -> Appointment:
    """It was sent as one minute, and came back as one."""
    return replace(left, end=left.start) if left.end - left.start == MINUTE else left
