"""CPU of one event through agent, executor and a handler that does nothing; against `getone` and a bare agent."""

from __future__ import annotations

import json
import random
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.command import command
from benchmarks.event_load import change, create_topic, publish
from benchmarks.figures import median_ratio
from benchmarks.grounds import Grounds, until
from benchmarks.profiles import profile_of
from benchmarks.report_card import Card, Goal
from synckit.command import run_command

TITLE = "CPU cost of one event"

TOPIC = "bench.cost"
WAYS = ("getone", "agent", "ours")


def run(grounds: Grounds, card: Card) -> None:
    events, cycles = (3_000, 1) if card.quick else (40_000, 4)
    create_topic(grounds.kafka, TOPIC)
    publish(grounds.kafka, TOPIC, [change(f"{number:017x}", number) for number in range(events)])
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for cycle in range(cycles):
        for way in random.sample(WAYS, k=len(WAYS)):
            found[way].append(consume(grounds, way, f"{way}-{cycle}", events))
    cost = {way: [one["cpu_us"] for one in found[way]] for way in WAYS}
    rows = [[way, median(cost[way]), median(one["rate"] for one in found[way])] for way in WAYS]
    card.table("CPU of one event, and events/s with nothing to do", ["way", "µs", "events/s"], rows)
    ratio = median_ratio(cost["ours"], cost["agent"])
    card.goals.append(Goal("ours : a bare Faust agent", ratio, 1.5, " ×", at_most=True))
    card.notes.append(
        "Ours decodes and checks the event, keeps one run a key, acks in order, logs a line of JSON and observes seven "
        "metrics an event; the bare agent and getone do nothing with what they get. Every event has a key of its own."
    )
    if not card.quick:
        path = grounds.folder / "cost.prof"
        consume(grounds, "ours", "profiled", events, profile=path)
        card.profiles.append(profile_of(path, "Where our worker's time goes (a handler that does nothing)"))


def consume(grounds: Grounds, way: str, name: str, events: int, profile: Path | None = None) -> dict[str, float]:
    """All events, from the beginning, in a process and a group of its own."""
    result = grounds.folder / f"{name}.result"
    options: dict[str, Any] = {"way": way, "kafka": grounds.kafka, "topic": TOPIC, "group": name, "count": events}
    program = grounds.program(
        "benchmarks.consumers", name, {**options, "result": str(result)}, ready="", profile=profile
    )
    until(result.exists, 120, f"{name} has consumed everything; see its log")
    grounds.stop(program)
    figures: dict[str, float] = json.loads(result.read_text())
    return figures


if __name__ == "__main__":
    run_command(lambda: command(run, "cost_per_event", TITLE))
