"""`python -m tests.chaos.reliability`: the figures of the last runs, from var/, into docs/reliability.md.

Only tables whose runs are there are written anew; what a machine has not run stays as it was.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.table import ROOT
from synckit.command import run_command
from tests.chaos.report import ALL_KINDS

PAGE = ROOT / "docs" / "reliability.md"
FOLDER = ROOT / "var" / "reliability"
OUTAGES = ("advoware-slow", "advoware-429", "advoware-503")
TRUTH = ("kafka-away", "disk-full")
ATTACKS = ("slowloris", "connections", "big-bodies")
_BLOCK = re.compile(r"(<!-- figures: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Json = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.reliability", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where it would")
    page = PAGE.read_text(encoding="utf-8")
    should = page_with(page, FOLDER)
    if parser.parse_args().check:
        return int(should != page)
    PAGE.write_text(should, encoding="utf-8")
    return 0


def page_with(page: str, folder: Path) -> str:
    """The page with what the runs in that folder have come to."""

    def table(block: re.Match[str]) -> str:
        lines = list(TABLES[block["name"]](folder))
        return f"{block[1]}\n" + "".join(f"{line}\n" for line in lines) + f"\n{block[3]}" if lines else block[0]

    return _BLOCK.sub(table, page)


# -- tables --------------------------------------------------------------------------------------------------------


def cases(*names: str) -> Callable[[Path], Iterator[str]]:
    """A column a case, a row a figure."""

    def lines(folder: Path) -> Iterator[str]:
        found = [case for name in names for case in _read(folder / f"{name}.json") if case["told"]]
        if found:
            yield from side_by_side({case["case"]: flat(case["told"]) | _verdict(case) for case in found})

    return lines


def in_words(folder: Path) -> Iterator[str]:
    """A row a case."""
    found = _read(folder / "rolling.json")
    rows = [
        (case["case"], ", ".join(f"{n}: {v}" for n, v in (flat(case["told"]) | _verdict(case)).items()))
        for case in found
    ]
    if rows:
        yield from _table(("", "figures"), rows)


def seeds(folder: Path) -> Iterator[str]:
    """The long runs, and all their kills together by kind."""
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("chaos-*.json"))]
    if not runs:
        return
    yield from side_by_side({f"seed {run['seed']}": _of_run(run) for run in runs})
    yield ""
    yield from _table(("blow", "times", "p50 s", "p95 s", "max s"), by_kind(runs))


def by_kind(runs: Sequence[Json]) -> Iterator[Sequence[object]]:
    """Seconds to catch up after all kills of a kind."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for kill in (kill for run in runs for kill in run["kills"]):
        for kind in (kill["kind"], ALL_KINDS):
            seconds[kind].append(float("inf") if kill["caught_up"] is None else kill["caught_up"])
    for kind, took in sorted(seconds.items(), key=lambda each: (each[0] == ALL_KINDS, each[0])):
        ordered = sorted(took)
        at = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 1.0)]
        yield kind, len(took), *(f"{each:.1f}" for each in at)


def without(folder: Path) -> Iterator[str]:
    """A safety out: which run found it, and by what."""
    rows = []
    for path in sorted(folder.glob("without-*.json")):
        run = json.loads(path.read_text())
        said = sorted({finding["what"] for finding in run["findings"]})
        rows.append((f"`{run['without']}`", f"run {run['run']}", run["seed"], ", ".join(said) or "**nothing**"))
    if rows:
        yield from _table(("out", "found in", "seed", "the oracle said"), rows)


TABLES: Mapping[str, Callable[[Path], Iterator[str]]] = {
    "seeds": seeds,
    "without": without,
    "outages": cases(*OUTAGES),
    "truth": cases(*TRUTH),
    "attacks": cases(*ATTACKS),
    "rolling": in_words,
}


# -- parts ---------------------------------------------------------------------------------------------------------


def _of_run(run: Json) -> Json:
    kills = [kill["caught_up"] for kill in run["kills"]]
    late = len(run["late"])
    return {
        "changes": run["changes"],
        "kills, two at once": f"{len(kills)}, {sum(bool(kill['together']) for kill in run['kills'])}",
        "minutes": round(run["seconds"] / 60),
        **run["figures"],
        "later than 30 s": late,
        "known, counted apart": run.get("known", "nothing"),
        "**wrong**": ", ".join(sorted({finding["what"] for finding in run["findings"]})) or "nothing",
    }


def _verdict(case: Json) -> Json:
    return {"**wrong**": "; ".join(case["wrong"]) or "nothing"}


def flat(told: Mapping[str, Any], before: str = "") -> Json:
    """One level."""
    rows: Json = {}
    for name, value in told.items():
        if isinstance(value, dict):
            rows |= flat(value, f"{before}{name}: ")
        else:
            rows[before + name] = _word(value)
    return rows


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return {None: "never", "[]": "none"}.get(None if value is None else str(value), value)


def side_by_side(columns: Mapping[str, Json]) -> Iterator[str]:
    """All names of figures, in the order in which they first come; empty where a column lacks one."""
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    last = [name for name in names if name == "**wrong**"]
    ordered = [name for name in names if name not in last] + last
    rows = [(name, *(figures.get(name, "") for figures in columns.values())) for name in ordered]
    yield from _table(("", *columns), rows)


def _table(heads: Sequence[object], rows: Iterator[Sequence[object]] | Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(str(head) for head in heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def _read(path: Path) -> list[Json]:
    return list(json.loads(path.read_text())) if path.exists() else []


if __name__ == "__main__":
    run_command(main)
