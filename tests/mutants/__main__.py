"""`python -m tests.mutants [--count N] [--seed N] [--minutes N] [--resume] [--json FILE]`: would the tests notice?

Exit status: 0 carried out, whatever the score; 1 the time was over before all were judged; 2 wrong call; 3 tests fail
without any mutant; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from synckit.command import run_command
from tests.mutants.run import ROOT, Unfit, Verdict, bench, run, sample
from tests.mutants.targets import TARGETS

DONE, UNFINISHED, UNFIT = 0, 1, 3
RESULTS = ROOT / "var" / "mutants.jsonl"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    given = _parser().parse_args(arguments)
    until = time.monotonic() + given.minutes * 60
    if not given.resume:
        given.results.unlink(missing_ok=True)
    jobs = sample([one for one in TARGETS if given.only in one.file], given.count, given.seed)
    try:
        with bench() as at:
            verdicts = run(jobs, at, given.results, until, _tell)
    except Unfit as error:
        sys.stderr.write(f"{error}\n")
        return UNFIT
    sys.stdout.write("\n".join(lines(verdicts, len(jobs), given.seed)) + "\n")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(document(verdicts, len(jobs), given.seed), indent=2) + "\n")
    return DONE if len(verdicts) == len(jobs) else UNFINISHED


def document(verdicts: Sequence[Verdict], wanted: int, seed: int) -> dict[str, object]:
    """For programs."""
    killed = sum(one.is_killed for one in verdicts)
    return {
        "seed": seed,
        "wanted": wanted,
        "judged": len(verdicts),
        "killed": killed,
        "score": round(killed / len(verdicts), 4) if verdicts else None,
        "survivors": [asdict(one) for one in verdicts if not one.is_killed],
    }


def lines(verdicts: Sequence[Verdict], wanted: int, seed: int) -> list[str]:
    """Score and survivors, for people."""
    killed, judged = sum(one.is_killed for one in verdicts), len(verdicts)
    share = f", {100 * killed / judged:.1f} %" if judged else ""
    head = f"{killed} of {judged} killed{share}; {wanted} wanted, seed {seed}"
    return [head, *(f"survived  {one.file}:{one.line}  {one.change}" for one in verdicts if not one.is_killed)]


def _tell(verdict: Verdict) -> None:
    sys.stderr.write(
        f"{verdict.outcome:<10}{verdict.seconds:>6.1f} s  {verdict.file}:{verdict.line}  {verdict.change}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description="Would the tests notice?",
        epilog=(__doc__ or "").partition("\n\n")[2],
    )
    parser.add_argument("--count", type=int, default=300, help="mutants, spread over all files (300)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed chooses the same mutants of the same code")
    parser.add_argument("--minutes", type=float, default=60.0, help="no new mutant is begun after so long (60)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only files whose path holds it")
    parser.add_argument("--resume", action="store_true", help="keep what was judged before, go on with the rest")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a line each, written at once")
    parser.add_argument("--json", type=Path, help="score and survivors for programs")
    return parser


if __name__ == "__main__":
    run_command(main)
