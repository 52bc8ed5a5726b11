"""Removes bookkeeping that has had its time, a page at a time: no statement looks at, or locks, more rows than that.

The journal is read from its oldest line on, the guards by their key: neither needs an index of its own. How old a guard
is tells its fence. A guard holds off writers that took an older fence; one that does so after all those days would have
been frozen for as long, and its lease is long gone. All times are the database's, and even those may leap.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from recordsync.postgres.sweep import PostgresSweepStore
from synckit.errors import PermanentError
from synckit.ports import OPERATOR
from synckit.postgres.pool import PostgresPool
from ticker.domain.retention import Kept, abandoned, is_leap

log = structlog.get_logger(__name__)
PAGE = 1000
MOST_PAGES = 1000
"""Of one table in one run; the next run goes on."""
LAST_RUN = "retention.ran"
MARKS_BEFORE = "retention.fences"
"""What code before fences told the time left behind: its newest mark is when it last ran."""
TIMED_SINCE = "fence.timed_since"
AFTER_LEAP = "python -m ticker prune --after-leap"
_JOURNAL = """
WITH page AS (SELECT id, at, at < CASE WHEN starts_with(step, $5::text) THEN $4::timestamptz
                                       ELSE $3::timestamptz END AS is_old
              FROM journal WHERE id > $1 ORDER BY id LIMIT $2),
     gone AS (DELETE FROM journal j USING page p WHERE j.id = p.id AND p.is_old AND NOT $6::boolean RETURNING 1)
SELECT max(id) AS last, coalesce(bool_and(at BETWEEN $3::timestamptz AND clock_timestamp()), true) AS is_young,
       count(*) FILTER (WHERE is_old) AS old,
       (SELECT count(*) FROM gone) AS gone
FROM page
"""
_GUARD = """
WITH page AS (SELECT entity, left_id, fence >= $4::bigint AND fence < $5::bigint AS is_old
              FROM guard WHERE (entity, left_id) > ($1, $2) ORDER BY entity, left_id LIMIT $3),
     gone AS (DELETE FROM guard g USING page p
              WHERE g.entity = p.entity AND g.left_id = p.left_id
                AND g.fence >= $4::bigint AND g.fence < $5::bigint AND NOT $6::boolean RETURNING 1)
SELECT entity, left_id, (SELECT count(*) FROM page WHERE is_old) AS old, (SELECT count(*) FROM gone) AS gone
FROM page ORDER BY entity DESC, left_id DESC LIMIT 1
"""


class RetentionRefused(PermanentError):
    """Nothing is removed: by the database's clock too much time has gone by at once."""

    code = "clock_leap"


class PostgresRetention:
    """`ticker.handlers.Duty`. `on_refused` is told at each run whether it was refused."""

    name = "retention"

    def __init__(self, pool: PostgresPool, kept: Kept, on_refused: Callable[[bool], None] = lambda _: None) -> None:
        self._pool = pool
        self._cursors = PostgresSweepStore(pool, "")
        self._kept = kept
        self._on_refused = on_refused
        self._guards_after = ("", "")
        self._is_believed = False

    def believe_the_time(self) -> None:
        """A person says that the database's time is right although it leapt."""
        self._is_believed = True

    async def carry_out(self, *, dry_run: bool = False) -> Mapping[str, int]:
        """Table → rows that went, or would go. RetentionRefused after a leap."""
        now: datetime = await self._pool.fetch_value("SELECT clock_timestamp()")
        last = await self._last_run()
        refused = is_leap(now, last) and not self._is_believed
        self._on_refused(refused)
        if refused:
            log.error("retention_refused", since=last, next=now, hint=AFTER_LEAP)
            raise RetentionRefused(f"the database's clock leapt from {last} to {now}: if that is right, {AFTER_LEAP}")
        if not dry_run:
            await self._cursors.move_cursor(LAST_RUN, now.isoformat())
        journal = await self._journal(now, dry_run=dry_run)
        return {"journal": journal, "guard": await self._guards(now, dry_run=dry_run)}

    async def _last_run(self) -> datetime | None:
        if told := await self._cursors.cursor(LAST_RUN):
            return datetime.fromisoformat(told)
        marks = json.loads(await self._cursors.cursor(MARKS_BEFORE) or "[]")
        return datetime.fromisoformat(marks[-1][0]) if marks else None

    async def _journal(self, now: datetime, *, dry_run: bool) -> int:
        last, gone = 0, 0
        for _ in range(MOST_PAGES):
            limits = (now - self._kept.journal, now - self._kept.operator, OPERATOR, dry_run)
            (page,) = await self._pool.fetch(_JOURNAL, last, PAGE, *limits, writes=not dry_run)
            gone += page["old"] if dry_run else page["gone"]
            if page["is_young"]:
                break
            last = page["last"]
        return gone

    async def _guards(self, now: datetime, *, dry_run: bool) -> int:
        """Where a run ends before all keys are seen, the next one goes on behind its last."""
        told = await self._cursors.cursor(TIMED_SINCE)
        fences = abandoned(now, self._kept.guard, datetime.fromisoformat(told) if told else None)
        after, gone = ("", "") if dry_run else self._guards_after, 0
        for _ in range(MOST_PAGES):
            pages = await self._pool.fetch(_GUARD, *after, PAGE, *fences, dry_run, writes=not dry_run)
            if not pages:
                after = ("", "")
                break
            gone += pages[0]["old"] if dry_run else pages[0]["gone"]
            after = (pages[0]["entity"], pages[0]["left_id"])
        if not dry_run:
            self._guards_after = after
        return gone
