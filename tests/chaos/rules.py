"""Which values one field may end with, given who typed what and when: those that some placement of syncs explains.

Pure, and written from the rules alone. A sync may have run between any two edits, or not; one runs at the end for sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.chaos.fields import Side, Value


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


class State(NamedTuple):
    """What both sides show, and what they showed when they last agreed."""

    espo: Value
    advo: Value
    espo_then: Value
    advo_then: Value


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


def allowed(story: Story, *, with_windows: bool = False) -> frozenset[Ends]:
    """All ends that some placement of syncs explains. `with_windows`: edits that may vanish may have vanished."""
    if story.posted_at is None:
        return frozenset({Ends(_only_espo(story), None)})
    states = _linked(story)
    for edit in (e for e in story.edits if not _before_link(e, story)):
        is_over = story.gone_at is not None and edit.at > story.gone_at
        if not is_over:
            states |= {synced(s, one_way=story.one_way) for s in states}
        typed = {_typed(s, edit) for s in states}
        states = typed | states if with_windows and edit.may_vanish else typed
    closed = {synced(s, one_way=story.one_way) for s in states}
    # Where one side is gone, whether the last sync came before that is anybody's guess.
    states = states | closed if story.gone_at is not None else closed
    return frozenset(Ends(s.espo, s.advo) for s in states)


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
