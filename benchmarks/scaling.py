"""1, 2 and 4 workers, the same work. With slow remotes the workers count; with quick ones the two cores do."""

from __future__ import annotations

import os
from dataclasses import dataclass

from benchmarks.command import command
from benchmarks.figures import cpu_seconds
from benchmarks.grounds import Grounds, until
from benchmarks.parties import Parties
from benchmarks.report_card import Card, Goal
from deploy.local.table import WORKER
from synckit.command import run_command

TITLE = "Scaling: one, two and four workers"

WORKERS = (1, 2, 4)
FEWER = (1, 2)
STEPS = 3


@dataclass(frozen=True)
class Scene:
    """So many records in flight a worker, so long a call."""

    seconds: float
    at_once: int
    records: int


SLOW, FAST = Scene(0.3, 16, 1200), Scene(0.05, 32, 2000)


def run(grounds: Grounds, card: Card) -> None:
    scenes = [Scene(0.1, 8, 80)] if card.quick else [SLOW, FAST]
    parties = Parties(grounds)
    parties.make(max(scene.records for scene in scenes))
    for scene in scenes:
        rows = [measured(parties, scene, workers) for workers in (FEWER if card.quick else WORKERS)]
        one = rows[0][1]
        ideal = scene.at_once / (STEPS * scene.seconds)
        table = [[n, rate, rate / one, rate / (n * ideal), cpu] for n, rate, cpu in rows]
        title = f"{1000 * scene.seconds:.0f} ms a call, {scene.at_once} in flight a worker, {scene.records} records"
        card.table(title, ["workers", "syncs/s", "× one", "share of the ideal", "workers' CPU ms a sync"], table)
        if scene is SLOW:
            for workers, rate, _ in rows[1:]:
                card.goals.append(Goal(f"{workers} workers : one, slow remotes", rate / one, 0.8 * workers, " ×"))
    card.notes.append(
        f"{os.cpu_count()} cores carry the workers, Kafka, PostgreSQL, Redis and both sandboxes: with quick remotes "
        "two workers fill them, and more share them. Rates are those of the first 90 % of the syncs, "
        "since the twelve partitions don't hold equally many of so few records."
    )


def measured(parties: Parties, scene: Scene, workers: int) -> tuple[int, float, float]:
    """Workers, syncs a second, CPU milliseconds of all workers a sync."""
    parties.heal()
    extra = {"BETEILIGTE_SYNC_MAX_IN_FLIGHT": str(scene.at_once)}
    running = [parties.grounds.start(WORKER, name=f"worker-{at}", extra=extra) for at in range(workers)]
    ids = parties.ids[: scene.records]
    warm = parties.marks()
    parties.change(ids[:64])
    parties.announce(ids[:64])
    until(lambda: parties.written(warm, "left") >= min(64, len(ids)), 60, "the workers are warm")
    parties.slow(scene.seconds)
    parties.change(ids)
    marks, before = parties.marks(), sum(cpu_seconds(each.pid) for each in running)
    parties.announce(ids)
    until(
        lambda: parties.written(marks, "left") >= len(ids),
        200,
        f"{len(ids)} syncs",
        pause=0.2 if len(ids) < 200 else 1.0,
    )
    spent = sum(cpu_seconds(each.pid) for each in running) - before
    ends = sorted(row["ended_at"] for row in parties.calls(marks, "left", "PUT"))
    began = min(row["started_at"] for row in parties.calls(marks, "left"))
    most = int(0.9 * len(ids))
    parties.grounds.stop(*running)
    return workers, most / (ends[most - 1] - began), 1000 * spent / len(ids)


if __name__ == "__main__":
    run_command(lambda: command(run, "scaling", TITLE))
