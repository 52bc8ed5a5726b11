"""What is done about a refused write: what it was about is left out from now on, and the rest is written without it.

Pure. A refusal is remembered with the record, and tried again when either side has changed, or after a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recordsync.decide.facts import both, there
from recordsync.frozen import replace
from recordsync.lists import RowWork, row_name
from recordsync.memory.look import Memory
from recordsync.observation import Observation, Rejected
from recordsync.quoting import LONGEST_IN_STATE, shown
from recordsync.refusals import (
    ATTRIBUTE,
    TOO_MANY,
    WHOLE,
    Rejection,
    StillRefused,
    digest,
    names_in,
    refused,
    rejection,
)
from recordsync.rules import Rules
from recordsync.sieve import Sieve
from recordsync.states import SyncStatus
from recordsync.steps import (
    Act,
    Close,
    Forget,
    Learn,
    Patch,
    Post,
    Show,
    TakeBack,
    WriteLeft,
    WriteRight,
    WriteRow,
)
from recordsync.systems import CODES, side_of
from synckit.errors import RemoteRejected
from synckit.reconcile.plan import Canonical, Side

CLOCKS = frozenset({"advowareLastSync", "advowareDeletedAt", "syncNextRetry"})
"""States that are never twice the same, and alone are no reason for a call."""
EVERYTHING = "-"
ANY_VALUE = "0"
"""In place of the digest of a state's value: two were refused, and no third one is tried until tomorrow."""
MAX_REFUSALS = 40
"""In one look. What is left is left to the next one, which knows of those."""
USUAL_LIMIT = 10
"""How many addresses or numbers a record of EspoCRM may have, unless its configuration says otherwise."""
BAD_REQUEST = 400


def asked_again(memory: Memory, seen: Observation) -> Learn | None:
    """A person has set the state to `pending_sync`: all is tried again now, and not only after a day.

    But for a record whose state can't be written: it would stay so, and be tried with every look.
    """
    left = there(seen.left)
    if left is None or memory.is_asked or left.payload.get("syncStatus") != SyncStatus.PENDING.value:
        return None
    is_shown = f"{ATTRIBUTE}syncStatus" not in memory.rejections
    if memory.refused or not is_shown or any(each.side is Side.LEFT for each in memory.whole.values()):
        return None
    return Learn(replace(memory, is_asked=True, rejections={}, whole={}))


def learned(memory: Memory, seen: Observation, rules: Rules, rejected: Rejected) -> Learn | TakeBack:
    """What a refusal teaches, remembered at whatever end the look comes to."""
    step = _learned(memory, seen, rules, rejected)
    if isinstance(step, TakeBack):
        return step
    after = step.memory
    fresh = [each for name, each in after.rejections.items() if memory.rejections.get(name) != each]
    fresh += [each for about, each in after.whole.items() if about not in memory.whole]
    return replace(step, memory=replace(after, standing=after.standing | causes_of(fresh)))


def _learned(memory: Memory, seen: Observation, rules: Rules, rejected: Rejected) -> Learn | TakeBack:
    """What a refusal teaches: what is left out from now on, or that the record as a whole can't go on.

    Notes of writes that were certainly not done are untrue, and go first.
    """
    error, step = rejected.error, rejected.step
    if isinstance(error, StillRefused):
        return Learn(memory, error)
    untrue = _untrue_notes(memory, rules, step)
    if untrue:
        return TakeBack(untrue)
    # What the look comes to is another thing now than the record may show already.
    memory = replace(memory, refused=(*memory.refused, refused(error)), is_shown=False)
    match step:
        case WriteRow():
            return Learn(_without_row(memory, seen, rules, step.work, error))
        case Post() | WriteRight():
            return _of_right(memory, seen, rules, step, error)
        case WriteLeft():
            return _of_left(memory, seen, rules, step, error)
        case Close() | Show() | Forget():
            return Learn(_without_states(memory, seen, step.patch, error))
        case _:
            return Learn(memory, error)


