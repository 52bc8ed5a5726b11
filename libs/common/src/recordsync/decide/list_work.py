"""What is to be done about a record's lists, without what a remote is known to refuse. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from recordsync.decide import refused
from recordsync.decide.facts import both
from recordsync.erased import cleaned
from recordsync.lists import ListMapping, ListParts, ListWork, post_name, row_name
from recordsync.memory.look import Memory
from recordsync.observation import Observation
from recordsync.rules import Rules
from synckit.errors import TooEarly
from synckit.ports import Payload
from synckit.reconcile.plan import Base


def list_work(memory: Memory, seen: Observation, rules: Rules) -> ListWork:
    """TooEarly while an earlier POST of a row may still land: it would stand twice."""
    if rules.lists is None:
        return ListWork()
    work = _without_barred(all_list_work(memory, seen, rules), memory, rules)
    sent = {a.field: a.at for a in memory.state.attempted if a.at is not None}
    timeout, prefix = rules.settings.right_timeout, rules.lists.prefix
    under_way = [at + timeout for row in work.rows if (at := sent.get(post_name(prefix, row))) is not None]
    wait = (max(under_way, default=seen.at) - seen.at).total_seconds()
    if wait > 0:
        raise TooEarly("advoware", "an earlier POST of a row may still arrive", retry_after=wait)
    return work


def all_list_work(memory: Memory, seen: Observation, rules: Rules) -> ListWork:
    """What would be done about the lists, rows that Advoware refuses included."""
    if rules.lists is None:
        return ListWork()
    left, right = both(seen)
    lists, kept_out = rules.lists, refused.kept_out(memory, seen, rules)
    parts = lists.parts(memory.base, left.payload, right.payload)
    return _decided(_Asked(lists, parts, memory.base, left.payload, right.payload, memory.is_released, kept_out))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A list's decision, asked for. Equal where `parts` are, whatever else base and payloads hold."""

    lists: ListMapping
    parts: ListParts
    base: Base = field(compare=False)
    left: Payload = field(compare=False)
    right: Payload = field(compare=False)
    confirmed: bool
    kept_out: frozenset[str]


# One look asks six times, and most answers are the one before: a PUT of other fields shows the same lists again.
@lru_cache(maxsize=64)
def _decided(asked: _Asked) -> ListWork:
    return asked.lists.decide(
        asked.base, cleaned(asked.left), asked.right, confirmed=asked.confirmed, kept_out=asked.kept_out
    )


def _without_barred(work: ListWork, memory: Memory, rules: Rules) -> ListWork:
    """Rows that Advoware does not take stay as they are, and so does what is known of them."""
    prefix = rules.lists.prefix if rules.lists else ""
    barred = {row_name(prefix, row) for row in work.rows if refused.barred_by(memory, rules, row)}
    if not barred:
        return work
    known = {name: (memory.base.left[name], memory.base.right[name]) for name in barred if memory.base.knows(name)}
    left = {name: value for name, value in work.base.left.items() if name not in barred}
    right = {name: value for name, value in work.base.right.items() if name not in barred}
    return replace(
        work,
        rows=tuple(row for row in work.rows if row_name(prefix, row) not in barred),
        base=Base(left, right).agreeing(known),
        attempted=tuple(each for each in work.attempted if each.field not in barred),
        notes=tuple(each for each in work.notes if each.field not in barred),
    )


def whole_base(base: Base, lists: ListWork, rules: Rules) -> Base:
    """The base of fields, with that of the lists' rows in place of what was there."""
    if rules.lists is None or lists.base == Base():
        return base
    prefix = rules.lists.prefix
    left = {name: value for name, value in base.left.items() if not name.startswith(prefix)}
    right = {name: value for name, value in base.right.items() if not name.startswith(prefix)}
    return Base({**left, **lists.base.left}, {**right, **lists.base.right})


def with_sight(base: Base, right: Mapping[str, Any], rules: Rules) -> Base:
    """The base, and what of the rows was looked at."""
    seen = rules.lists.as_seen(right) if rules.lists else Base()
    return Base({**base.left, **seen.left}, {**base.right, **seen.right})
