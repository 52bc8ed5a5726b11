"""What a run has come to: a table for people, JSON for machines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.fields import Side
from tests.chaos.history import History
from tests.chaos.kills import Kill
from tests.chaos.looks import WORKER, Looks
from tests.chaos.oracle import Finding, Vanished

SHOWN = 8
"""Records whose history is printed."""
ALL_KINDS = "of any kind"


@dataclass
class Report:
    """The `run`-th try, where a safety is out. `late`: kills after which catching up took longer than the limit."""

    seed: int
    workers: int
    without: str | None
    run: int = 1
    changes: int = 0
    seconds: float = 0.0
    by_kind: Mapping[str, int] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    marked: list[Finding] = field(default_factory=list)
    """Known, and not mended yet."""
    vanished: list[Vanished] = field(default_factory=list)
    histories: dict[str, list[str]] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)
    posts: dict[str, list[str]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    ended_by_themselves: list[str] = field(default_factory=list)
    errors_logged: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not self.findings and not self.late

    @property
    def exit_code(self) -> int:
        return 0 if self.is_good else 1

    def as_json(self) -> str:
        return json.dumps(
            asdict(self) | {"known": self.known, "catch_up": self.catch_up(), "good": self.is_good},
            indent=1,
            default=str,
        )

    def catch_up(self) -> dict[str, dict[str, Any]]:
        """By kind of kill: how many, and the seconds from its end until all that was typed before was on both sides."""
        by_kind: dict[str, list[float]] = defaultdict(list)
        for kill in self.kills:
            for kind in (kill.kind, ALL_KINDS):
                by_kind[kind].append(float("inf") if kill.caught_up is None else kill.caught_up)
        return {kind: _spread(seconds) for kind, seconds in sorted(by_kind.items())}

    @property
    def known(self) -> str:
        """How often each fault that is known and not mended yet was met, and by what it was seen."""
        counted = Counter((each.mark, each.what) for each in self.marked)
        return ", ".join(f"{mark} {what} × {count}" for (mark, what), count in sorted(counted.items())) or "nothing"

    def lines(self) -> Iterable[str]:
        """The table."""
        yield f"seed {self.seed}: {self.changes} changes in {self.seconds:.0f} s, {len(self.kills)} kills, " + (
            f"{self.workers} workers" + (f", without {self.without}" if self.without else "")
        )
        yield f"  {'kind':<24} {'count':>5} {'p50 s':>7} {'p95 s':>7} {'max s':>7}"
        for kind, told in self.catch_up().items():
            yield f"  {kind:<24} {told['count']:>5} {told['p50']:>7.1f} {told['p95']:>7.1f} {told['max']:>7.1f}"
        for name, value in self.figures.items():
            yield f"  {name:<50} {value}"
        if self.ended_by_themselves:
            yield f"  ended by themselves: {dict(Counter(self.ended_by_themselves))}"
        for name, count in self.errors_logged.items():
            yield f"  logged as an error: {name} × {count}"
        yield from (f"  late: {each}" for each in self.late)
        yield "  wrong: " + (
            ", ".join(f"{c} × {w}" for w, c in Counter(f.what for f in self.findings).items()) or "nothing"
        )
        yield from (f"    {each.what} {each.key}: {each.text}" for each in self.findings[:40])
        if self.marked:
            yield f"  known, and counted apart: {self.known}"
        yield from (f"    {each.mark} {each.what} {each.key}: {each.text}" for each in self.marked[:40])
        for lines in list(self.histories.values())[:SHOWN]:
            yield from lines


def figures(history: History, looks: Looks, changes: int) -> dict[str, Any]:
    """What it cost: looks and calls per change, writes that changed nothing, work done twice."""
    calls = [call for call in looks.calls.values() if "/" in call.agent and not call.agent.startswith("calendar-sync/")]
    by_worker = [call for call in calls if call.agent.startswith(WORKER)]
    reads = [c for c in by_worker if c.method == "GET" and c.side is Side.ESPO and "/CBeteiligte/" in c.path]
    ours = [row for record in history.records.values() for row in record.rows if not row.by_person]
    idle = sum(1 for row in ours if not row.values)
    return {
        "records": len(history.records),
        "syncs per change": round(len(reads) / max(1, changes), 2),
        "calls per change": round(len(by_worker) / max(1, changes), 2),
        "calls per change, ticker included": round(len(calls) / max(1, changes), 2),
        "writes": len(ours),
        "writes that changed nothing": idle,
        "duplicates of work: syncs that wrote nothing": _idle_looks(reads, by_worker),
        "latency of a save p50, p95, max s": _latency([at - typed for typed, at, _ in history.late]),
    }


def _idle_looks(reads: Sequence[Any], calls: Sequence[Any]) -> int:
    """Work done for nothing, or twice: looks that no write of the same process on the same record follows."""
    by_record: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for call in calls:
        if call.side is Side.ESPO and call.record and "/CBeteiligte/" in call.path:
            by_record[call.agent, call.record].append((call.started, call.method != "GET"))
    idle = 0
    for steps in by_record.values():
        ordered = [is_write for _, is_write in sorted(steps)]
        idle += sum(
            not one and (index + 1 == len(ordered) or not ordered[index + 1]) for index, one in enumerate(ordered)
        )
    return idle


def _latency(seconds: Sequence[float]) -> str:
    told = _spread(seconds)
    return f"{told['p50']:.2f} {told['p95']:.2f} {told['max']:.1f}"


def _spread(seconds: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(seconds) or [0.0]

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

    return {"count": len(seconds), "p50": at(0.5), "p95": at(0.95), "max": round(ordered[-1], 2)}