def _of_right(memory: Memory, seen: Observation, rules: Rules, step: Post | WriteRight, error: RemoteRejected) -> Learn:
    if isinstance(step, Post):
        left_out = _without_posted_field(memory, seen, rules, error)
    else:
        left_out = _without_fields(memory, seen, rules, step, error)
    return Learn(left_out) if left_out else Learn(_barred(memory, seen, Side.RIGHT, step.body, error), error)


def _untrue_notes(memory: Memory, rules: Rules, step: Act) -> frozenset[str]:
    match step:
        case WriteRow():
            name = row_name(rules.lists.prefix if rules.lists else "", step.work)
            return frozenset(n.cause for n in memory.told if n.field == name)
        case WriteRight():
            return frozenset(n.cause for n in memory.told if n.side == Side.RIGHT.value)
        case WriteLeft():
            return frozenset(n.cause for n in memory.told if n.side == Side.LEFT.value)
        case _:
            return frozenset()


def _of_left(memory: Memory, seen: Observation, rules: Rules, step: WriteLeft, error: RemoteRejected) -> Learn:
    if len(memory.refused) <= MAX_REFUSALS:
        left_out = (
            _without_fields(memory, seen, rules, step, error)
            or _without_entries(memory, seen, rules, step, error)
            or _without_attributes(memory, seen, step.patch, error)
        )
        if left_out:
            return Learn(left_out)
    return Learn(_barred(memory, seen, Side.LEFT, step.patch, error), error)


def _without_fields(
    memory: Memory, seen: Observation, rules: Rules, step: WriteLeft | WriteRight, error: RemoteRejected
) -> Memory | None:
    """The fields that a remote names are left out from now on. None where it names none of them."""
    mapping, side = rules.mapping, side_of(error.upstream)
    writes, before = step.writes, step.before
    after = {name: each.left if side is Side.LEFT else each.right for name, each in writes.items()}
    known = [f.name for f in mapping.fields]
    sent = [mapping.attribute_of(name, side, {**before, **after}) for name in known]
    named = {mapping.field_at(side, each) for each in names_in(error, sent)}
    named |= {mapping.field_at(side, error.field or "")}
    found = [name for name in writes if name in named]
    if not found and named & set(known):
        # Sent because the kind of the record changes, which decides where a value stands.
        found = [name for name in writes if name in mapping.kind_fields]
    if not found:
        return None
    left, right = both(seen)
    values = rules.values(Side.LEFT, left), rules.values(Side.RIGHT, right)
    abouts = {name: digest(*(each.get(name) for each in values), key=memory.state.key) for name in found}
    fresh = {name: rejection(error, name, side, seen.at, about) for name, about in abouts.items()}
    attempted = tuple(each for each in memory.attempted if each.field not in fresh)
    return replace(memory, rejections={**memory.rejections, **fresh}, attempted=attempted)


def _without_posted_field(memory: Memory, seen: Observation, rules: Rules, error: RemoteRejected) -> Memory | None:
    """None where the record is nothing without it, or where it is none of ours."""
    left, mapping = there(seen.left), rules.mapping
    name = mapping.field_at(Side.RIGHT, error.field or "")
    policy = next((p for p in mapping.policies if p.name == name), None)
    if left is None or name is None or policy is None or policy.essential or name in mapping.kind_fields:
        return None
    values = rules.values(Side.LEFT, left)
    if values.get(name) is None or name in left_out_of_post(memory, values):
        return None
    known = rejection(error, name, Side.RIGHT, seen.at, digest(values[name], None, key=memory.state.key))
    return replace(memory, rejections={**memory.rejections, name: known})


def left_out_of_post(memory: Memory, values: Canonical) -> frozenset[str]:
    """Fields that the right does not take as they are."""
    return frozenset(
        name
        for name, known in memory.rejections.items()
        if known.side is Side.RIGHT and known.about == digest(values.get(name), None, key=memory.state.key)
    )


