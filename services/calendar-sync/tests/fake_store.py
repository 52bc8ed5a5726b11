"""`adapters.store.PostgresStore` in memory, with its refusals; for runs, machines and commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from calendar_sync.adapters.store import NoSuchList
from calendar_sync.domain.memory import Diary, JournalEntry, Memory, Notice, Outcome, Row, State
from calendar_sync.domain.rounds import Employee
from synckit.errors import StaleVersion
from synckit.ports import Clock

DAY = timedelta(days=1)


class FakeStore:
    """Each method is atomic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fence = 0
        self.fences: dict[str, int] = {}
        self.known: dict[str, Diary] = {}
        self.standing: dict[str, Employee] = {}
        self.pairs: dict[tuple[str, str], Row] = {}
        self.lines: list[tuple[str, JournalEntry]] = []
        self.notices: dict[tuple[str, str, str], Notice] = {}
        self.deletions: list[tuple[datetime, int]] = []
        self.commits = 0

    async def load(self, kuerzel: str) -> Memory:
        self._fence += 1
        self.fences[kuerzel] = self._fence
        self.known.setdefault(kuerzel, Diary(kuerzel))
        self.standing.setdefault(kuerzel, Employee(kuerzel))
        return replace(await self.peek(kuerzel), fence=self._fence, office_deleted=self._deleted())

    async def peek(self, kuerzel: str) -> Memory:
        live = sum(row.state is State.LINKED for row in self.pairs.values())
        diary = self.known.get(kuerzel, Diary(kuerzel))
        return Memory(diary, tuple(await self.rows(kuerzel)), self._clock.now(), 0, live)

    async def rows(self, kuerzel: str) -> Sequence[Row]:
        return [row for (name, _), row in sorted(self.pairs.items()) if name == kuerzel]

    async def intend(self, memory: Memory, diary: Diary, rows: Sequence[Row]) -> None:
        self._ensure(memory)
        self._keep(memory.diary.kuerzel, diary, rows)

    async def commit(self, memory: Memory, outcome: Outcome) -> None:
        self._ensure(memory)
        kuerzel, now = memory.diary.kuerzel, self._clock.now()
        for key in outcome.removed:
            self.pairs.pop((kuerzel, key), None)
        self._keep(kuerzel, outcome.diary, outcome.rows)
        self.lines += [(kuerzel, replace(entry, at=now)) for entry in outcome.journal]
        for notice in outcome.notices:
            self.notices.setdefault((notice.kuerzel, notice.kind, notice.key), notice)
        if outcome.deletions:
            self.deletions.append((now, outcome.deletions))
        report = outcome.report
        if report is not None:
            before = self.standing[kuerzel].synced_at
            synced_at = now if report.state in ("done", "waiting") else before
            self.standing[kuerzel] = Employee(kuerzel, str(outcome.diary.state), report.unsaved, synced_at)
        self.commits += 1

    async def holders(self, frnrs: Collection[int], besides: str) -> Mapping[int, frozenset[str]]:
        found: dict[int, set[str]] = {}
        for (name, _), row in self.pairs.items():
            if row.frnr is not None and row.frnr in set(frnrs) and name != besides and row.state is State.LINKED:
                found.setdefault(row.frnr, set()).add(name)
        return {frnr: frozenset(names) for frnr, names in found.items()}

    async def journal(self, kuerzel: str, since: datetime) -> tuple[JournalEntry, ...]:
        return tuple(entry for name, entry in self.lines if name == kuerzel and entry.at and entry.at >= since)

    async def decide_list(self, kuerzel: str, digest: str, *, released: bool) -> None:
        memory = await self.load(kuerzel)
        held = memory.diary.held
        if held is None or held.digest != digest:
            raise NoSuchList(f"{kuerzel}: no list of this hash waits")
        diary = replace(memory.diary, held=None)
        if released:
            self.known[kuerzel] = replace(diary, released=(*diary.released, *held.keys))
        else:
            self.known[kuerzel] = replace(diary, rejected=(*diary.rejected, *held.keys))

    async def employees(self) -> Sequence[Employee]:
        return [self.standing[name] for name in sorted(self.standing)]

    async def diaries(self) -> Sequence[Diary]:
        return [self.known[name] for name in sorted(self.known)]

    async def rename(self, old: str, new: str) -> bool:
        if old not in self.known or new in self.known:
            return False
        self.known[new] = replace(self.known.pop(old), kuerzel=new)
        self.standing[new] = replace(self.standing.pop(old), kuerzel=new)
        self.fences[new] = self.fences.pop(old, 0) + 1
        self.pairs = {(new if name == old else name, key): row for (name, key), row in self.pairs.items()}
        self.lines = [(new if name == old else name, entry) for name, entry in self.lines]
        return True

    def _deleted(self) -> int:
        since = self._clock.now() - DAY
        return sum(count for at, count in self.deletions if at > since)

    def _ensure(self, memory: Memory) -> None:
        if self.fences.get(memory.diary.kuerzel, 0) > memory.fence:
            raise StaleVersion("a newer run of this employee has begun")

    def _keep(self, kuerzel: str, diary: Diary, rows: Sequence[Row]) -> None:
        self.known[kuerzel] = Diary.from_json(diary.to_json())
        self.standing[kuerzel] = replace(self.standing[kuerzel], state=str(diary.state))
        for row in rows:
            self.pairs[kuerzel, row.key] = Row.from_json(row.to_json())
