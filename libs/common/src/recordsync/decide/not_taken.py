"""A field that a remote answered without having taken it: told once, and tried again after a day. Pure.

A right may have been mended meanwhile. What a contract calls read-only is never written at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from recordsync.frozen import replace
from recordsync.memory.look import Memory
from recordsync.notes import cause_of
from recordsync.observation import Observation
from recordsync.rules import Rules
from recordsync.steps import Reason
from synckit.reconcile.plan import Canonical, Notice, NoticeKind, Side

SINCE = "retry:"
"""Cause `retry:<side>:<field>:<seconds since the epoch>`."""


def due(memory: Memory, seen: Observation, rules: Rules) -> Mapping[str, Side]:
    """Fields that are tried again now, and the side that is to take them."""
    retry = rules.settings.not_taken_retry.total_seconds()
    tried = {each.field for each in memory.notices} | memory.tried_again
    return {
        name: side
        for side, name, at in _known(memory.state.notes)
        if seen.at.timestamp() - at >= retry and name not in tried
    }


def found(writes: Mapping[str, Reason], before: Canonical, now: Canonical, side: Side) -> dict[str, Reason]:
    """Those of our writes that the answer shows as they were before."""
    return {
        name: reason
        for name, reason in writes.items()
        if name in now
        and now[name] == before.get(name)
        and now[name] != (reason.left if side is Side.LEFT else reason.right)
    }


def noticed(memory: Memory, fields: Mapping[str, Reason], held: Canonical, side: Side, seen: Observation) -> Memory:
    """With a note for each of them, and the time from which they are tried again."""
    at = int(seen.at.timestamp())
    notices = tuple(_notice(name, reason, held.get(name), side) for name, reason in fields.items())
    return replace(
        memory,
        notices=(*memory.notices, *notices),
        standing=memory.standing | {f"{SINCE}{side.value}:{name}:{at}" for name in fields},
        tried_again=memory.tried_again | frozenset(fields),
    )


def standing(memory: Memory, left: Canonical, right: Canonical, rules: Rules) -> frozenset[str]:
    """What of it still stands at the end of a look, the note's own cause included: it is not told again."""
    fresh = {name for _, name, _ in _known(memory.standing)}
    kept: set[str] = set()
    for side, name, at in _known(memory.state.notes | memory.standing):
        is_apart = memory.base.knows(name) and (left.get(name), right.get(name)) == (
            memory.base.left[name],
            memory.base.right[name],
        )
        is_replaced = name in fresh and f"{SINCE}{side.value}:{name}:{at}" not in memory.standing
        if is_apart and not is_replaced and not _agree(name, left, right, rules):
            reason = Reason("", left[name], right[name])
            held = left[name] if side is Side.LEFT else right[name]
            kept |= {f"{SINCE}{side.value}:{name}:{at}", cause_of(_notice(name, reason, held, side))}
    return frozenset(kept)


def _agree(name: str, left: Canonical, right: Canonical, rules: Rules) -> bool:
    policy = next((p for p in rules.mapping.policies if p.name == name), None)
    return policy is None or policy.agree(left[name], right[name])


def _notice(name: str, reason: Reason, held: object, side: Side) -> Notice:
    """The value that was to be taken, and the one that stands instead."""
    if side is Side.LEFT:
        return Notice(NoticeKind.NOT_TAKEN, name, held, reason.right)  # type: ignore[arg-type]
    return Notice(NoticeKind.READ_ONLY, name, reason.left, held)  # type: ignore[arg-type]


def _known(causes: Collection[str]) -> list[tuple[Side, str, int]]:
    """(side, field, since when), as the causes say."""
    told = [cause.removeprefix(SINCE).rsplit(":", 1) for cause in causes if cause.startswith(SINCE)]
    return [(Side(where.partition(":")[0]), where.partition(":")[2], int(at)) for where, at in told]
