"""`python -m tests.drills [--only ALERT ...] [--json FILE] [--state-dir DIR]`: each alert made to fire for real.

The local stack, a real Prometheus with the rules' times divided by 60, and a receiver in place of an Alertmanager.
Exit status: 0 every alert came within its limit; 1 one did not; 2 wrong call; 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from deploy.local.supervisor import StackError
from deploy.local.table import ROOT
from deploy.prometheus.rules import RULES
from synckit.command import run_command
from tests.drills import of_calendars, of_documents, of_remotes, of_services
from tests.drills.stage import Stage, stage

LIMIT = 120.0
QUIET_SECONDS = 3.0
DRILLS = {**of_services.DRILLS, **of_remotes.DRILLS, **of_calendars.DRILLS, **of_documents.DRILLS}


@dataclass(frozen=True)
class Result:
    """`seconds` from the trouble's beginning to the alert at the receiver; `seen` are its labels, or what failed."""

    alert: str
    ok: bool
    seconds: float
    seen: str


def alerts() -> list[str]:
    """All there are, in the order of the rules; calendars last, for whom they hire stays."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    return sorted((rule["alert"] for rule in rules), key=lambda alert: alert in of_calendars.DRILLS)


async def fire(on: Stage, alert: str) -> Result:
    """One drill: calm before, the trouble, the alert, and the trouble mended."""
    await on.watch_anew()
    await asyncio.sleep(QUIET_SECONDS)
    if on.receiver.has(alert):
        return Result(alert, False, 0.0, "fired before anything was done")
    began = time.monotonic()
    try:
        async with DRILLS[alert](on):
            async with asyncio.timeout(max(1.0, LIMIT - (time.monotonic() - began))):
                labels = await on.receiver.heard(alert)
            seconds = time.monotonic() - began
    except TimeoutError:
        return Result(alert, False, time.monotonic() - began, f"no alert within {LIMIT:.0f} s")
    except Exception as error:  # a drill that breaks must not end the others
        return Result(alert, False, time.monotonic() - began, f"{type(error).__name__}: {error}")
    told = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return Result(alert, seconds <= LIMIT, round(seconds, 1), told)


async def play(folder: Path, chosen: Sequence[str]) -> list[Result]:
    """One after another on one stack; a line for each."""
    results = []
    async with stage(folder) as on:
        for alert in chosen:
            results.append(await fire(on, alert))
            mark = "ok  " if results[-1].ok else "FAIL"
            sys.stdout.write(f"{mark} {alert:24} {results[-1].seconds:6.1f} s  {results[-1].seen}\n")
            sys.stdout.flush()
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="ALERT", choices=alerts(), help="these alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--state-dir", type=Path, default=ROOT / "var" / "drills", help="folder of the stack")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        results = asyncio.run(play(given.state_dir, given.only or alerts()))
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    good = sum(result.ok for result in results)
    sys.stdout.write(f"{good} of {len(results)} alerts fired, {time.monotonic() - began:.0f} s in all\n")
    if given.json:
        told = {"seconds": round(time.monotonic() - began), "alerts": [asdict(each) for each in results]}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    run_command(main)
