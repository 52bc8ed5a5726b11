"""The ingress against the plain way, with and without a log line, and a handler that only checks the signature.

All servers are up at once; short windows in random order; the median over the cycles of the ratio within a cycle.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.command import command
from benchmarks.figures import median_ratio, percentile, resident_mib
from benchmarks.grounds import SECRET, SECRET_ID, Grounds, Running
from benchmarks.http_load import Load, Window, connect, open_loop, window_of
from benchmarks.profiles import profiled
from benchmarks.report_card import Card, Goal
from benchmarks.webhook_bodies import requests
from deploy.local.table import INGRESS
from synckit.command import run_command

TITLE = "Ingress: requests per second and time to the answer"

OURS, PLAIN, NO_LINE, CEILING = "ours", "plain", "plain without a line", "signature only"
CONNECTIONS, BATCHES, RATES = (1, 16, 64), (1, 20), (200, 500, 1000)
SERVERS, BUSY = (OURS, PLAIN, NO_LINE, CEILING), (64, 1)
PROFILED = ((1, 1), (1, 20), (16, 20))


@dataclass(frozen=True)
class Effort:
    """How long all of it takes."""

    cycles: int
    window: float
    open_cycles: int
    open_seconds: float


FULL, QUICK = Effort(12, 0.5, 5, 3.0), Effort(1, 0.2, 1, 0.4)
Case = tuple[int, int]
Closed = dict[tuple[str, Case], list[Load]]
Open = dict[tuple[str, int], list[Window]]


def run(grounds: Grounds, card: Card) -> None:
    servers = start(grounds)
    effort = QUICK if card.quick else FULL
    closed, opened = asyncio.run(measure(servers, effort))
    tell_closed(card, closed)
    tell_open(card, opened)
    resident = resident_mib(servers[OURS].pid)
    card.goals.append(Goal("RSS after all of it", resident, 90.0, " MB", at_most=True))
    card.notes.append(
        "Ours logs a line of JSON, counts and observes as the plain one does, and has what that one lacks: a limit of "
        "requests in flight, 503 within 7.5 s, dead letters, traceparent taken over, items that are bad one by one."
    )
    grounds.stop(*servers.values())
    if not card.quick:
        for case in PROFILED:
            profile(grounds, card, case)


def start(grounds: Grounds) -> dict[str, Running]:
    """All four, from the same Kafka."""
    options = {"kafka": grounds.kafka, "keys": {SECRET_ID: SECRET}}
    module = "benchmarks.baselines.plain_ingress"
    plain = grounds.program(module, "plain-ingress", {**options, "log": True}, "/")
    no_line = grounds.program(module, "plain-without-a-line", {**options, "log": False}, "/")
    ceiling = grounds.program("benchmarks.baselines.signature_only", "signature-only", options, "/")
    return {OURS: grounds.start(INGRESS, grounds.kafka_only), PLAIN: plain, NO_LINE: no_line, CEILING: ceiling}


async def measure(servers: Mapping[str, Running], effort: Effort) -> tuple[Closed, Open]:
    bodies = {batch: requests(batch) for batch in BATCHES}
    for server in servers.values():
        await window_of(server, 16, bodies[20], effort.window)
    return await all_closed(servers, effort, bodies), await all_open(servers, effort, bodies[1])


async def all_closed(servers: Mapping[str, Running], effort: Effort, bodies: Mapping[int, list[bytes]]) -> Closed:
    closed: Closed = {}
    for _ in range(effort.cycles):
        for case in random.sample([(c, b) for c in CONNECTIONS for b in BATCHES], k=6):
            for name in random.sample(list(servers), k=len(servers)):
                figures = await window_of(servers[name], case[0], bodies[case[1]], effort.window)
                closed.setdefault((name, case), []).append(figures)
    return closed


async def all_open(servers: Mapping[str, Running], effort: Effort, bodies: list[bytes]) -> Open:
    opened: Open = {}
    for _ in range(effort.open_cycles):
        for rate in random.sample(RATES, k=len(RATES)):
            for name in random.sample([OURS, PLAIN], k=2):
                connections = await connect(servers[name].port, 64)
                window = await open_loop(connections, bodies, rate, max(20, int(rate * effort.open_seconds)))
                opened.setdefault((name, rate), []).append(window)
                for each in connections:
                    each.close()
    return opened


def tell_closed(card: Card, closed: Closed) -> None:
    cases = [(c, b) for b in BATCHES for c in CONNECTIONS]
    rows: list[list[object]] = []
    for case in cases:
        row = [median(each.rate for each in closed[name, case]) for name in SERVERS]
        row += [ratio(closed, case, name) for name in SERVERS[1:]]
        row += [median(each.cpu_ms for each in closed[name, case]) for name in (OURS, PLAIN, NO_LINE)]
        rows.append([case[1], case[0], *row, median(each.p99_ms for each in closed[OURS, case])])
    rates = [f"{name}/s" for name in SERVERS]
    ratios = [f"ours : {name}" for name in SERVERS[1:]]
    columns = ["batch", "connections", *rates, *ratios, "ours CPU ms", "plain CPU ms", "without a line CPU ms"]
    card.table("Closed loop, requests/s", [*columns, "ours p99 ms"], rows)
    for batch, wanted in ((1, 1.0), (20, 1.7)):
        for connections in CONNECTIONS:
            what = f"ours : plain, batch {batch}, {connections} connections"
            card.goals.append(Goal(what, ratio(closed, (connections, batch), PLAIN), wanted, " ×"))
    what = "ours : plain without a line, batch 1, 64 connections"
    card.goals.append(Goal(what, ratio(closed, BUSY, NO_LINE), 0.75, " ×"))
    slowest = median(each.p99_ms for each in closed[OURS, BUSY])
    card.goals.append(Goal("p99, batch 1, 64 connections, closed loop", slowest, 20.0, " ms", at_most=True))


def ratio(closed: Closed, case: Case, name: str) -> float:
    """Of ours to another's requests a second."""
    ours, others = ([each.rate for each in closed[one, case]] for one in (OURS, name))
    return median_ratio(ours, others)


def tell_open(card: Card, opened: Open) -> None:
    rows = []
    p99: dict[tuple[str, int], float] = {}
    for rate in RATES:
        for name in (OURS, PLAIN):
            windows = opened[name, rate]
            p50, p99[name, rate] = (median(percentile(w.seconds, share) for w in windows) for share in (0.5, 0.99))
            worst = max(max(w.seconds) for w in windows)
            rows.append([rate, name, 1000 * p50, 1000 * p99[name, rate], 1000 * worst])
    card.table("Open loop, batch 1, ms from the scheduled moment", ["due/s", "server", "p50", "p99", "max"], rows)
    card.goals.append(Goal("p99 at 500/s, open loop", 1000 * p99[OURS, 500], 25.0, " ms", at_most=True))


def profile(grounds: Grounds, card: Card, case: Case) -> None:
    """Where the time goes with so many connections, at batches of that size."""
    connections, batch = case
    title = f"Where the ingress's time goes (connections: {connections}, batch: {batch})"
    with profiled(grounds, card, INGRESS, grounds.kafka_only, title) as server:
        asyncio.run(window_of(server, connections, requests(batch), 4.0))


if __name__ == "__main__":
    run_command(lambda: command(run, "ingress", TITLE))
