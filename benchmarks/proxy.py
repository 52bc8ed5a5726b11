"""The Advoware proxy against a bare reverse proxy on aiohttp: GETs a second, CPU a GET, and the time at 200 a second.

Both are up at once, before the same stand-in for Advoware; short windows in random order; the median of the ratios.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from statistics import median

from benchmarks.command import command
from benchmarks.figures import median_ratio, percentile, resident_mib
from benchmarks.grounds import Grounds, Running
from benchmarks.http_load import Load, Window, connect, open_loop, window_of
from benchmarks.profiles import profiled
from benchmarks.report_card import Card, Goal
from deploy.local.addresses import Addresses
from deploy.local.table import PROXY
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, new_secret
from kanzlei.callers.table import KeyTable, NewKey
from synckit.command import run_command
from synckit.postgres.migrate import apply
from synckit.postgres.pool import PostgresPool

TITLE = "Advoware proxy: what its duties cost"
OURS, BARE = "ours", "bare"
CONNECTIONS, RATE, WINDOW = (1, 16), 200, 1.0
BASELINE = "benchmarks.baselines.reverse_proxy"
UNLIMITED = Rate(per_minute=100_000_000, burst=1_000_000)
Closed = dict[tuple[str, int], list[Load]]


def run(grounds: Grounds, card: Card) -> None:
    upstream = grounds.program(BASELINE, "upstream", {}, "/")
    database, redis = grounds.backends.database_url, grounds.backends.redis_url
    apply(database)
    key = asyncio.run(_key(database))
    bare = grounds.program(BASELINE, "bare-proxy", {"upstream": upstream.url}, "/")
    addresses = Addresses("", database, redis, "", "", upstream.url)
    ours = grounds.start(PROXY, addresses)
    servers = {OURS: ours, BARE: bare}
    head = f"Host: proxy\r\nAuthorization: Bearer {key}\r\nAccept: application/json\r\n"
    request = f"GET /advoware/proxy?path=/Beteiligte/4711 HTTP/1.1\r\n{head}\r\n".encode()
    closed, opened = asyncio.run(_measure(servers, request, quick=card.quick))
    _tell(card, closed, opened)
    card.goals.append(Goal("RSS after all of it", resident_mib(ours.pid), 120.0, " MB", at_most=True))
    card.notes.append(
        "Ours, for each GET: key, rate in Redis, path and headers checked, a line of the audit on disk before and its "
        "end after, a log line, metrics, a token. The bare one does none of it."
    )
    grounds.stop(ours, bare)
    if not card.quick:
        with profiled(grounds, card, PROXY, addresses, "Where the proxy's time goes (16 connections)") as server:
            asyncio.run(window_of(server, 16, [request], 4.0))
    grounds.stop(upstream)


async def _key(database: str) -> str:
    key_id, secret = new_secret()
    pool = PostgresPool(database)
    caller = Caller(key_id, digest_of(secret), (Grant.parse("GET /Beteiligte/:id"),), UNLIMITED)
    await KeyTable(pool).add(NewKey(caller, "benchmark"))
    await pool.close()
    return f"{key_id}.{secret}"


async def _measure(
    servers: Mapping[str, Running], request: bytes, *, quick: bool
) -> tuple[Closed, dict[str, list[Window]]]:
    cycles, seconds = (1, 0.5) if quick else (10, 5.0)
    closed: Closed = {}
    opened: dict[str, list[Window]] = {}
    for server in servers.values():
        await window_of(server, 16, [request], WINDOW)
    for _ in range(cycles):
        for connections in CONNECTIONS:
            for name in random.sample(list(servers), k=2):
                figures = await window_of(servers[name], connections, [request], WINDOW)
                closed.setdefault((name, connections), []).append(figures)
    for _ in range(max(1, cycles // 3)):
        for name in random.sample(list(servers), k=2):
            made = await connect(servers[name].port, 64)
            opened.setdefault(name, []).append(await open_loop(made, [request], RATE, int(RATE * seconds)))
            for each in made:
                each.close()
    return closed, opened


def _tell(card: Card, closed: Closed, opened: Mapping[str, list[Window]]) -> None:
    rows = []
    for count in CONNECTIONS:
        rates = {name: [each.rate for each in closed[name, count]] for name in (OURS, BARE)}
        cost = {name: median(each.cpu_ms for each in closed[name, count]) for name in (OURS, BARE)}
        ratio = median_ratio(rates[OURS], rates[BARE])
        rows.append([count, median(rates[OURS]), median(rates[BARE]), ratio, cost[OURS], cost[BARE]])
        card.goals.append(Goal(f"ours : bare, {count} connections", ratio, 0.25, " ×"))
    columns = ["connections", "ours/s", "bare/s", "ours:bare", "ours CPU ms", "bare CPU ms"]
    card.table("Closed loop, GETs/s", columns, rows)
    times = {name: [[percentile(w.seconds, share) for w in opened[name]] for share in (0.5, 0.99)] for name in opened}
    refused = {name: sum(window.refused for window in windows) for name, windows in opened.items()}
    card.table(
        f"Open loop, {RATE}/s, ms from the scheduled moment",
        ["server", "p50", "p99", "not 200"],
        [[name, *(1000 * median(each) for each in times[name]), refused[name]] for name in (OURS, BARE)],
    )
    card.goals.append(Goal(f"p99 at {RATE}/s, open loop", 1000 * median(times[OURS][1]), 25.0, " ms", at_most=True))


if __name__ == "__main__":
    run_command(lambda: command(run, "proxy", TITLE))
