"""Removes bookkeeping that has had its time, a page at a time: no statement looks at, or locks, more rows than that.

The journal is read from its oldest line on, the guards by their key: neither needs an index of its own. How old a guard
is tells its fence, by marks that are set once a day. A guard holds off writers that took an older fence; one that does
so after all those days would have been frozen for as long, and its lease is long gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from synckit.adapters.postgres.pool import PostgresPool
from synckit.adapters.postgres.sweep import PostgresSweepStore
from synckit.ports import OPERATOR, Clock
from ticker.domain.retention import Kept, Mark, abandoned, with_mark

PAGE = 1000
MOST_PAGES = 1000
"""Of one table in one run; the next run goes on."""
MARKS = "retention.fences"
_JOURNAL = """
WITH page AS (SELECT id, at, at < CASE WHEN starts_with(step, $5::text) THEN $4::timestamptz
                                       ELSE $3::timestamptz END AS is_old
              FROM journal WHERE id > $1 ORDER BY id LIMIT $2),
     gone AS (DELETE FROM journal j USING page p WHERE j.id = p.id AND p.is_old AND NOT $6::boolean RETURNING 1)
SELECT max(id) AS last, coalesce(bool_and(at >= $3::timestamptz), true) AS is_young,
       count(*) FILTER (WHERE is_old) AS old,
       (SELECT count(*) FROM gone) AS gone
FROM page
"""
_GUARD = """
WITH page AS (SELECT entity, left_id, fence <= $4::bigint AS is_old
              FROM guard WHERE (entity, left_id) > ($1, $2) ORDER BY entity, left_id LIMIT $3),
     gone AS (DELETE FROM guard g USING page p
              WHERE g.entity = p.entity AND g.left_id = p.left_id
                AND g.fence <= $4::bigint AND NOT $5::boolean RETURNING 1)
SELECT entity, left_id, (SELECT count(*) FROM page WHERE is_old) AS old, (SELECT count(*) FROM gone) AS gone
FROM page ORDER BY entity DESC, left_id DESC LIMIT 1
"""


class PostgresRetention:
    """`ticker.handlers.Duty`."""

    name = "retention"

    def __init__(self, pool: PostgresPool, clock: Clock, kept: Kept) -> None:
        self._pool = pool
        self._cursors = PostgresSweepStore(pool, "")
        self._clock = clock
        self._kept = kept
        self._guards_after = ("", "")

    async def carry_out(self, *, dry_run: bool = False) -> Mapping[str, int]:
        """Table → rows that went, or would go."""
        now = self._clock.now()
        journal = await self._journal(now, dry_run=dry_run)
        return {"journal": journal, "guard": await self._guards(now, dry_run=dry_run)}

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
        newest = int(await self._pool.fetch_value("SELECT last_value FROM fence"))
        marks = _read(await self._cursors.cursor(MARKS))
        fence, useful = abandoned(with_mark(marks, now, newest), now, self._kept.guard)
        if not dry_run and useful != marks:
            await self._cursors.move_cursor(MARKS, _written(useful))
        return await self._guards_up_to(fence, dry_run=dry_run) if fence else 0

    async def _guards_up_to(self, fence: int, *, dry_run: bool) -> int:
        """Where a run ends before all keys are seen, the next one goes on behind its last."""
        after, gone = ("", "") if dry_run else self._guards_after, 0
        for _ in range(MOST_PAGES):
            pages = await self._pool.fetch(_GUARD, *after, PAGE, fence, dry_run, writes=not dry_run)
            if not pages:
                after = ("", "")
                break
            gone += pages[0]["old"] if dry_run else pages[0]["gone"]
            after = (pages[0]["entity"], pages[0]["left_id"])
        if not dry_run:
            self._guards_after = after
        return gone


def _read(text: str | None) -> list[Mark]:
    return [(datetime.fromisoformat(at), int(fence)) for at, fence in json.loads(text or "[]")]


def _written(marks: Sequence[Mark]) -> str:
    return json.dumps([(at.isoformat(), fence) for at, fence in marks])
