"""Which values one field may end with, given who typed what and when: those that some placement of syncs explains.

Pure, and written from the rules alone. A sync may have run between any two edits, or not; one runs at the end for sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.chaos.fields import Side, Value
from tests.chaos.troubles import Loss

FORGOTTEN = "\0"
"""Stands for what was agreed where nobody remembers that anything was."""


@dataclass(frozen=True)
class Edit:
    """A person typed `value` on `side`. `may_vanish`: it fell between a read and a write of ours on that very side."""

    at: float
    side: Side
    value: Value
    may_vanish: bool = False


@dataclass(frozen=True)
class Story:
    """What happened to one field of one record. Times are Unix seconds on one clock.

    `born` is what EspoCRM's record began with; `posted_at` is when the party was stored in Advoware, None for never.
    """

    born: Value
    edits: Sequence[Edit]
    posted_at: float | None
    gone_at: float | None = None
    one_way: bool = False
    losses: Sequence[Loss] = ()


class State(NamedTuple):
    """What both sides show, and what they showed when they last agreed."""

    espo: Value
    advo: Value
    espo_then: Value
    advo_then: Value


Agreed = tuple[Value, Value]
Path = tuple[State, frozenset[Agreed]]
"""A state, and what was agreed before it as far as that may be lost."""


class Ends(NamedTuple):
    """A pair of values that the two sides may end with. `advo` is None also where there is no party."""

    espo: Value
    advo: Value


def synced(state: State, *, one_way: bool = False) -> State:
    """One sync: one side changed → its value; both → EspoCRM's (Advoware's where the field is one-way)."""
    espo_changed, advo_changed = state.espo != state.espo_then, state.advo != state.advo_then
    if not (espo_changed or advo_changed):
        return state
    if state.espo == state.advo:
        return _agreed(state.espo)
    if one_way:
        # Changed in EspoCRM alone: nobody writes, the two agree to differ.
        told = State(state.espo, state.advo, state.espo, state.advo)
        return _agreed(state.advo) if advo_changed else told
    return _agreed(state.espo if espo_changed else state.advo)


def outcomes(state: State, *, one_way: bool = False) -> set[State]:
    """One sync, where the agreement may be forgotten: then either side's value may go to both, as for a new pair."""
    if FORGOTTEN not in (state.espo_then, state.advo_then):
        return {synced(state, one_way=one_way)}
    if state.espo == state.advo:
        return {_agreed(state.espo)}
    kept = State(state.espo, state.advo, state.espo, state.advo) if one_way else _agreed(state.espo)
    return {kept, _agreed(state.advo)}


def allowed(story: Story, *, with_windows: bool = False) -> frozenset[Ends]:
    """All ends that some placement of syncs explains. `with_windows`: edits that may vanish may have vanished."""
    if story.posted_at is None:
        return frozenset({Ends(_only_espo(story), None)})
    paths: set[Path] = {(state, frozenset()) for state in _linked(story)}
    before = float("-inf")
    for event in _after_link(story):
        if story.gone_at is None or event.at <= story.gone_at:
            paths |= _after_a_sync(paths, story, may_be_lost=_is_in_a_loss(story, before, event.at))
        before = event.at
        if isinstance(event, Loss):
            paths |= _forgotten(paths, event, story)
            continue
        typed: set[Path] = {(_typed(s, event), agreed) for s, agreed in paths}
        paths = typed | paths if with_windows and event.may_vanish else typed
    states = {s for s, _ in paths}
    closed = {after for s in states for after in outcomes(s, one_way=story.one_way)}
    # Where one side is gone, whether the last sync came before that is anybody's guess.
    states = states | closed if story.gone_at is not None else closed
    return frozenset(Ends(s.espo, s.advo) for s in states)


def _after_link(story: Story) -> list[Edit | Loss]:
    """In order of time."""
    events: list[Edit | Loss] = [e for e in story.edits if not _before_link(e, story)]
    events += [loss for loss in story.losses if story.posted_at is not None and loss.at > story.posted_at]
    return sorted(events, key=lambda each: each.at)


def _is_in_a_loss(story: Story, begin: float, end: float) -> bool:
    """What is agreed between the two may be lost."""
    return any(loss.since <= end and begin <= loss.at for loss in story.losses)


def _after_a_sync(paths: Iterable[Path], story: Story, *, may_be_lost: bool) -> set[Path]:
    """With what was agreed on the way, where that may be all that is remembered."""
    found: set[Path] = set()
    for state, agreed in paths:
        kept = agreed | {(state.espo_then, state.advo_then)} if may_be_lost else agreed
        found |= {(after, kept) for after in outcomes(state, one_way=story.one_way)}
    return found


def _forgotten(paths: Iterable[Path], loss: Loss, story: Story) -> set[Path]:
    """What is remembered is something that was agreed since, or nothing where the link itself is younger."""
    is_young = story.posted_at is not None and story.posted_at > loss.since
    nothing = {(FORGOTTEN, FORGOTTEN)} if is_young else set()
    return {(State(state.espo, state.advo, *then), agreed) for state, agreed in paths for then in agreed | nothing}


def _linked(story: Story) -> set[State]:
    """After the POST: it carried what EspoCRM showed at its start or after any edit before it."""
    first, *later = [story.born, *(e.value for e in story.edits if _before_link(e, story))]
    states = {_first(first, story.one_way)}
    for value in later:
        synced_too = states | {synced(s, one_way=story.one_way) for s in states}
        states = {s._replace(espo=value) for s in synced_too} | {_first(value, story.one_way)}
    return states


def _first(value: Value, one_way: bool) -> State:
    return State(value, None, value, None) if one_way else _agreed(value)


def _before_link(edit: Edit, story: Story) -> bool:
    return story.posted_at is not None and edit.at < story.posted_at


def _only_espo(story: Story) -> Value:
    return ([story.born] + [e.value for e in story.edits if e.side is Side.ESPO])[-1]


def _agreed(value: Value) -> State:
    return State(value, value, value, value)


def _typed(state: State, edit: Edit) -> State:
    return state._replace(espo=edit.value) if edit.side is Side.ESPO else state._replace(advo=edit.value)


def describe(ends: Iterable[Ends], show: Callable[[Value], str] = repr) -> str:
    """For a person."""
    return " or ".join(sorted({f"{show(e.espo)} / {show(e.advo)}" for e in ends}))
