"""This checkout against another one, side by side in one run: what a webhook and an event cost now and cost before.

`git worktree add --detach ../before c59d009`, then `python -m benchmarks.against ../before`. Both run on this one's
environment, so their pins have to be alike. Nothing of it is kept in RESULTS.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from benchmarks.event_load import change, create_topic, publish
from benchmarks.figures import median_ratio
from benchmarks.grounds import ROOT, Grounds, Running, until
from benchmarks.http_load import Load, window_of
from benchmarks.report_card import Card, Goal
from benchmarks.webhook_bodies import requests
from deploy.local.table import INGRESS, Service
from synckit.command import run_command

NOW, BEFORE = "now", "before"
CASES = ((1, 1), (16, 1), (64, 1), (16, 20), (64, 20))
CONSUMERS = Service("consumers", "benchmarks.consumers", port_variable="PORT")
TOPIC, EVENTS = "bench.against", 15_000
Found = dict[tuple[str, tuple[int, int]], list[Load]]


def paths_of(tree: Path) -> Mapping[str, str]:
    """An environment in which modules are that checkout's, and not the folder's in which a process starts."""
    sources = sorted(str(each) for each in (*tree.glob("libs/*/src"), *tree.glob("services/*/src")))
    return {"PYTHONPATH": ":".join([*sources, str(tree)]), "PYTHONSAFEPATH": "1"}


def webhooks(grounds: Grounds, card: Card, trees: Mapping[str, Path], cycles: int) -> None:
    servers = {
        name: grounds.start(INGRESS, grounds.kafka_only, name=f"ingress-{name}", extra=paths_of(tree))
        for name, tree in trees.items()
    }
    found = asyncio.run(_windows(servers, cycles))
    grounds.stop(*servers.values())
    rows: list[list[object]] = []
    for case in CASES:
        now, before = found[NOW, case], found[BEFORE, case]
        rate = median_ratio([each.rate for each in now], [each.rate for each in before])
        cpu = median_ratio([each.cpu_ms for each in now], [each.cpu_ms for each in before])
        slowest = [median(each.p99_ms for each in loads) for loads in (now, before)]
        rows.append([case[1], case[0], rate, cpu, *slowest])
        card.goals.append(Goal(f"requests/s, batch {case[1]}, {case[0]} connections", rate, _wanted(case), " ×"))
    columns = ["batch", "connections", "requests/s now:before", "CPU now:before", "p99 ms now", "p99 ms before"]
    card.table(f"Webhooks, medians of {cycles} windows", columns, rows)


def _wanted(case: tuple[int, int]) -> float:
    return 1.25 if case == (64, 1) else 0.95


async def _windows(servers: Mapping[str, Running], cycles: int) -> Found:
    bodies = {batch: requests(batch) for batch in {batch for _, batch in CASES}}
    for server in servers.values():
        for each in bodies.values():
            await window_of(server, 16, each, 0.5)
    found: Found = {}
    for _ in range(cycles):
        for case in random.sample(CASES, k=len(CASES)):
            for name in random.sample(list(servers), k=len(servers)):
                load = await window_of(servers[name], case[0], bodies[case[1]], 0.5)
                found.setdefault((name, case), []).append(load)
    return found


def events(grounds: Grounds, card: Card, trees: Mapping[str, Path], cycles: int) -> None:
    create_topic(grounds.kafka, TOPIC)
    publish(grounds.kafka, TOPIC, [change(f"{number:017x}", number) for number in range(EVENTS)])
    cost: dict[str, list[float]] = {name: [] for name in trees}
    for cycle in range(cycles):
        for name in random.sample(list(trees), k=len(trees)):
            cost[name].append(_consumed(grounds, f"events-{name}-{cycle}", trees[name]))
    ratio = median_ratio(cost[NOW], cost[BEFORE])
    card.table("CPU of an event, µs", list(cost), [[median(each) for each in cost.values()]])
    card.goals.append(Goal("CPU of an event", ratio, 1.05, " ×", at_most=True))


def _consumed(grounds: Grounds, name: str, tree: Path) -> float:
    result = grounds.folder / f"{name}.result"
    options = {"way": "ours", "kafka": grounds.kafka, "topic": TOPIC, "group": name, "count": EVENTS}
    extra = {**paths_of(tree), "BENCH": json.dumps({**options, "result": str(result)})}
    program = grounds.start(CONSUMERS, grounds.kafka_only, name=name, extra=extra)
    until(result.exists, 240, f"{name} has consumed everything; see its log")
    grounds.stop(program)
    figures: dict[str, float] = json.loads(result.read_text())
    return figures["cpu_us"]


def main() -> int:
    """0 also where a goal is missed: the card says so, and machines differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("tree", type=Path, help="the other checkout")
    parser.add_argument("--cycles", type=int, default=20, help="windows of each case; a fifth as many runs of events")
    given = parser.parse_args()
    trees = {NOW: ROOT, BEFORE: given.tree.resolve()}
    card = Card("against", f"This checkout against {given.tree}")
    with Grounds() as grounds:
        webhooks(grounds, card, trees, given.cycles)
        events(grounds, card, trees, max(1, given.cycles // 5))
    sys.stdout.write(card.text() + "\n")
    return 0


if __name__ == "__main__":
    run_command(main)
