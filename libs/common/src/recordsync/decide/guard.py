"""The brake: what one source would lose, held where it is too much to be the work of people, or can't be true. Pure.

One brake for fields, lists and deletions alike. Only what would lose something pays for a question to the ledger that
all workers share. Held records are parked, and looked at again by themselves: whoever lied and stopped costs no click.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from recordsync.decide.facts import first_told, home_of, there
from recordsync.decide.plausibility import ALL_GONE, ANOTHERS, NOBODY, doubted, evidence_of
from recordsync.lists import ListWork
from recordsync.memory.look import Memory
from recordsync.observation import Observation, Witnesses
from recordsync.questions import AskWitnesses, Count
from recordsync.rules import Rules
from recordsync.states import SyncStatus
from recordsync.steps import Close, Engage, Observe, Step
from recordsync.systems import CODES, NAMES
from synckit.errors import MappingError
from synckit.ports import BRAKED, Link, Parked
from synckit.reconcile.brake import Loss, Tally, loss_of
from synckit.reconcile.plan import Base, Notice, NoticeKind, Plan, Side

DOUBT, SWEEP = "doubt", "sweep"
MANY = "will in kurzer Zeit zu vieles leeren, löschen oder umbenennen"
ANOTHERS_VERSION = "zeigt den Stand eines anderen Datensatzes"
IMPOSSIBLE = "zeigt Werte, die es nicht geben kann"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a look goes no further. `why`: `doubt` (of this one answer) or `sweep` (of its source)."""

    source: Side
    why: str
    reason: str