def _without_entries(
    memory: Memory, seen: Observation, rules: Rules, step: WriteLeft, error: RemoteRejected
) -> Memory | None:
    """A list that the left refuses is tried without some of what is new in it. None where it names none."""
    lists = {name: step.patch[name] for name in step.incoming}
    named, sieves, rejections = names_in(error, lists), dict(memory.sieves), dict(memory.rejections)
    is_full = error.reason.endswith(TOO_MANY)
    for name in named:
        incoming = list(step.incoming.get(name, ()))
        if not incoming:
            return None
        fits = max(0, USUAL_LIMIT - (_length(name, lists) - len(incoming))) if is_full else 0
        before = sieves.get(name, Sieve())
        sieves[name] = before.without(incoming, fits=fits, is_full=is_full)
        for row in sieves[name].refused[len(before.refused) :]:
            about = about_row(memory, seen, rules, row, counted=is_full)
            rejections[row] = rejection(error, row, Side.LEFT, seen.at, about)
    return replace(memory, sieves=sieves, rejections=rejections) if named else None


def _length(name: str, lists: Mapping[str, Any]) -> int:
    """How many entries were sent; where the remote names the primary value, that of its list."""
    sent = lists[name] if isinstance(lists[name], list) else lists.get(f"{name}Data", ())
    return len(sent)


def _without_attributes(memory: Memory, seen: Observation, patch: Patch, error: RemoteRejected) -> Memory | None:
    """The same for what is no field of the mapping: states, and the link."""
    fresh = {}
    for name in (ATTRIBUTE + each for each in names_in(error, patch)):
        about = digest(patch[name.removeprefix(ATTRIBUTE)], key=memory.state.key)
        known = memory.rejections.get(name)
        # The second value that is refused is no accident of its spelling: then none is tried until tomorrow.
        is_first = known is None or known.about == about
        fresh[name] = rejection(error, name, Side.LEFT, seen.at, about if is_first else ANY_VALUE)
    return replace(memory, rejections={**memory.rejections, **fresh}) if fresh else None


def _without_states(memory: Memory, seen: Observation, patch: Patch, error: RemoteRejected) -> Memory:
    return _without_attributes(memory, seen, patch, error) or _barred(memory, seen, Side.LEFT, patch, error)


def _without_row(memory: Memory, seen: Observation, rules: Rules, work: RowWork, error: RemoteRejected) -> Memory:
    """The other rows are written all the same. Only what says why is remembered beyond this look."""
    name = row_name(rules.lists.prefix if rules.lists else "", work)
    known = rejection(error, name, Side.RIGHT, seen.at, about_work(memory, work))
    # A bare 400 names nothing that a person could mend: it counts in this look, and is tried again in the next one.
    known = replace(known, is_kept=error.field is not None or error.status != BAD_REQUEST)
    attempted = tuple(each for each in memory.attempted if each.field != name)
    return replace(memory, rejections={**memory.rejections, name: known}, attempted=attempted)


def _barred(memory: Memory, seen: Observation, side: Side, body: Mapping[str, Any], error: RemoteRejected) -> Memory:
    """What was sent is not sent again as it is."""
    about = _digest(memory, side, body)
    if about in memory.whole:
        return memory
    known = replace(rejection(error, error.field or EVERYTHING, side, seen.at, about), kind=WHOLE)
    return replace(memory, whole={**memory.whole, about: known})


def known_whole(memory: Memory, side: Side, body: Mapping[str, Any]) -> Rejection | None:
    """The refusal of the very same, where it still holds."""
    return memory.whole.get(_digest(memory, side, body)) if memory.whole else None


def require_not_refused(memory: Memory, side: Side, body: Mapping[str, Any]) -> None:
    """StillRefused, without a call, where the very same was refused and it is too early to try again."""
    found = known_whole(memory, side, body)
    if found is not None:
        name = None if found.name == EVERYTHING else found.name
        raise StillRefused(CODES[side], found.status, found.rule.replace("_", " "), field=name)


def stripped(memory: Memory, seen: Observation, patch: Patch) -> Patch:
    """Without what is known to be refused. Nothing where only a time is left."""
    hit = {each.name.removeprefix(ATTRIBUTE) for each in hits(memory, patch)}
    if not hit:
        return patch
    left = there(seen.left)
    now = left.payload if left is not None else {}
    kept = {name: value for name, value in patch.items() if name not in hit}
    is_news = any(name not in CLOCKS and (now.get(name) or None) != (value or None) for name, value in kept.items())
    return kept if is_news else {}


