"""100,000 events waiting: time to the first and the last, the worker's memory, and a restart in the middle."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from benchmarks.command import command
from benchmarks.event_load import change, create_topic, publish
from benchmarks.figures import resident_mib
from benchmarks.grounds import Grounds, Running, until
from benchmarks.report_card import Card, Goal
from synckit.command import run_command

TITLE = "A backlog of 100,000 events"

SECONDS, AT_ONCE = 0.01, 32


@dataclass
class Watched:
    """The memory of a process, looked at ten times a second."""

    pid: int
    peak: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self.over.wait(0.1):
            try:
                self.peak = max(self.peak, resident_mib(self.pid))
            except psutil.NoSuchProcess:
                return


@dataclass
class Backlog:
    """One topic with so many events, each of a record of its own, and the workers on it."""

    grounds: Grounds
    topic: str
    events: int

    @property
    def journal(self) -> Path:
        return self.grounds.folder / f"{self.topic}.journal"

    def fill(self) -> None:
        publish(self.grounds.kafka, self.topic, [change(f"{number:017x}", number) for number in range(self.events)])

    def worker(self, name: str) -> Running:
        options: dict[str, Any] = {"way": "ours", "kafka": self.grounds.kafka, "topic": self.topic, "group": self.topic}
        rest = {"count": 0, "result": f"{self.journal}.none", "journal": str(self.journal), "seconds": SECONDS}
        return self.grounds.program("benchmarks.consumers", name, {**options, **rest}, "/health/live")

    def lines(self) -> int:
        return self.journal.read_bytes().count(b"\n") if self.journal.exists() else 0

    def times(self) -> tuple[float, float]:
        lines = self.journal.read_text().splitlines()
        return float(lines[0].split()[0]), float(lines[-1].split()[0])

    def handled(self) -> Counter[str]:
        return Counter(line.split()[1] for line in self.journal.read_text().splitlines())


def run(grounds: Grounds, card: Card) -> None:
    events = 2_000 if card.quick else 100_000
    through = Backlog(grounds, "bench.backlog", events)
    create_topic(grounds.kafka, through.topic)
    idle_worker = through.worker("idle")
    grounds.wait(idle_worker, "/health/ready")
    idle = resident_mib(idle_worker.pid)
    grounds.stop(idle_worker)
    through.fill()
    peak = drain(through, card)
    card.goals.append(Goal("memory over idle", peak - idle, 150.0, " MiB", at_most=True))
    restart(Backlog(grounds, "bench.restart", events), card)
    ceiling = AT_ONCE / SECONDS
    card.notes.append(
        f"Every event is of another record, so nothing is merged; the handler takes {1000 * SECONDS:.0f} ms, "
        f"{AT_ONCE} at once: at most {ceiling:,.0f}/s. Idle: {idle:.0f} MiB."
    )


def drain(backlog: Backlog, card: Card) -> float:
    """The whole of it by one worker; its peak of memory."""
    started = time.time()
    worker = backlog.worker("backlog")
    watched = Watched(worker.pid)
    watcher = threading.Thread(target=watched.watch, daemon=True)
    watcher.start()
    until(lambda: backlog.lines() >= backlog.events, 300, "the backlog is empty", pause=0.25)
    first, last = backlog.times()
    watched.over.set()
    watcher.join()
    backlog.grounds.stop(worker)
    rate = backlog.events / (last - first)
    row = [backlog.events, first - started, last - started, rate, watched.peak]
    card.table("One worker", ["events", "s to the first", "s to the last", "events/s", "peak MiB"], [row])
    return watched.peak


def restart(backlog: Backlog, card: Card) -> None:
    """SIGTERM at two fifths, and the next worker at once."""
    create_topic(backlog.grounds.kafka, backlog.topic)
    backlog.fill()
    worker = backlog.worker("before-restart")
    until(lambda: backlog.lines() >= 0.4 * backlog.events, 200, "two fifths are done")
    asked = time.time()
    backlog.grounds.stop(worker, grace=30.0)
    ended = time.time()
    worker = backlog.worker("after-restart")
    until(lambda: len(backlog.handled()) >= backlog.events, 300, "all is done after a restart", pause=0.5)
    backlog.grounds.stop(worker)
    handled = backlog.handled()
    after = [float(line.split()[0]) for line in backlog.journal.read_text().splitlines()]
    pause = max(later - earlier for earlier, later in pairwise(after))
    repeated = sum(handled.values()) - len(handled)
    row = [ended - asked, pause, repeated, backlog.events - len(handled)]
    card.table("SIGTERM at two fifths", ["s to its end", "longest pause, s", "handled twice", "lost"], [row])
    card.goals.append(Goal("lost by the restart", float(backlog.events - len(handled)), 0.0, at_most=True))


if __name__ == "__main__":
    run_command(lambda: command(run, "backlog", TITLE))
