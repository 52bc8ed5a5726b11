"""What is foretold of a record is the very step that the engine then takes, over random histories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from test_machine import Reconciliation

import recordsync.engine as engine
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from recordsync.decide import decide
from recordsync.explain.findings import Findings, Found, Remembered
from recordsync.explain.foreseen import Unknown, foreseen
from recordsync.explain.verdict import DECIDED, verdict
from recordsync.memory.look import Cause, Memory, Outcome
from recordsync.observation import Observation
from recordsync.rules import Rules
from recordsync.steps import Announce, DropIntent, Engage, Learn, Observe, Step, Stop
from synckit.ports import RecordState

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "60"))
UNSEEN = Observe | Learn | Announce | Engage | DropIntent
"""Steps that touch neither side: what is foretold comes after them."""


class Trace:
    """Stands in for `decide` in the engine: the same answer twice for the same question, and a list of all."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.ended: Outcome | None = None
        self.compared = 0
        self.compared_ends = 0

    def __call__(self, memory: Memory, seen: Observation, rules: Rules) -> Step:
        step = decide(memory, seen, rules)
        assert _named(decide(memory, seen, rules)) == _named(step), "decide has a memory of its own"
        self.steps.append(step)
        return step

    @property
    def first(self) -> Step | None:
        """The first step that touches a side, or ends the look."""
        return next((step for step in self.steps if not isinstance(step, UNSEEN)), None)


def _named(step: Step) -> object:
    """Exceptions know no equality."""
    return repr(step.error) if isinstance(step, Stop) else step


TRACE = Trace()


@pytest.fixture(autouse=True)
def _traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    sync = engine.Engine.sync

    async def traced(self: engine.Engine, left_id: str, cause: Cause | None = None) -> Outcome:
        TRACE.ended = await sync(self, left_id, cause)
        return TRACE.ended

    monkeypatch.setattr(engine, "decide", TRACE)
    monkeypatch.setattr(engine.Engine, "sync", traced)
    yield
    assert TRACE.compared > 0
    assert TRACE.compared_ends > 0, TRACE.compared_ends


class Foretold(Reconciliation):
    """Each look is foretold first. Histories, crashes and faults are those of the machine."""

    def _look(self, record: str) -> None:
        findings = self._findings(record)
        TRACE.steps.clear()
        TRACE.ended = None
        super()._look(record)
        if findings is None or TRACE.first is None:
            return
        self._compare_ends(findings)
        try:
            told = foreseen(findings, self.office.engine.rules).step
        except Unknown:
            return
        TRACE.compared += 1
        assert type(told) is type(TRACE.first), (told, TRACE.first)
        assert getattr(told, "body", None) == getattr(TRACE.first, "body", None)
        assert getattr(told, "result", "") == getattr(TRACE.first, "result", "")

    def _compare_ends(self, findings: Findings) -> None:
        """A look that came to its end came to what programs were told before."""
        ended = TRACE.ended
        try:
            told = verdict(findings, self.office.engine.rules)
        except Unknown:
            return
        if ended is None or told.outcome == DECIDED:
            return
        TRACE.compared_ends += 1
        seen = (ended.result, bool(ended.left_writes), bool(ended.right_writes))
        foretold = (told.outcome, bool(told.left_writes), bool(told.right_writes))
        assert seen == foretold, (told, ended, TRACE.steps)

    def _findings(self, record: str) -> Findings | None:
        """None where a POST may be under way: nobody asks Advoware what it made, only for a person to see."""
        office, row = self.office, self.office.links.rows.get(record)
        if row is not None and row.intent is not None:
            return None
        left = office.left._snapshot(record) if record in office.left.records else None
        link = row.link if row is not None else None
        claimed = BETEILIGTE.linked_to(left.payload) if left is not None else None
        right_id = link.right_id if link is not None and not link.tombstone else claimed
        right = office.right._snapshot(right_id) if right_id in office.right.records and right_id else None
        owners = {each.link.right_id: one for one, each in office.links.rows.items() if each.link}
        owner = owners.get(right_id or "")
        return Findings(
            left_id=record,
            at=office.clock.now(),
            memory=Found(Remembered(self._state(row))),
            left=Found(left),
            right=Found(right),
            right_id=right_id,
            owner=owner if owner != record else None,
        )

    def _state(self, row: Any) -> RecordState:
        if row is None:
            return RecordState(fence=0, key=self.office.links.key)
        return RecordState(
            fence=row.fence,
            link=row.link,
            base=row.base,
            intent=row.intent,
            parked=row.parked,
            notes=frozenset(row.notes),
            pending=tuple(row.pending.values()),
            attempted=row.attempted,
            looked_at=row.looked_at if row.link else None,
            key=self.office.links.key,
        )


TestForetold = Foretold.TestCase
TestForetold.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