def showable(memory: Memory, seen: Observation, patch: Patch) -> Patch:
    """A patch of states alone, as far as EspoCRM takes them. Nothing where it takes nothing at all."""
    kept = stripped(memory, seen, patch)
    return {} if kept and known_whole(memory, Side.LEFT, kept) is not None else kept


def hits(memory: Memory, patch: Patch) -> list[Rejection]:
    """States and links of a patch that are known to be refused."""
    found = [(memory.rejections.get(ATTRIBUTE + name), value) for name, value in patch.items()]
    return [each for each, value in found if each is not None and _is_about(each, value, memory.state.key)]


def _is_about(known: Rejection, value: Any, key: bytes) -> bool:
    return known.about == ANY_VALUE or known.about == digest(value, key=key)


def told_states(patch: Patch, found: Iterable[Rejection]) -> list[str]:
    """In a user's words."""
    lines = []
    for each in found:
        name = each.name.removeprefix(ATTRIBUTE)
        lines.append(f"{name} {each.reason(name)}: {shown(_as_value(patch[name]), LONGEST_IN_STATE)}")
    return lines


def causes_of(found: Iterable[Rejection]) -> frozenset[str]:
    """What the next look must know of them."""
    return frozenset(each.cause for each in found if each.is_kept)


def kept_out(memory: Memory, seen: Observation, rules: Rules) -> frozenset[str]:
    """Rows of which nothing comes to the left: refused, or not to be tried just now."""
    if rules.lists is None:
        return frozenset()
    undecided = frozenset(name for sieve in memory.sieves.values() for name in sieve.kept_out)
    prefix = rules.lists.prefix
    return undecided | {
        name
        for name, known in memory.rejections.items()
        if name.startswith(prefix)
        and known.side is Side.LEFT
        and known.about == about_row(memory, seen, rules, name, counted=known.rule.endswith(TOO_MANY))
    }


def barred_by(memory: Memory, rules: Rules, work: RowWork) -> Rejection | None:
    """The refusal of a row's write on the right, where it is still the same."""
    known = memory.rejections.get(row_name(rules.lists.prefix, work)) if rules.lists else None
    return known if known is not None and known.about == about_work(memory, work) else None


def about_row(memory: Memory, seen: Observation, rules: Rules, name: str, *, counted: bool) -> str:
    """A digest of what both sides hold of a row."""
    if rules.lists is None:
        raise AssertionError("a record without lists has no rows")
    left, right = both(seen)
    return digest(
        *rules.lists.about(memory.base, left.payload, right.payload, name, counted=counted), key=memory.state.key
    )


def about_work(memory: Memory, work: RowWork) -> str:
    """A digest of what a row is to become, and what it is."""
    return digest(work.left, work.right, work.before, key=memory.state.key)


def settled_counts(memory: Memory, seen: Observation, rules: Rules) -> Mapping[str, Rejection]:
    """Refusals of a list's length are told apart by how long it has become."""
    fresh = dict(memory.rejections)
    for name in (name for sieve in memory.sieves.values() for name in sieve.refused):
        known = fresh[name]
        if known.rule.endswith(TOO_MANY):
            fresh[name] = replace(known, about=about_row(memory, seen, rules, name, counted=True))
    return fresh


def entries_refused(
    memory: Memory, seen: Observation, rules: Rules, rows: Sequence[RowWork]
) -> list[tuple[Rejection, str, str]]:
    """What is kept out or left unwritten as both sides stand, with what a user calls it and its value.

    `rows`: all that would be written on the right, had nothing been refused.
    """
    if rules.lists is None:
        return []
    _, right = both(seen)
    names = sorted(kept_out(memory, seen, rules) & memory.rejections.keys())
    kept = [(memory.rejections[name], *rules.lists.entry(memory.base, right.payload, name)) for name in names]
    barred = [(barred_by(memory, rules, work), work) for work in rows]
    return kept + [(known, work.label, work.value) for known, work in barred if known is not None]


def _as_value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _digest(memory: Memory, side: Side, body: Mapping[str, Any]) -> str:
    sent = sorted((name, repr(value)) for name, value in body.items() if name not in CLOCKS)
    return digest(side.value, sent, key=memory.state.key)
