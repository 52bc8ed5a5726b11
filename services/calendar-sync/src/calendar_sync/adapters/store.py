"""The memory of calendars in PostgreSQL: `ports.StateStore`. Every method is one statement, and so one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from calendar_sync.adapters.codec import diary_text, outcome_text, parsed, rows_text
from calendar_sync.domain.memory import Diary, JournalEntry, Memory, Outcome, Row
from calendar_sync.domain.rounds import Employee
from synckit.errors import PermanentError, StaleVersion
from synckit.postgres.pool import PostgresPool

MOST_LINES = 100_000


class NoSuchList(PermanentError):
    """No list of this hash waits: another one does, or none."""

    code = "no_such_list"


class PostgresStore:
    """What runs load, announce and commit, and what commands ask."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def load(self, kuerzel: str) -> Memory:
        """Takes a fresh fence: who holds an older one can't commit any more."""
        fence: int = await self._pool.fetch_value("SELECT calendar_sync.take_fence($1)", kuerzel, writes=True)
        found = await self._pool.fetch(
            "SELECT doc, clock_timestamp() AS now, "
            "(SELECT count(*) FROM calendar_sync.pair WHERE state = 'linked') AS office_live, "
            "(SELECT coalesce(sum(count), 0) FROM calendar_sync.deletion "
            "WHERE at > clock_timestamp() - interval '1 day') AS office_deleted "
            "FROM calendar_sync.employee WHERE kuerzel = $1",
            kuerzel,
        )
        told = found[0]
        rows = tuple(await self.rows(kuerzel))
        counts = (int(told["office_live"]), int(told["office_deleted"]))
        return Memory(_diary(kuerzel, told["doc"]), rows, told["now"], fence, *counts)

    async def peek(self, kuerzel: str) -> Memory:
        """As `load`, for those who only want to know: takes no fence, and stops no run."""
        found = await self._pool.fetch(
            "SELECT (SELECT doc FROM calendar_sync.employee WHERE kuerzel = $1) AS doc, clock_timestamp() AS now, "
            "(SELECT count(*) FROM calendar_sync.pair WHERE state = 'linked') AS office_live",
            kuerzel,
        )
        told = found[0]
        rows = tuple(await self.rows(kuerzel))
        return Memory(_diary(kuerzel, told["doc"]), rows, told["now"], 0, int(told["office_live"]))

    async def rows(self, kuerzel: str) -> Sequence[Row]:
        """By key."""
        found = await self._pool.fetch("SELECT doc FROM calendar_sync.pair WHERE kuerzel = $1 ORDER BY key", kuerzel)
        return [Row.from_json(parsed(each["doc"])) for each in found]

    async def intend(self, memory: Memory, diary: Diary, rows: Sequence[Row]) -> None:
        """Committed before it returns: the writes come after. StaleVersion where a newer run has begun."""
        held = await self._pool.fetch_value(
            "SELECT calendar_sync.intend($1, $2, $3::jsonb, $4::jsonb)",
            memory.diary.kuerzel,
            memory.fence,
            diary_text(diary),
            rows_text(rows),
            writes=True,
        )
        _ensure(held)

    async def commit(self, memory: Memory, outcome: Outcome) -> None:
        """All or nothing. StaleVersion where a newer run has begun."""
        held = await self._pool.fetch_value(
            "SELECT calendar_sync.commit_run($1, $2, $3::jsonb)",
            memory.diary.kuerzel,
            memory.fence,
            outcome_text(outcome),
            writes=True,
        )
        _ensure(held)

    async def holders(self, frnrs: Collection[int], besides: str) -> Mapping[int, frozenset[str]]:
        """Other employees with a linked row of these Termine."""
        found = await self._pool.fetch(
            "SELECT frnr, array_agg(kuerzel) AS names FROM calendar_sync.pair "
            "WHERE frnr = ANY($1::bigint[]) AND kuerzel <> $2 AND state = 'linked' GROUP BY frnr",
            list(frnrs),
            besides,
        )
        return {row["frnr"]: frozenset(row["names"]) for row in found}

    async def journal(self, kuerzel: str, since: datetime) -> tuple[JournalEntry, ...]:
        """What this service wrote, oldest first."""
        found = await self._pool.fetch(
            "SELECT at, doc FROM calendar_sync.journal WHERE kuerzel = $1 AND at >= $2 ORDER BY id LIMIT $3",
            kuerzel,
            since,
            MOST_LINES,
        )
        return tuple(replace(JournalEntry.from_json(parsed(row["doc"])), at=row["at"]) for row in found)

    async def decide_list(self, kuerzel: str, digest: str, *, released: bool) -> None:
        """For exactly this list. NoSuchList where it is not what waits. A run that is under way decides again."""
        memory = await self.load(kuerzel)
        diary = memory.diary
        if diary.held is None or not diary.held.digest or diary.held.digest not in (digest,):
            raise NoSuchList(f"{kuerzel}: no list of this hash waits")
        keys = diary.held.keys
        answered = (
            replace(diary, released=tuple(dict.fromkeys((*diary.released, *keys))))
            if released
            else replace(diary, rejected=tuple(dict.fromkeys((*diary.rejected, *keys))))
        )
        await self.intend(memory, replace(answered, held=None), ())

    async def employees(self) -> Sequence[Employee]:
        """All that were ever synced, by Kürzel."""
        found = await self._pool.fetch(
            "SELECT kuerzel, state, unsaved, synced_at FROM calendar_sync.employee ORDER BY kuerzel"
        )
        return [Employee(row["kuerzel"], row["state"], row["unsaved"], row["synced_at"]) for row in found]

    async def diaries(self) -> Sequence[Diary]:
        """All, by Kürzel."""
        found = await self._pool.fetch("SELECT kuerzel, doc FROM calendar_sync.employee ORDER BY kuerzel")
        return [_diary(row["kuerzel"], row["doc"]) for row in found]

    async def rename(self, old: str, new: str) -> bool:
        """Everything of one Kürzel to another. False where there is nothing of it, or `new` has something already.

        A run of the old one that is under way commits nothing any more.
        """
        done: Any = await self._pool.fetch_value(
            "WITH moved AS (UPDATE calendar_sync.employee SET kuerzel = $2, fence = fence + 1, "
            "doc = jsonb_set(doc, '{kuerzel}', to_jsonb($2::text)) WHERE kuerzel = $1 "
            "AND NOT EXISTS (SELECT FROM calendar_sync.employee WHERE kuerzel = $2) RETURNING 1), "
            "lines AS (UPDATE calendar_sync.journal SET kuerzel = $2 WHERE kuerzel = $1 AND EXISTS (TABLE moved)), "
            "told AS (UPDATE calendar_sync.notice SET kuerzel = $2 WHERE kuerzel = $1 AND EXISTS (TABLE moved)) "
            "SELECT EXISTS (TABLE moved)",
            old,
            new,
            writes=True,
        )
        return bool(done)


def _diary(kuerzel: str, doc: Any) -> Diary:
    """An employee who is not known has an empty one."""
    told = parsed(doc)
    return Diary.from_json({**told, "kuerzel": kuerzel}) if told else Diary(kuerzel)


def _ensure(held: object) -> None:
    if held is not True:
        raise StaleVersion("a newer run of this employee has begun")
