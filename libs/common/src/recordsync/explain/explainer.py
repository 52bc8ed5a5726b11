"""What a sync of one record would do now, asked for by programs: both sides are read, nothing is touched."""

from __future__ import annotations

from recordsync.explain.findings import Findings
from recordsync.explain.foreseen import Unknown
from recordsync.explain.gather import Sources, gather
from recordsync.explain.verdict import verdict
from recordsync.rules import Rules
from recordsync.systems import CODES
from synckit.errors import RemoteUnavailable
from synckit.events import ENTITY_ID
from synckit.reconcile.plan import Side
from synckit.service.explain import Explained


class RecordExplainer:
    """`synckit.service.explain.Explainer` of one entity, with the rules of its engine."""

    def __init__(self, sources: Sources, rules: Rules) -> None:
        self._sources = sources
        self._rules = rules

    async def explain(self, name: str) -> Explained | None:
        if not ENTITY_ID.match(name):
            return None
        findings = await gather(self._sources, self._rules.mapping, name)
        if not findings.is_known:
            return None
        try:
            would = verdict(findings, self._rules)
        except Unknown:
            raise RemoteUnavailable(_away(findings), "what a sync would do can't be said") from None
        writes = {CODES[Side.LEFT]: would.left_writes, CODES[Side.RIGHT]: would.right_writes}
        ids = {CODES[Side.LEFT]: name, CODES[Side.RIGHT]: findings.right_id or ""}
        return Explained(would.outcome, writes, {system: one for system, one in ids.items() if one})


def _away(findings: Findings) -> str:
    if findings.memory.trouble:
        return "postgres"
    return CODES[Side.LEFT if findings.left.trouble else Side.RIGHT]
