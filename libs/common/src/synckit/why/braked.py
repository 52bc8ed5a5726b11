"""Whether the brake for sweeps would hold a plan, asked as the engine asks. Pure.

What other records of the source do is known only by what the engine has parked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from synckit.engine.doubt import Evidence, doubted
from synckit.engine.notes import RELEASED
from synckit.engine.parentage import home_of
from synckit.mapping.child import ChildOf
from synckit.ports import BRAKED, Payload, RecordState, Snapshot
from synckit.reconcile.brake import loss_of
from synckit.reconcile.plan import Base, Canonical, Decision, Side
from synckit.reconcile.policy import FieldPolicy
from synckit.why.words import SIDES, SYSTEMS


class Table(Protocol):
    """The part of a mapping that is needed here."""

    @property
    def child_of(self) -> ChildOf | None: ...
    @property
    def policies(self) -> Sequence[FieldPolicy]: ...
    def linked_to(self, payload: Payload, parent_id: str = "") -> str | None: ...


@dataclass(frozen=True, slots=True)
class Shown:
    """Both sides of a linked record, as they are and in canonical form."""

    left: Snapshot
    right: Snapshot
    left_values: Canonical
    right_values: Canonical
    at: datetime


def held_by_sweep(state: RecordState, base: Base, shown: Shown, decisions: Sequence[Decision], table: Table) -> str:
    """Why the plan would be held, "" where it may go on."""
    link = state.link
    if link is None or RELEASED in state.notes:
        return ""
    now = {Side.LEFT: shown.left_values, Side.RIGHT: shown.right_values}
    claims = table.linked_to(shown.left.payload, home_of(table.child_of, link))
    evidence = Evidence(
        link, state.looked_at, state.notes, shown.left, shown.right, claims, broken_off=bool(state.attempted)
    )
    essential = frozenset(p.name for p in table.policies if p.essential)
    doubt = doubted(evidence, base, now, decisions, essential=essential)
    if doubt is not None:
        return f"{SIDES[doubt.side]} {doubt.reason}"
    loses = any(loss_of(side, decisions, now[side.other], base, table.policies) for side in Side)
    return not_believed(state) if loses else ""


def not_believed(state: RecordState) -> str:
    """What the engine has parked this record for, "" where it was for something else, or a person said go on."""
    if state.parked is None or state.parked.reason != BRAKED or RELEASED in state.notes:
        return ""
    return f"{SYSTEMS.get(state.parked.message, state.parked.message)} wird gerade nicht geglaubt"