def of_work(plan: Plan, lists: ListWork, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Asked before anything is written. None where it may be."""
    if memory.is_released or not (lists.patch or lists.rows or any(d.write for d in plan.decisions)):
        return None
    left, right = there(seen.left), there(seen.right)
    evidence = evidence_of(memory, seen, rules)
    if left is None or right is None:
        return None
    now = {Side.LEFT: rules.values(Side.LEFT, left), Side.RIGHT: rules.values(Side.RIGHT, right)}
    essential = frozenset(p.name for p in rules.mapping.policies if p.essential)
    doubt = doubted(evidence, memory.base, now, plan.decisions, essential=essential) if evidence else None
    if doubt is not None:
        return _ask(Count(doubt.side, Loss.DOUBTED), memory, seen, rules, doubt.reason)
    for count in _losses(plan, lists, memory, seen, rules):
        if _is_counted(count, seen):
            continue
        if (step := _ask(count, memory, seen, rules)) is not None:
            return step
    return None


def of_deletion(
    side: Side, right_id: str, memory: Memory, seen: Observation, rules: Rules, *, for_good: bool
) -> Step | None:
    """Asked before a record that its side does not know any more is given up.

    `for_good`: what follows can't be taken back, so that no time makes it believed where all are said to be gone.
    """
    if memory.is_released:
        return None
    if rules.has_ledger and side not in seen.witnesses:
        home = home_of(rules.mapping.child_of, Link(memory.left_id, right_id))
        return Observe((AskWitnesses(side, home),))
    doubt = _doubt_that_gone(seen.witnesses.get(side))
    count = Count(side, Loss.GONE)
    if doubt == ALL_GONE and not for_good and _has_waited(count, seen, rules):
        return None
    return _ask(count, memory, seen, rules, doubt)


def of_another(memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """Asked before a link is changed as EspoCRM shows it: an answer with another record's content is no correction."""
    evidence, left = evidence_of(memory, seen, rules), there(seen.left)
    if memory.is_released or evidence is None or left is None or not evidence.is_of_another():
        return None
    now = rules.values(Side.LEFT, left)
    names = [p.name for p in rules.mapping.policies if p.essential and memory.base.knows(p.name)]
    if all(now.get(name) == memory.base.left[name] for name in names):
        return None
    return _ask(Count(Side.LEFT, Loss.DOUBTED), memory, seen, rules, ANOTHERS)


def of_unreadable(error: MappingError, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """A value that nothing can be made of, where the side says itself that nothing was written since we agreed."""
    evidence = evidence_of(memory, seen, rules)
    side = next((each for each in Side if each.value == error.side), None)
    if evidence is None or side is None or not memory.base.knows(error.field):
        return None
    if not (evidence.is_unmoved(side) or evidence.is_still_our_write(side)):
        return None
    return _ask(Count(side, Loss.DOUBTED), memory, seen, rules, IMPOSSIBLE)


def _is_counted(count: Count, seen: Observation) -> bool:
    """What is left of a plan that is half carried out was counted with the whole of it."""
    counted = [known for known, tally in seen.tallies.items() if known.source is count.source and known != count]
    return any(not known.loss.is_everyday or count.loss.is_everyday for known in counted)


def _losses(plan: Plan, lists: ListWork, memory: Memory, seen: Observation, rules: Rules) -> Iterable[Count]:
    """The worst of each source, of fields and of lists."""
    left, right = there(seen.left), there(seen.right)
    if left is None or right is None:
        return
    for source, target in ((Side.RIGHT, left), (Side.LEFT, right)):
        found = loss_of(source, plan.decisions, rules.values(source.other, target), memory.base, rules.mapping.policies)
        if found is not None:
            loss, decision = found
            version = right.version if source is Side.RIGHT and loss is Loss.RENAMED else None
            yield Count(source, loss, str(decision.written or ""), version or "")
        yield from (Count(source, each.loss, each.value) for each in lists.losses if each.source is source)


def _ask(count: Count, memory: Memory, seen: Observation, rules: Rules, doubt: str = "") -> Step | None:
    """The question how the source stands, then what follows from the answer."""
    if not rules.has_ledger:
        return _hold(Held(count.source, DOUBT, doubt), memory, seen, rules) if doubt else None
    tally = seen.tallies.get(count)
    if tally is None:
        return Observe((count,))
    if tally.released:
        return None
    held = judged(count.source, tally, rules, doubt)
    if held is None:
        return None
    if held.why == SWEEP and seen.engaged is None:
        return Engage(count.source, tally)
    return _told_to_it(count, memory, seen, rules) or _hold(held, memory, seen, rules)


def judged(source: Side, tally: Tally, rules: Rules, doubt: str = "") -> Held | None:
    """Whether a source that stands so may go on with this record."""
    exceeds = tally.exceeds(rules.settings.brake)
    if doubt or tally.lent:
        return Held(source, SWEEP if exceeds else DOUBT, doubt or ANOTHERS_VERSION)
    return Held(source, SWEEP, MANY) if exceeds else None


def _has_waited(count: Count, seen: Observation, rules: Rules) -> bool:
    """A few records of which the same was said for long are believed to be gone, though nobody is left to ask."""
    tally = seen.tallies.get(count)
    patience = rules.settings.brake.patience.total_seconds()
    return tally is not None and tally.waited >= patience and not tally.exceeds(rules.settings.brake)


def _doubt_that_gone(answer: Witnesses | None) -> str:
    """ "" where the side still knows one of a few other records, or there are none to ask about."""
    if answer is None or answer.one_is_known or not answer.asked:
        return ""
    return ALL_GONE if answer.suspected == answer.asked else NOBODY


def _told_to_it(count: Count, memory: Memory, seen: Observation, rules: Rules) -> Step | None:
    """One note for all that a source deletes, with the command that lets it go on: by whose count it was held."""
    if not seen.engaged or count.loss is not Loss.GONE:
        return None
    owner = memory.link.owner_id if memory.link else None
    notice = Notice(NoticeKind.SWEEP, detail=CODES[count.source])
    return first_told((notice,), memory, seen, rules, owner=owner)


def _hold(held: Held, memory: Memory, seen: Observation, rules: Rules) -> Close:
    """Nothing is written but the state, and not even that on a side that is not believed."""
    left, source, known = there(seen.left), held.source, memory.state.parked
    patch = {}
    if left is not None and source is Side.RIGHT:
        message = f"Angehalten: {NAMES[source]} {held.reason}. Wird von selbst wieder geprüft."
        patch = rules.states.troubled(left.payload, SyncStatus.CONFLICT, message)
    is_new = known is None or known.reason != BRAKED
    return Close(
        "held",
        held.reason,
        patch=patch,
        is_best_effort=True,
        tells=bool(memory.told),
        journal=(("held", {"side": source.value, "rule": f"brake_{held.why}"}),) if is_new else (),
        base=memory.base if memory.is_taken_up and left is not None and there(seen.right) is not None else None,
        park=Parked(memory.left_id, 0, seen.at + rules.settings.brake.retry, BRAKED, CODES[source]),
        # Parked over what is parked: what waits no more would be forgotten as a suspect.
        unpark=False,
        held_by=(CODES[source], held.why),
    )


def held_in_part(held: Held, base: Base, cause: str, memory: Memory, seen: Observation, rules: Rules) -> Close:
    """As `_hold`, where the other direction went on. The version stays unknown, so that it is asked again."""
    return replace(_hold(held, memory, seen, rules), base=base, standing=frozenset({cause}))
