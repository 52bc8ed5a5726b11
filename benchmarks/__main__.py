"""`python -m benchmarks [--quick] [NAME ...]`: all of them or those named, each on fresh grounds; then RESULTS.md.

A quick run writes no RESULTS.md: its figures are too short to be quoted.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import report
from benchmarks.command import perform
from benchmarks.grounds import Grounds
from benchmarks.suite import SUITE
from synckit.command import run_command


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(line.name for line in SUITE))
    parser.add_argument("--quick", action="store_true", help="only shows that they run")
    given = parser.parse_args()
    if unknown := set(given.names) - {line.name for line in SUITE}:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    missed = 0
    for line in SUITE:
        if not given.names or line.name in given.names:
            with Grounds() as grounds:
                card = perform(line.run, grounds, line.name, line.title, quick=given.quick)
            missed += sum(not goal.met for goal in card.goals)
    if not given.quick:
        report.main([])
    sys.stdout.write(f"{missed} goals missed\n")
    return 0


if __name__ == "__main__":
    run_command(main)
