"""What a benchmark has found: tables, goals with what was measured, notes, profiles; as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, versions

FOLDER = Path(__file__).resolve().parents[1] / "var" / "bench"


@dataclass(frozen=True)
class Goal:
    """What was wanted; `at_most` for times and sizes, otherwise at least."""

    text: str
    measured: float
    wanted: float
    unit: str = ""
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.measured <= self.wanted if self.at_most else self.measured >= self.wanted

    def _distance(self) -> str:
        return f"{abs(self.measured / self.wanted - 1):.0%}" if self.wanted else shown(self.measured)

    def line(self) -> str:
        """One line for people: the figure, the goal, and by how much it was missed."""
        sign = "≤" if self.at_most else "≥"
        verdict = "met" if self.met else f"missed by {self._distance()}"
        return (
            f"{self.text}: {shown(self.measured)}{self.unit} (goal {sign} {shown(self.wanted)}{self.unit}): {verdict}"
        )


@dataclass
class Card:
    """One benchmark's result."""

    name: str
    title: str
    quick: bool = False
    tables: list[dict[str, Any]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    profiles: list[dict[str, Any]] = field(default_factory=list)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        cells = [[shown(cell) for cell in row] for row in rows]
        self.tables.append({"title": title, "columns": list(columns), "rows": cells})

    def save(self, folder: Path = FOLDER) -> Path:
        """Writes `<name>.json`; a quick run has a file of its own, so that it never hides a real one."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}{'.quick' if self.quick else ''}.json"
        document = {
            **asdict(self),
            "goals": [{**asdict(goal), "met": goal.met, "line": goal.line()} for goal in self.goals],
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
        }
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return path

    def text(self) -> str:
        """For the terminal."""
        parts = [f"== {self.title}{' (quick: too short to be quoted)' if self.quick else ''}"]
        for table in self.tables:
            parts += ["", table["title"], *_aligned(table["columns"], table["rows"])]
        parts += ["", *(f"{'ok  ' if goal.met else 'MISS'} {goal.line()}" for goal in self.goals)]
        parts += [f"  {note}" for note in self.notes]
        for profile in self.profiles:
            parts += ["", profile["title"], *(f"  {row['share']:>5} {row['part']}" for row in profile["rows"])]
        return "\n".join(parts) + "\n"


def shown(value: object) -> str:
    """A figure with the digits that it deserves."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (columns, *rows)]
