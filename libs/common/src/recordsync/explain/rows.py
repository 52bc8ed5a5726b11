"""Fields and entries of lists, as a person is shown them: both sides, the base, the rule, and what would be written."""

from __future__ import annotations

from dataclasses import dataclass

from recordsync.explain.findings import Findings
from recordsync.explain.words import rule_words
from recordsync.mapping.field import EntityMapping
from recordsync.mapping.rows import RowForecast
from synckit.errors import MappingError
from synckit.reconcile.plan import Base, Canonical, Decision, Plan, Side, Value
from synckit.reconcile.policy import FieldPolicy

Table = EntityMapping
_QUIET = frozenset({"unchanged", "agreed", "unknown"})
_NOT_SHOWN = "eine Seite zeigt das Feld nicht; bleibt"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: both sides now, what they held when they last agreed, the rule, and what would be written where.

    Values are as the mapping shows them to a user: an account number is all but masked. `left_shown` is False where
    that side could not be asked, or did not show the field.
    """

    name: str
    label: str
    left: Value
    right: Value
    base_left: Value
    base_right: Value
    left_changed: bool
    right_changed: bool
    rule: str
    words: str
    write: str = ""
    after: Value = None
    has_base: bool = False
    left_shown: bool = True
    right_shown: bool = True

    @property
    def is_quiet(self) -> bool:
        """Empty on both sides and nothing to say about it."""
        values = (self.left, self.right, self.base_left, self.base_right)
        return not self.write and not any(v is not None for v in values) and self.rule in _QUIET


@dataclass(frozen=True, slots=True)
class Values:
    """What both sides hold, and what they held when they last agreed."""

    base: Base
    left: Canonical
    right: Canonical


def rows_as_seen(findings: Findings, table: Table) -> tuple[FieldRow, ...]:
    """Where nothing can be foretold: at least what each side shows."""
    base = findings.state.base if findings.state else Base()
    try:
        left = table.read(Side.LEFT, findings.left.value.payload) if findings.left.value else {}
        right = table.read(Side.RIGHT, findings.right.value.payload) if findings.right.value else {}
    except MappingError:
        return ()
    if not (left or right):
        return ()
    return tuple(field_row(policy, table, Plan(), Values(base, left, right)) for policy in table.policies)


def list_row(row: RowForecast) -> FieldRow:
    """Of an entry."""
    return FieldRow(
        name=row.name,
        label=row.label,
        left=row.left,
        right=row.right,
        base_left=row.base_left,
        base_right=row.base_right,
        left_changed=row.has_base and row.left != row.base_left,
        right_changed=row.has_base and row.right != row.base_right,
        rule=row.rule,
        words=row.words,
        write=row.write.value if row.write else "",
        after=row.after,
        has_base=row.has_base,
    )


def field_row(policy: FieldPolicy, table: Table, plan: Plan, values: Values) -> FieldRow:
    """Of a field."""
    name, base, left, right = policy.name, values.base, values.left, values.right
    decision = _decision(plan, name)
    write = decision.write.value if decision and decision.write and _is_written(plan, decision) else ""
    after = (decision.left if write == Side.LEFT.value else decision.right) if decision and write else None
    return FieldRow(
        name=name,
        label=policy.label,
        left=table.shown(name, left.get(name)),
        right=table.shown(name, right.get(name)),
        base_left=table.shown(name, base.left.get(name)),
        base_right=table.shown(name, base.right.get(name)),
        left_changed=base.knows(name) and name in left and left[name] != base.left[name],
        right_changed=base.knows(name) and name in right and right[name] != base.right[name],
        rule=decision.rule.value if decision else "unknown",
        words=rule_words(decision, policy.direction, held=bool(plan.held))
        if decision
        else ""
        if not plan.decisions
        else _NOT_SHOWN,
        write=write,
        after=table.shown(name, after),
        has_base=base.knows(name),
        left_shown=name in left,
        right_shown=name in right,
    )


def _decision(plan: Plan, name: str) -> Decision | None:
    """A refusal stands over the rule that led to it."""
    return next((d for d in (*plan.refusals, *plan.decisions) if d.field == name), None)


def _is_written(plan: Plan, decision: Decision) -> bool:
    writes = plan.left_writes if decision.write is Side.LEFT else plan.right_writes
    return decision.field in writes
