"""Runs that somebody asked for, and what came of them; and the end of what has had its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calendar_sync.adapters.codec import parsed
from calendar_sync.domain.memory import Report
from calendar_sync.domain.progress import Progress
from synckit.postgres.pool import PostgresPool, json_text

QUEUED, RUNNING = "queued", "running"
KEPT_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """One run as a person sees it."""

    run_id: str
    kuerzel: str
    state: str
    reason: str
    counts: Mapping[str, int]
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class PostgresRuns:
    """Keyed by the id of the event that asked for it: many events may end in one run, and each finds it."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def queued(self, runs: Mapping[str, str], origin: str) -> None:
        """run_id → Kürzel, before the events are published."""
        await self._pool.fetch(
            "INSERT INTO calendar_sync.run (run_id, kuerzel, origin, state) "
            "SELECT k, v, $3, 'queued' FROM unnest($1::text[], $2::text[]) AS u(k, v) ON CONFLICT DO NOTHING",
            list(runs),
            list(runs.values()),
            origin,
            writes=True,
        )

    async def withdrawn(self, run_ids: Sequence[str]) -> None:
        """The broker did not take them: nobody will ever run them."""
        await self._pool.fetch(
            "DELETE FROM calendar_sync.run WHERE run_id = ANY($1::text[]) AND state = 'queued'",
            list(run_ids),
            writes=True,
        )

    async def started(self, run_ids: Sequence[str]) -> None:
        """Only those that somebody asked for are known."""
        await self._pool.fetch(
            "UPDATE calendar_sync.run SET state = 'running', started_at = clock_timestamp() "
            "WHERE run_id = ANY($1::text[])",
            list(run_ids),
            writes=True,
        )

    async def going_on(self, run_ids: Sequence[str], progress: Progress) -> None:
        """How far it is, as its counts and its reason until it ends."""
        await self._pool.fetch(
            "UPDATE calendar_sync.run SET counts = $2::jsonb, reason = $3 "
            "WHERE run_id = ANY($1::text[]) AND state = 'running'",
            list(run_ids),
            json_text(progress.counts),
            progress.reason,
            writes=True,
        )

    async def ended(self, run_ids: Sequence[str], report: Report) -> None:
        await self._pool.fetch(
            "UPDATE calendar_sync.run SET state = $2, reason = $3, counts = $4::jsonb, ended_at = clock_timestamp() "
            "WHERE run_id = ANY($1::text[])",
            list(run_ids),
            _as_asked(report),
            report.reason,
            json_text(dict(report.counts)),
            writes=True,
        )

    async def run(self, run_id: str) -> Run | None:
        found = await self._pool.fetch("SELECT * FROM calendar_sync.run WHERE run_id = $1", run_id)
        return _run(dict(found[0])) if found else None

    async def forget(self, days: int) -> int:
        """Runs, lines of the journal and causes that were told, older than that, some at a time."""
        gone = 0
        for table, column in (("run", "queued_at"), ("journal", "at"), ("deletion", "at"), ("notice", "posted_at")):
            while True:
                rows = await self._pool.fetch(
                    f"DELETE FROM calendar_sync.{table} WHERE ctid IN (SELECT ctid FROM calendar_sync.{table} "  # noqa: S608 -- names of ours
                    f"WHERE {column} < now() - make_interval(days => $1) LIMIT $2) RETURNING 1",
                    days,
                    KEPT_ROWS,
                    writes=True,
                )
                gone += len(rows)
                if len(rows) < KEPT_ROWS:
                    break
        return gone


def _as_asked(report: Report) -> str:
    """`done`, `skipped` or `failed`: a run that was carried out is done, also where something waits for a person."""
    if report.state != "waiting":
        return report.state
    return "done" if report.counts or not report.reason else "skipped"


def _run(record: Mapping[str, Any]) -> Run:
    return Run(
        record["run_id"],
        record["kuerzel"],
        record["state"],
        record["reason"],
        parsed(record["counts"]) or {},
        record["queued_at"],
        record["started_at"],
        record["ended_at"],
    )
