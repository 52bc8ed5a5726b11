"""Syncs per second against what the remotes allow: 50 ms a call, three calls in a row, 1 to 128 records in flight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import psutil

from benchmarks.command import command
from benchmarks.figures import cpu_seconds
from benchmarks.grounds import Grounds, Running, until
from benchmarks.parties import CALL_SECONDS, Parties
from benchmarks.profiles import profile_of
from benchmarks.report_card import Card, Goal
from deploy.local.table import WORKER
from synckit.command import run_command

TITLE = "Sync throughput at 50 ms a call"

FULL = {1: 150, 8: 1000, 32: 2000, 64: 2000, 128: 2000}
QUICK = {1: 8, 8: 40, 32: 160}
STEPS = 3
WARM = 64
GOALS = {1: 0.9, 8: 0.88, 32: 0.8}
PLAIN = replace(WORKER, module="benchmarks.baselines.plain_agent", ready="")


@dataclass(frozen=True)
class Figures:
    """One run; CPU in milliseconds a sync. `call_ms`: what a call took in the sandboxes, their own work included."""

    rate: float
    call_ms: float
    worker_ms: float
    sandboxes_ms: float
    servers_ms: float


def run(grounds: Grounds, card: Card) -> None:
    levels = QUICK if card.quick else FULL
    parties = Parties(grounds)
    plain_count = 6 if card.quick else 60
    parties.make(max(levels.values()) + plain_count)
    plain = plain_agent(parties, parties.ids[-plain_count:])
    found = {at_once: ours(parties, at_once, count) for at_once, count in levels.items()}
    tell(card, levels, found, plain)
    if not card.quick:
        path = grounds.folder / "worker.prof"
        under = ours(parties, 32, 1000, profile=path)
        title = f"Where the worker's time goes (32 in flight; {under.worker_ms:.1f} ms a sync under the profiler)"
        card.profiles.append(profile_of(path, title, most=24))


def ours(parties: Parties, at_once: int, count: int, profile: Path | None = None) -> Figures:
    """`count` changed records, with so many in flight."""
    parties.heal()
    extra = {"BETEILIGTE_SYNC_MAX_IN_FLIGHT": str(at_once)}
    worker = parties.grounds.start(WORKER, name=f"worker-{at_once}", extra=extra, profile=profile)
    ids = parties.ids[:count]
    warm_up(parties, ids[: min(WARM, count)])
    found = measure(parties, ids, worker)
    parties.grounds.stop(worker)
    return found


def warm_up(parties: Parties, ids: list[str]) -> None:
    """Connections, tokens, caches."""
    marks = parties.marks()
    parties.change(ids)
    parties.announce(ids)
    until(lambda: parties.written(marks, "left") >= len(ids), 60, "the worker is warm")
    parties.slow()


def measure(parties: Parties, ids: list[str], worker: Running) -> Figures:
    parties.change(ids)
    marks, before = parties.marks(), spent(parties.grounds, worker)
    parties.announce(ids)
    until(
        lambda: parties.written(marks, "left") >= len(ids),
        120,
        f"{len(ids)} syncs",
        pause=0.2 if len(ids) < 200 else 1.0,
    )
    after = spent(parties.grounds, worker)
    left, right = parties.calls(marks, "left"), parties.calls(marks, "right")
    began = min(row["started_at"] for row in left)
    ended = max(row["ended_at"] for row in left if row["method"] == "PUT")
    call_ms = 1000 * mean(row["ended_at"] - row["started_at"] for row in (*left, *right) if row["ended_at"])
    each = {name: 1000 * (after[name] - before[name]) / len(ids) for name in before}
    return Figures(len(ids) / (ended - began), call_ms, each["worker"], each["sandboxes"], each["servers"])


def spent(grounds: Grounds, worker: Running) -> Mapping[str, float]:
    """CPU seconds so far, by whom."""
    groups = {"sandboxes": ("espocrm", "advoware"), "servers": ("kafka", "postgres", "redis")}
    found = {"worker": cpu_seconds(worker.pid)}
    for group, names in groups.items():
        found[group] = sum(_family(grounds.supervisor.pid(name) or 0) for name in names)
    return found


def _family(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(cpu_seconds(each.pid) for each in (process, *process.children(recursive=True)))


def plain_agent(parties: Parties, ids: list[str]) -> Figures:
    """The baseline reads from the end of the topic, so it gets its first event again and again until it is there.

    It has parties of its own: its way of writing is one that our worker would hold.
    """
    parties.heal()
    agent = parties.grounds.start(PLAIN, name="plain-agent")
    marks = parties.marks()

    def there() -> bool:
        parties.change(ids[:1])
        parties.announce(ids[:1])
        return parties.written(marks, "left") >= 1

    until(there, 60, "the plain agent works", pause=0.5)
    warm_up(parties, ids[1:3])
    found = measure(parties, ids, agent)
    parties.grounds.stop(agent, grace=3.0)
    return found


def tell(card: Card, levels: Mapping[int, int], found: Mapping[int, Figures], plain: Figures) -> None:
    rows: list[list[object]] = []
    for at_once, figures in found.items():
        rows.append([at_once, levels[at_once], *_against_ideal(figures, at_once), figures.rate / plain.rate])
        rows[-1] += [figures.worker_ms, figures.sandboxes_ms, figures.servers_ms]
        if at_once in GOALS:
            text = f"share of the ideal, {at_once} in flight"
            card.goals.append(Goal(text, _share(figures, at_once), GOALS[at_once]))
    rows.append(["plain agent", "-", *_against_ideal(plain, 1), 1.0])
    rows[-1] += [plain.worker_ms, plain.sandboxes_ms, plain.servers_ms]
    columns = ["in flight", "records", "syncs/s", "call ms", "ideal", "share", "of 50 ms", "× plain agent"]
    columns += ["worker CPU ms", "sandboxes CPU ms", "servers CPU ms"]
    title = (
        "A pause of 50 ms a call; ideal = in flight ÷ (3 × what a call took in the sandbox); of 50 ms: had it no work"
    )
    card.table(title, columns, rows)
    card.goals.append(Goal("ours : plain agent, 32 in flight", found[32].rate / plain.rate, 25.0, " ×"))
    card.goals.append(Goal("worker's CPU a sync, 32 in flight", found[32].worker_ms, 3.0, " ms", at_most=True))
    for at_once in (64, 128):
        if at_once in found:
            text = f"worker's CPU a sync, {at_once} in flight"
            card.goals.append(Goal(text, found[at_once].worker_ms, 3.0, " ms", at_most=True))
    everything = found[32].worker_ms + found[32].sandboxes_ms + found[32].servers_ms
    card.notes.append(
        f"One sync costs this machine {everything:.1f} ms of CPU altogether (32 in flight), the sandboxes' "
        f"{found[32].sandboxes_ms:.1f} ms included, which real remotes spend elsewhere: two cores end at about "
        f"{2000 / everything:.0f} syncs/s whatever is in flight. The sandboxes are Python, one core each at most."
    )


def _against_ideal(figures: Figures, at_once: int) -> list[object]:
    share = _share(figures, at_once)
    return [figures.rate, figures.call_ms, figures.rate / share, share, figures.rate * STEPS * CALL_SECONDS / at_once]


def _share(figures: Figures, at_once: int) -> float:
    return figures.rate * STEPS * (figures.call_ms / 1000) / at_once


if __name__ == "__main__":
    run_command(lambda: command(run, "sync_throughput", TITLE))
