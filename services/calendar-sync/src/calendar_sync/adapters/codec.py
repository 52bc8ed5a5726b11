"""Frozen values ↔ what the tables hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calendar_sync.domain.memory import Diary, Outcome, Row
from synckit.postgres.pool import json_text

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""For what jsonb can't hold, the NUL: a mapping takes it out before, so that it decides nothing."""


def storable(value: Any) -> Any:
    """Without NUL characters and lone surrogates, which a desk may paste and PostgreSQL refuses."""
    if isinstance(value, str):
        clean = value.replace("\x00", REPLACEMENT)
        return clean if clean.isascii() else clean.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(storable(name)): storable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    return value


def rows_text(rows: Sequence[Row]) -> str:
    """For `keep_rows`."""
    return json_text([_row(row) for row in rows])


def diary_text(diary: Diary) -> str:
    """For `keep_diary`."""
    return json_text(_diary(diary))


def outcome_text(outcome: Outcome) -> str:
    """For `commit_run`."""
    told: dict[str, Any] = {
        "rows": [_row(row) for row in outcome.rows],
        "removed": list(outcome.removed),
        "diary": _diary(outcome.diary),
        "journal": [storable(entry.to_json()) for entry in outcome.journal],
        "notices": [
            {"kuerzel": one.kuerzel, "kind": one.kind, "key": one.key, "text": storable(one.text)}
            for one in outcome.notices
        ],
        "deletions": outcome.deletions,
    }
    if outcome.report is not None:
        told |= {"unsaved": outcome.report.unsaved, "synced": outcome.report.state in ("done", "waiting")}
    return json_text(told)


def parsed(value: Any) -> Any:
    """asyncpg hands jsonb over as a text."""
    return json.loads(value) if isinstance(value, str) else value


def _row(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "state": str(row.state),
        "kind": str(row.kind),
        "frnr": row.frnr,
        "event_id": row.event_id,
        "parent": row.parent,
        "due": row.due.isoformat() if row.due else None,
        "doc": storable(row.to_json()),
    }


def _diary(diary: Diary) -> dict[str, Any]:
    held = diary.held.digest if diary.held else ""
    return {"state": str(diary.state), "held": held, "doc": storable(diary.to_json())}
