"""The step that a look would take next, decided by the same code as a look, on what was read. Pure.

Each question of the decision is answered from the findings. What nobody asked for a person is taken as it mostly is: a
gone record's siblings are there, a source is not held unless this record waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from recordsync.decide import decide
from recordsync.decide.record import trouble
from recordsync.explain.findings import Findings
from recordsync.frozen import replace
from recordsync.lists import ListMapping
from recordsync.mapping.field import EntityMapping
from recordsync.memory.look import RELEASED, Cause, Memory, begin, newest_of
from recordsync.memory.normal_forms import as_read_today
from recordsync.observation import Found, Observation, Parent, Witnesses
from recordsync.questions import (
    AskOwner,
    AskParent,
    AskWitnesses,
    Count,
    Question,
    ReadLeft,
    ReadRight,
    ReadRivals,
    Search,
)
from recordsync.rules import EngineSettings, Rules
from recordsync.steps import Announce, DropIntent, Engage, Learn, Observe, Step
from recordsync.systems import CODES
from synckit.errors import PermanentError
from synckit.ports import BRAKED, Link, Snapshot
from synckit.reconcile.brake import Tally

MAX_STEPS = 100


class Unknown(Exception):
    """What a look would do can't be said. `kind` is a word for programs, `words` are for people."""

    def __init__(self, words: str, kind: str = "unknown") -> None:
        super().__init__(words)
        self.words = words
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`step`: the first that would touch anything, or the end; `memory`, `seen`: what it is decided from."""

    step: Step
    memory: Memory
    seen: Observation
    error: PermanentError | None = None


def rules_of(mapping: EntityMapping) -> Rules:
    """As a worker has them, but for the office's settings, which a person who asks does not have."""
    lists = cast("ListMapping | None", mapping.lists)
    return Rules(mapping, EngineSettings(), lists, has_ledger=True)


def foreseen(findings: Findings, rules: Rules, *, released: bool = False) -> Foreseen:
    """`released`: as if a person had let the brake go. Raises Unknown."""
    if findings.state is None:
        raise Unknown("Das lässt sich ohne unser Gedächtnis (PostgreSQL) nicht sagen.")
    state = as_read_today(rules.mapping, findings.state)
    state = replace(state, rivals=(*state.rivals, *(one for one in findings.rivals if one not in state.rivals)))
    if released:
        state = replace(state, notes=state.notes | {RELEASED})
    memory, seen = begin(findings.left_id, state, Cause(), findings.at), Observation(findings.at)
    for _ in range(MAX_STEPS):
        step = decide(memory, seen, rules)
        if isinstance(step, Observe):
            for question in step.questions:
                seen = _answered(question, seen, findings, rules)
        elif isinstance(step, Learn | Announce | Engage | DropIntent):
            memory, seen = _passed(step, memory, seen)
        else:
            return Foreseen(step, memory, seen, seen.refused or trouble(memory, seen, rules))
    raise AssertionError("a decision that never comes to its end")


def _passed(
    step: Learn | Announce | Engage | DropIntent, memory: Memory, seen: Observation
) -> tuple[Memory, Observation]:
    """As after a step that touches neither side."""
    match step:
        case Learn():
            return step.memory, replace(seen, rejected=None, refused=seen.refused or step.refused)
        case Announce():
            return _announced(step, memory), seen
        case Engage():
            return memory, replace(seen, engaged=False)
        case DropIntent():
            return replace(memory, state=replace(memory.state, intent=None), claim=step.claim), seen


def _announced(step: Announce, memory: Memory) -> Memory:
    attempted = newest_of(memory.attempted, step.attempted)
    causes = memory.causes | {note.cause for note in step.notes}
    return replace(memory, attempted=attempted, causes=causes, notices=())


def _answered(  # noqa: C901 - one line a question
    question: Question, seen: Observation, findings: Findings, rules: Rules
) -> Observation:
    match question:
        case ReadLeft():
            is_second = isinstance(seen.left, Snapshot)
            return replace(seen, left=findings.left.value, left_again=question.again, lists_read=is_second)
        case ReadRight():
            return _right(question, seen, findings)
        case AskParent():
            return replace(seen, parent=_parent(question, findings))
        case AskOwner():
            return replace(seen, owners={**seen.owners, question.right_id: findings.owner})
        case ReadRivals():
            rivals = {one: _rival(one, findings, rules) for one in question.left_ids}
            return replace(seen, rivals={**seen.rivals, **rivals})
        case Search():
            # Nobody asks Advoware for a person: what a lost POST has made is found by the look itself.
            return replace(seen, found=Found((), frozenset(), findings.at + rules.settings.right_timeout, True))
        case AskWitnesses():
            return replace(seen, witnesses={**seen.witnesses, question.side: Witnesses(1, 0, True)})
        case Count():
            return replace(seen, tallies={**seen.tallies, question: _tally(question, findings)})


def _right(question: ReadRight, seen: Observation, findings: Findings) -> Observation:
    if findings.right.trouble:
        raise Unknown("Ein Abgleich würde warten, bis Advoware wieder antwortet.")
    if question.right_id != findings.right_id:
        words = f"In EspoCRM steht eine andere Nummer ({question.right_id}): sie würde zuerst angesehen."
        raise Unknown(words, "decided")
    return replace(seen, right=findings.right.value, right_id=question.right_id, right_again=question.again)


def _parent(question: AskParent, findings: Findings) -> Parent:
    if not findings.parent_right_id:
        return Parent(question.left_id, None)
    link = Link(question.left_id, findings.parent_right_id)
    is_home = question.home in ("", findings.parent_right_id)
    return Parent(question.left_id, link, question.left_id if is_home else "another")


def _rival(left_id: str, findings: Findings, rules: Rules) -> Snapshot | None:
    """As those that still claim our number do."""
    if left_id not in findings.rivals or findings.right_id is None:
        return None
    return Snapshot(left_id, rules.mapping.link_attributes(findings.right_id, None))


def _tally(question: Count, findings: Findings) -> Tally:
    """What other records of the source do is known only by what the engine has parked."""
    parked = findings.state.parked if findings.state else None
    is_held = parked is not None and parked.reason == BRAKED and parked.message == CODES[question.source]
    return Tally(engaged=is_held)
