"""A report for programs. Pure. Holds client data, as the report does: to standard output and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from recordsync.explain.findings import Findings, Scan
from recordsync.explain.report import Report, last_look, writes
from recordsync.explain.rows import Table
from synckit.ports import RecordState
from synckit.reconcile.plan import Plan


def document(report: Report, findings: Findings, table: Table) -> dict[str, Any]:
    """Names are English and stay; `summary`, `would` and `words` are for people, and may be reworded."""
    remembered = findings.memory.value
    state = remembered.state if remembered else None
    rows = last_look(findings.journal)
    whole = {
        "entity": table.entity,
        "left_type": table.left_type,
        "id": findings.left_id,
        "right_id": findings.right_id,
        "at": findings.at,
        "is_known": findings.is_known,
        "missing": report.missing,
        "summary": report.summary,
        "memory": _memory(state, remembered.times) if state and remembered else None,
        "left": _side(findings, "left"),
        "right": _side(findings, "right"),
        "fields": [asdict(row) for row in report.forecast.rows],
        "forecast": {
            "kind": report.forecast.kind,
            "would": report.forecast.lines,
            "plan": _plan(report.forecast.plan),
        },
        "lock": {"held": findings.lock.value is not None, "seconds_left": findings.lock.value},
        "queue": _scan(findings.waiting.value),
        "dead_letters": _scan(findings.buried.value),
        "journal": [{"fence": fence, **asdict(entry)} for fence, entry in findings.journal],
        "last_sync": {"journal_rows": len(rows), "writes": writes(rows)} if rows else None,
    }
    plain: dict[str, Any] = _plain(whole)
    return plain


def _memory(state: RecordState, times: Mapping[str, datetime]) -> dict[str, Any]:
    return {
        "fence": state.fence,
        "link": asdict(state.link) if state.link else None,
        "base": {"left": state.base.left, "right": state.base.right},
        "intent": {"declared_at": state.intent.declared_at} if state.intent else None,
        "parked": asdict(state.parked) if state.parked else None,
        "notes": sorted(state.notes),
        "pending_notes": [note.cause for note in state.pending],
        "attempted": [{"field": each.field, "side": each.side} for each in state.attempted],
        "rivals": state.rivals,
        "times": dict(times),
    }


def _side(findings: Findings, name: str) -> dict[str, Any] | None:
    snapshot = (findings.left if name == "left" else findings.right).value
    if snapshot is None:
        return None
    return {"id": snapshot.id, "version": snapshot.version, "changed_at": snapshot.changed_at}


def _plan(plan: Plan | None) -> dict[str, Any] | None:
    if plan is None:
        return None
    return {
        "held": plan.held,
        "left_writes": dict(plan.left_writes),
        "right_writes": dict(plan.right_writes),
        "refused": [d.field for d in plan.refusals],
        "notices": [{"kind": n.kind.value, "field": n.field} for n in plan.notices],
    }


def _scan(scan: Scan | None) -> dict[str, Any] | None:
    if scan is None:
        return None
    records = [{name: value.decode("utf-8", "replace") for name, value in record.headers} for record in scan.records]
    return {"records": records, "looked_at": scan.looked_at, "left_out": scan.left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
