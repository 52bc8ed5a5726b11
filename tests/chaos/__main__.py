"""`python -m tests.chaos --seed S --changes N --kills K --workers W`: kill anything, and see that nothing is lost.

Time is compressed by settings: the ticker sweeps every 5 s (15 min), looks at desks every 3 s (1 min) and at parked
records every 2 s (15 s), believes any number of changes; EspoCRM sends a failed batch again after 10 s (10 min).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import time
from pathlib import Path

from deploy.local.supervisor import StackError, Supervisor
from deploy.local.table import ROOT
from synckit.command import run_command
from tests.chaos.kills import AIMED_AT, SHARES
from tests.chaos.marked import MARKED
from tests.chaos.report import Report
from tests.chaos.run import Plan, Run
from tests.chaos.world import NOTHING, SAFETIES


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="the same seed gives the same script; default: any")
    parser.add_argument("--changes", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=None, help="no further kill after so many minutes")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    parser.add_argument("--without", choices=[*SAFETIES, NOTHING], help="take a safety out: the oracle has to find it")
    parser.add_argument("--runs", type=int, default=5, help="with --without: so many tries, each with another seed")
    parser.add_argument("--only", nargs="+", choices=list(SHARES), default=[], metavar="KIND", help=", ".join(SHARES))
    parser.add_argument("--pairs", action="store_true", help="with --only: two of them may strike at once")
    parser.add_argument("--strict", action="store_true", help="count nothing apart, not even faults that are known")
    parser.add_argument("--limit", type=float, default=30.0, help="seconds to catch up after a kill")
    parser.add_argument(
        "--state-dir", type=Path, default=None, help="folder of the stack; kept where something is wrong"
    )
    return parser.parse_args()


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run(plan: Plan, state_dir: Path) -> Report:
    """One run in a folder that is emptied before."""
    if any(Supervisor(state_dir).pid(name) for name in Supervisor(state_dir).known()):
        raise StackError(f"a stack runs in {state_dir}")
    shutil.rmtree(state_dir, ignore_errors=True)
    return asyncio.run(Run(plan, state_dir, tell).run())


def main() -> int:
    """0 where nothing is wrong; with a safety out: where that was found."""
    given = arguments()
    seed = random.SystemRandom().randrange(10_000) if given.seed is None else given.seed
    try:
        return find_what_is_out(given, seed) if given.without in SAFETIES else once(given, seed).exit_code
    except KeyboardInterrupt:
        return 130
    except StackError as error:
        tell(str(error))
        return 1


def find_what_is_out(given: argparse.Namespace, seed: int) -> int:
    """Runs until the oracle finds something wrong."""
    for number in range(given.runs):
        report = once(given, seed + number, number + 1)
        if report.findings:
            tell(f"found in run {number + 1} of {given.runs}: workers without {given.without}")
            return 0
    tell(f"not found in {given.runs} runs: workers without {given.without}")
    return 1


def once(given: argparse.Namespace, seed: int, number: int = 1) -> Report:
    """One run and its table."""
    only = given.only or ([AIMED_AT[given.without]] if given.without in AIMED_AT else [])
    marked = () if given.strict else MARKED
    plan = Plan(
        seed,
        given.changes,
        given.kills,
        given.workers,
        given.minutes,
        given.without,
        tuple(only),
        given.limit,
        marked,
        given.pairs,
    )
    state_dir = given.state_dir or ROOT / "var" / f"chaos-{seed}"
    began = time.monotonic()
    report = run(plan, state_dir)
    report.run = number
    sys.stdout.write("\n".join(report.lines()) + "\n")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(report.as_json())
    if report.is_good:
        shutil.rmtree(state_dir, ignore_errors=True)
    else:
        sys.stdout.write(f"seed {seed}; logs in {state_dir.name}/log\n")
    tell(f"{time.monotonic() - began:.0f} s")
    return report


if __name__ == "__main__":
    run_command(main)
