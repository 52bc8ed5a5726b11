"""`python -m tests.chaos.overload --case CASE [--json FILE]`: overload and slow death on the whole stack, with figures.

advoware-slow (10 s a call), advoware-429 (Retry-After 5 s), advoware-503: an hour is a minute here. kafka-away: 5
minutes are 30 s, EspoCRM's 10 minutes between two attempts are 60 s. slowloris, connections, big-bodies: clients that
mean no good, while others send 50 webhooks a second. disk-full: a small tmpfs that is filled, or, where none can be
mounted, RLIMIT_FSIZE.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploy.local.table import INGRESS
from synckit.command import run_command
from tests.chaos.outages import FAULTS, Figures, outage
from tests.chaos.reliability import FOLDER
from tests.chaos.run import Plan, Run
from tests.chaos.truth import disk_full, kafka_away, small_disks
from tests.chaos.watching import watched

ATTACKS = ("slowloris", "connections", "big-bodies")
CASES = (*FAULTS, "kafka-away", *ATTACKS, "disk-full")
SECONDS = {**dict.fromkeys(FAULTS, 60.0), "kafka-away": 30.0, **dict.fromkeys(ATTACKS, 20.0), "disk-full": 15.0}
RECORDS = {**dict.fromkeys(FAULTS, 200), "kafka-away": 60, "disk-full": 40}
OTHERS = 50.0
"""Webhooks a second of well-behaved clients."""
SLOWER = 5.0
AT_LEAST = 50.0
"""Under attack the p99 of the others is at most so many times what it was, or so many milliseconds."""


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def write(results: list[dict[str, Any]], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1, default=str))


async def attack(run: Run, case: str, seconds: float) -> Figures:
    """The p99 of others before and meanwhile."""
    world = run.world
    url, secrets_file = world.addresses.services[INGRESS.name], str(world.office.secrets_file)
    figures = Figures(case, {"seconds": seconds}, [])
    async with watched(world, (INGRESS.name,)) as samples:
        others = ("tests.chaos.webhooks", url, secrets_file, str(OTHERS), str(seconds / 2))
        await _figures_of(*others)  # The first seconds of a stack are no measure.
        before = await _figures_of(*others)
        attackers = asyncio.create_task(_figures_of("tests.chaos.attackers", case, url, str(seconds), secrets_file))
        await asyncio.sleep(min(3.0, seconds / 4))
        during = await _figures_of(*others)
        figures.told |= {"before": before, "meanwhile": during, **await attackers}
    figures.told["ingress: MiB at first, growth"] = (
        f"{samples.memory[INGRESS.name][0]:.0f}, {samples.growth(INGRESS.name)}"
    )
    figures.told["ingress: always ready"] = samples.always_ready(INGRESS.name)
    figures.expect(before.get("answered 200") == before["sent"], "not all were taken before the attack")
    figures.expect(during.get("answered 200") == during["sent"], "not all of the others' webhooks were taken")
    limit = max(AT_LEAST, SLOWER * before["p99 ms"])
    figures.expect(during["p99 ms"] <= limit, f"p99 of the others went to {during['p99 ms']} ms")
    return figures


async def _figures_of(module: str, *arguments: str) -> dict[str, Any]:
    """What a client in a process of its own says at its end."""
    argv = (sys.executable, "-m", module, *arguments)
    client = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    output, _ = await client.communicate()
    figures: dict[str, Any] = json.loads(output or b"{}")
    return figures


async def play(case: str, seconds: float, state_dir: Path) -> Figures:
    """The case, then calm, the ticker's turn, and the oracle."""
    run = Run(Plan(seed=1, changes=0, kills=0, workers=1), state_dir, say)
    async with run.stage():
        if case in FAULTS:
            figures = await outage(run, case, seconds, RECORDS[case])
        elif case == "kafka-away":
            figures = await kafka_away(run, seconds, RECORDS[case])
        elif case == "disk-full":
            figures = await disk_full(run, seconds, RECORDS[case])
        else:
            figures = await attack(run, case, seconds)
        await run.calm()
        report = await run.judge()
    figures.told["ended by themselves"] = report.ended_by_themselves
    figures.told["load of the machine, cores"] = f"{os.getloadavg()[0]:.0f}, {os.cpu_count()}"
    figures.wrong += [f"{each.what} {each.key}: {each.text}" for each in report.findings]
    return figures


def show(figures: Figures, seconds: float) -> str:
    lines = [f"{figures.case}: {seconds:.0f} s in all"]
    lines += [f"  {name:<40} {value}" for name, value in figures.told.items()]
    return "\n".join([*lines, *(f"  WRONG: {text}" for text in figures.wrong), ""])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.overload", description=__doc__)
    parser.add_argument("--case", choices=[*CASES, "all"], required=True)
    parser.add_argument("--seconds", type=float, default=None, help="how long the trouble lasts")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="default: one each in var/reliability")
    parser.add_argument("--no-mount", action="store_true", help="disk-full as one has it without the right to mount")
    given = parser.parse_args()
    results: list[dict[str, Any]] = []
    for case in CASES if given.case == "all" else (given.case,):
        began = time.monotonic()
        state_dir = Path(tempfile.mkdtemp(prefix=f"overload-{case}-"))
        with ExitStack() as stack:
            if case == "disk-full" and not given.no_mount:
                stack.enter_context(small_disks(state_dir))
            figures = asyncio.run(play(case, given.seconds or SECONDS[case], state_dir))
        if figures.wrong:
            say(f"logs in {state_dir / 'log'}")
        else:
            shutil.rmtree(state_dir, ignore_errors=True)
        sys.stdout.write(show(figures, time.monotonic() - began))
        results.append(asdict(figures))
        if given.json:
            write(results, given.json)
        elif given.seconds is None:
            write(results[-1:], FOLDER / f"{case}.json")
    return 1 if any(each["wrong"] for each in results) else 0


if __name__ == "__main__":
    run_command(main)
