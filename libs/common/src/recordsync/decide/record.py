"""The order of decisions about one record: who is there, whose it is, what differs. Read it from top to bottom."""

from __future__ import annotations

from dataclasses import replace

from recordsync.decide import claims, create, deletion, in_step, parent, refused
from recordsync.decide.failure import failed
from recordsync.memory.look import Memory
from recordsync.observation import UNASKED, Observation
from recordsync.questions import ReadLeft, ReadRight
from recordsync.rules import Rules
from recordsync.steps import Close, Done, Forget, Observe, Show, Step, Stop
from synckit.errors import PermanentError, SyncError


def decide(memory: Memory, seen: Observation, rules: Rules) -> Step:
    """The next step. Total: what can't go on is a step, too."""
    if memory.is_closed:
        return Done()
    if seen.rejected is not None:
        return refused.learned(memory, seen, rules, seen.rejected)
    try:
        step = failed(memory, seen, rules, seen.refused) if seen.refused else _next(memory, seen, rules)
    except PermanentError as error:
        step = failed(memory, seen, rules, error)
    except SyncError as error:
        return Stop(error)
    return _as_far_as_shown(step, memory, seen)


def trouble(memory: Memory, seen: Observation, rules: Rules) -> PermanentError | None:
    """Why a record can't go on, for those who explain a step; None where it can."""
    try:
        _next(memory, seen, rules)
    except PermanentError as error:
        return error
    except SyncError:
        return None
    return None


def _as_far_as_shown(step: Step, memory: Memory, seen: Observation) -> Step:
    """States that EspoCRM is known not to take are not sent again."""
    if isinstance(step, Close | Show | Forget) and step.patch:
        return replace(step, patch=refused.showable(memory, seen, step.patch))
    return step


def _next(memory: Memory, seen: Observation, rules: Rules) -> Step:
    """Each decides about its own question, and None leaves it to the next."""
    return (
        _first_reads(memory, seen)
        or refused.asked_again(memory, seen)
        or deletion.buried(memory, seen, rules)
        or deletion.left_gone(memory, seen, rules)
        or parent.of_child(memory, seen, rules)
        or claims.corrected(memory, seen, rules)
        or create.unlinked(memory, seen, rules)
        or claims.adopted(memory, seen, rules)
        or _other_side(memory, seen)
        or deletion.right_gone(memory, seen, rules)
        or claims.contested(memory, seen, rules)
        or in_step.in_step(memory, seen, rules)
    )


def _first_reads(memory: Memory, seen: Observation) -> Step | None:
    """Both sides at once where a link tells which is the other one."""
    if seen.left is not UNASKED:
        return None
    link = memory.live_link
    return Observe((ReadLeft(), ReadRight(link.right_id)) if link is not None else (ReadLeft(),))


def _other_side(memory: Memory, seen: Observation) -> Step | None:
    """Where the link turned up, or changed, only after the first question."""
    link = memory.live_link
    if link is None or (seen.right is not UNASKED and seen.right_id == link.right_id):
        return None
    return Observe((ReadRight(link.right_id),))
