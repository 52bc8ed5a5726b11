"""What all benchmark commands share: `--quick`, the grounds, the printed card and its JSON."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from benchmarks.grounds import Grounds
from benchmarks.report_card import Card

Benchmark = Callable[[Grounds, Card], None]


def perform(benchmark: Benchmark, grounds: Grounds, name: str, title: str, *, quick: bool) -> Card:
    """One benchmark on grounds that are there; prints and saves its card."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a topic just made is unknown for a moment
    card = Card(name, title, quick)
    benchmark(grounds, card)
    sys.stdout.write(card.text() + "\n")
    sys.stdout.flush()
    card.save()
    return card


def command(benchmark: Benchmark, name: str, title: str, arguments: Sequence[str] | None = None) -> int:
    """The `main` of a benchmark. 0 also where a goal is missed: the card says so, and machines differ."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=title)
    parser.add_argument("--quick", action="store_true", help="too short to be quoted: only shows that it runs")
    given = parser.parse_args(arguments)
    with Grounds() as grounds:
        perform(benchmark, grounds, name, title, quick=given.quick)
    return 0
