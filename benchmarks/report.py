"""`python -m benchmarks.report`: var/bench/*.json → benchmarks/RESULTS.md. A rerun writes it anew."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report_card import FOLDER
from synckit.command import run_command

RESULTS = Path(__file__).with_name("RESULTS.md")
ORDER = (
    "ingress",
    "sync_throughput",
    "latency",
    "cost_per_event",
    "backlog",
    "reconcile",
    "scaling",
    "proxy",
    "calendar",
)
REMARKS = Path(__file__).with_name("REMARKS.md")
"""What a person says about the figures; goes in front of them as it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--to", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    cards = read(given.folder)
    given.to.write_text("\n".join(document(cards)) + "\n", encoding="utf-8")
    sys.stdout.write(f"{given.to.name}: {', '.join(card['name'] for card in cards)}\n")
    return 0


def read(folder: Path) -> list[dict[str, Any]]:
    """The real runs, in the order of the suite, then others by name; quick ones are left out."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    real = [card for card in found if isinstance(card, dict) and "goals" in card and not card["quick"]]
    return sorted(real, key=lambda card: ORDER.index(card["name"]) if card["name"] in ORDER else len(ORDER))


def document(cards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "# Results\n"
    yield "Written by `make bench` (`python -m benchmarks.report`) from the last run of each benchmark. Don't edit it."
    yield "Ratios are what counts: ours and its baseline ran in turn in one run, on the same machine.\n"
    yield from _goals(cards)
    if REMARKS.exists():
        yield REMARKS.read_text(encoding="utf-8")
    for card in cards:
        yield from _card(card)


def _goals(cards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| benchmark | goal | |"
    yield "|---|---|---|"
    for card in cards:
        for goal in card["goals"]:
            line, _, verdict = goal["line"].rpartition(": ")
            yield f"| {card['name']} | {line} | {verdict if goal['met'] else f'**{verdict}**'} |"
    yield ""


def _card(card: Mapping[str, Any]) -> Iterator[str]:
    where = card["machine"]
    yield f"## {card['title']}\n"
    yield _wrapped(
        f"`python -m benchmarks.{card['name']}`, {card['at']}, {where['cores']} cores ({where['processor']}), "
        f"{where['memory_gib']} GiB, {where['system']}, load {where['load']} at the end. "
        + ", ".join(f"{name} {version}" for name, version in card["versions"].items())
        + "."
    )
    for table in card["tables"]:
        yield f"{table['title']}:\n"
        yield from _table(table["columns"], table["rows"])
    for note in card["notes"]:
        yield _wrapped(note)
    for profile in card["profiles"]:
        rows = ", ".join(f"{row['part']} {row['share']}" for row in profile["rows"])
        yield _wrapped(f"{profile['title']}: {rows}.")


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, 128, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


if __name__ == "__main__":
    run_command(main)
