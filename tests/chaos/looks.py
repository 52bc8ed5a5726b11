"""Who was at work on which record when: the sandboxes' logs of calls, by process and record."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.chaos.fields import Side
from tests.chaos.history import STATE, Record, Row

WORKER = "beteiligte-sync/"
ONE_RECORD = {Side.ESPO: re.compile(r"/CBeteiligte/([^/]+)$"), Side.ADVO: re.compile(r"/Beteiligte/(\d+)$")}
SAME_LOOK = 1.0
"""Seconds: the two reads of a look leave together."""
BESIDE_THE_POINT = frozenset((*STATE, "modifiedAt", "modifiedById", "modifiedByName", "streamUpdatedAt"))


@dataclass(frozen=True)
class Call:
    """One request of ours. `ended` is None where no answer ever left the sandbox."""

    seq: int
    side: Side
    method: str
    path: str
    record: str | None
    agent: str
    started: float
    ended: float | None
    status: int | None
    effect: int | None

    @property
    def is_worker(self) -> bool:
        return self.agent.startswith(WORKER)


@dataclass(frozen=True)
class Overlap:
    """A worker wrote what it had read before another worker wrote."""

    key: str
    stale: Row
    between: Row
    read_at: float
    agents: tuple[str, str]


class Looks:
    """Reads of single records in order of time, by (agent, side, record of that side)."""

    def __init__(self) -> None:
        self.calls: dict[tuple[Side, int], Call] = {}
        self._reads: dict[tuple[str, Side, str], list[float]] = defaultdict(list)

    def take(self, side: Side, rows: Iterable[Mapping[str, Any]]) -> None:
        """The log of one sandbox, oldest first."""
        for row in rows:
            call = Call(
                row["seq"],
                side,
                row["method"],
                row["path"],
                row["record"],
                row["agent"] or "",
                row["started_at"],
                row["ended_at"],
                row["status"],
                row["effect"],
            )
            self.calls[side, call.seq] = call
            found = ONE_RECORD[side].search(call.path)
            if call.is_worker and call.method == "GET" and found:
                # A slow sandbox waits first and looks then.
                read_at = row["ended_at"] if row["fault"] == "slow" and row["ended_at"] else call.started
                insort(self._reads[call.agent, side, found.group(1)], read_at)

    def agent_of(self, row: Row) -> str:
        """The process that did it; "" for a person."""
        call = self.calls.get((row.side, row.call)) if row.call is not None else None
        return call.agent if call else ""

    def looked_at(self, record_id: str) -> list[float]:
        """When workers began to read this record of EspoCRM, by whichever process."""
        return sorted(
            at
            for (_, side, one), reads in self._reads.items()
            if side is Side.ESPO and one == record_id
            for at in reads
        )

    def basis(self, record: Record, write: Row) -> float | None:
        """When the writer had last read what it wrote over; its own write since counts as reading."""
        agent = self.agent_of(write)
        own = [r.at for r in record.rows if r.side is write.side and r.at < write.at and self.agent_of(r) == agent]
        read = self._last_read(agent, write.side, write.record, write.at)
        return max([*own[-1:], *([] if read is None else [read])], default=None)

    def overlaps(self, record: Record) -> list[Overlap]:
        """Writes of one worker between the reads of another and what that one wrote upon them."""
        found = []
        ours = [row for row in record.rows if not row.by_person and set(row.values) - BESIDE_THE_POINT]
        for write in ours:
            agent = self.agent_of(write)
            began = self._began(record, agent, write.at)
            if began is None:
                continue
            for other in ours:
                if began < other.at < write.at and self.agent_of(other) != agent:
                    found.append(Overlap(record.key, write, other, began, (agent, self.agent_of(other))))
                    break
        return found

    def overtaken(self, record: Record) -> bool:
        """A write of ours was stored after a younger one of ours on that side: it had been on its way for so long."""
        for side in Side:
            sent = [
                call.started
                for row in record.rows
                if row.side is side and row.call is not None and (call := self.calls.get((side, row.call))) is not None
            ]
            if any(later < earlier for earlier, later in pairwise(sent)):
                return True
        return False

    def _began(self, record: Record, agent: str, at: float) -> float | None:
        """The begin of the look in which this agent wrote at that time."""
        left = self._last_read(agent, Side.ESPO, record.espo_id, at)
        if left is None:
            return None
        rights = [self._last_read(agent, Side.ADVO, party, at) for party in record.parties]
        return min([left, *(r for r in rights if r is not None and r >= left - SAME_LOOK)])

    def _last_read(self, agent: str, side: Side, record_id: str, before: float) -> float | None:
        reads = self._reads.get((agent, side, record_id), [])
        index = bisect_left(reads, before)
        return reads[index - 1] if index else None
