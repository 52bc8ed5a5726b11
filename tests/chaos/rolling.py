"""`python -m tests.chaos.rolling [--json FILE]`: two or more of each, restarted and killed while people go on.

Workers restarted in turn: at most 3 s without progress for any key. A ticker killed: the other one goes on within one
interval, and no interval is ticked twice. An ingress killed, of two behind one address: EspoCRM loses nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from deploy.local.table import INGRESS, REGISTER, TICKER, Service
from synckit.command import run_command
from tests.chaos.changes import Known
from tests.chaos.fields import Side
from tests.chaos.outages import Figures
from tests.chaos.reliability import FOLDER
from tests.chaos.run import Plan, Run
from tests.chaos.world import FASTER, World

RECORDS = 60
PER_SECOND = 10.0
LONGEST_PAUSE = 3.0
SECOND_TICKER, SECOND_INGRESS = "ticker-2", "webhook-ingress-2"
DESK_SECONDS = float(FASTER["TICKER_DESK_SECONDS"])
INTERVALS = 10


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def another(line: Service, name: str) -> Service:
    return Service(name, line.module, port_variable=line.port_variable, variables=line.variables)


async def workers_in_turn(run: Run, known: list[Known]) -> Figures:
    """SIGTERM and a new start for one worker after the other, the next one once this one is ready."""
    world = run.world
    figures = Figures("workers in turn", {"workers": len(world.workers)}, [])
    began = time.time()
    editing = asyncio.create_task(_edit(run, known))
    await asyncio.sleep(3.0)
    for name in world.workers:
        world.down.add(name)
        await asyncio.to_thread(world.office.stop_process, name)
        await world.back(name)
        await asyncio.sleep(2.0)
    over = time.time()
    editing.cancel()
    with suppress(asyncio.CancelledError):
        await editing
    await run.until_caught_up(time.time(), 60.0)
    history = await world.whole_history()
    took = sorted(at - typed for typed, at, _ in history.late if began <= typed <= over)
    figures.told |= {"saves": len(took), "restarts took s": round(over - began, 1)}
    figures.told |= {"p50 s": round(took[len(took) // 2], 2), "longest without progress s": round(took[-1], 2)}
    figures.expect(took[-1] <= LONGEST_PAUSE, f"a key waited for {took[-1]:.1f} s")
    return figures


async def tickers(run: Run, _known: list[Known]) -> Figures:
    """Who asks Advoware's list in which interval, as Advoware's own log of calls shows it."""
    world = run.world
    figures = Figures("a ticker of two is killed", {"interval s": DESK_SECONDS}, [])
    began = time.time()
    await asyncio.sleep(INTERVALS / 2 * DESK_SECONDS)
    by_slot = await _ticks(world, began)
    leader = next(reversed(list(by_slot.values())))
    pid = int(next(iter(leader)).rpartition("-")[2])
    name = next(one for one in (TICKER.name, SECOND_TICKER) if world.office.supervisor.pid(one) == pid)
    await world.kill(name)
    killed = time.time()
    await asyncio.sleep(INTERVALS / 2 * DESK_SECONDS)
    by_slot = await _ticks(world, began)
    await world.back(name)
    after = [slot for slot in by_slot if slot * DESK_SECONDS > killed]
    pause = min(after, default=1e9) * DESK_SECONDS - killed
    double = [slot for slot, agents in by_slot.items() if len(agents) > 1]
    slots = range(min(by_slot), max(by_slot) + 1)
    missed = [slot for slot in slots if slot not in by_slot]
    figures.told |= {"killed": name, "intervals": len(slots), "ticked": len(by_slot), "ticked by two": len(double)}
    figures.told |= {"next interval began after s": round(pause, 1), "missed": len(missed)}
    figures.expect(not double, f"{len(double)} intervals were ticked twice")
    figures.expect(pause <= DESK_SECONDS, "the other ticker did not go on with the next interval")
    figures.expect(len(missed) <= 1, f"{len(missed)} intervals were missed")
    return figures


async def ingresses(run: Run, known: list[Known]) -> Figures:
    """Two behind one address; one is killed while EspoCRM sends, and comes back. The ticker is silent."""
    world = run.world
    figures = Figures("an ingress of two is killed", {}, [])
    backends = [world.addresses.services[name] for name in (INGRESS.name, SECOND_INGRESS)]
    for name in (TICKER.name, SECOND_TICKER):
        world.office.freeze(name)
    async with one_address(backends) as url:
        await _move_webhooks(world, url)
        before = await world.ask(Side.ESPO, "GET", "/_sandbox/webhooks")
        editing = asyncio.create_task(_edit(run, known))
        await asyncio.sleep(3.0)
        await world.kill(INGRESS.name)
        await asyncio.sleep(4.0)
        await world.back(INGRESS.name)
        await asyncio.sleep(3.0)
        editing.cancel()
        with suppress(asyncio.CancelledError):
            await editing
        took = await run.until_caught_up(time.time(), 60.0)
        after = await world.ask(Side.ESPO, "GET", "/_sandbox/webhooks")
    for name in (TICKER.name, SECOND_TICKER):
        world.office.thaw(name)
    figures.told |= {"events sent": after["sent"] - before["sent"], "failed": after["failed"] - before["failed"]}
    figures.told["all on both sides after s"] = took and round(took, 1)
    figures.expect(took is not None, "a save never came over")
    figures.expect(after["failed"] == before["failed"], "EspoCRM gave up on events")
    return figures


async def _move_webhooks(world: World, url: str) -> None:
    """EspoCRM sends to that address and to no other."""

    async def as_admin(method: str, path: str) -> Any:
        asked = {"user": "admin", "method": method, "path": path}
        return (await world.ask(Side.ESPO, "POST", "/_sandbox/as-user", asked))["body"]

    old = (await as_admin("GET", "/Webhook?maxSize=200"))["list"]
    espocrm, secrets_file = world.addresses.espocrm_url, str(world.office.secrets_file)
    arguments = ("--espocrm-url", espocrm, "--url", url, "--secrets-file", secrets_file)
    await asyncio.to_thread(world.office.run_job, REGISTER, *arguments)
    for webhook in old:
        await as_admin("DELETE", f"/Webhook/{webhook['id']}")


async def _edit(run: Run, known: list[Known]) -> None:
    number = 0
    while True:
        each = known[number % len(known)]
        await run.people.save(Side.ESPO, each, titel=run.people.word(each))
        number += 1
        await asyncio.sleep(1 / PER_SECOND)


async def _ticks(world: World, since: float) -> dict[int, set[str]]:
    """Interval → the tickers that asked in it, oldest first. An interval is told by the begin of the call."""
    found: dict[int, set[str]] = defaultdict(set)
    for call in await world.calls(Side.ADVO):
        is_list = call["path"].endswith("/Beteiligte") and "geaendertSeit" in call["query"]
        if is_list and str(call["agent"]).startswith("ticker/") and call["started_at"] > since:
            found[int(call["started_at"] // DESK_SECONDS)].add(str(call["agent"]))
    return found


@asynccontextmanager
async def one_address(backends: list[str]) -> AsyncIterator[str]:
    """A proxy as one puts in front: in turn, and the next one where a backend does not answer (nginx:
    `proxy_next_upstream error timeout non_idempotent`). The same webhook twice is harmless.
    """
    turn = 0

    async def forward(request: web.Request) -> web.Response:
        nonlocal turn
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        for _ in backends:
            turn += 1
            with suppress(aiohttp.ClientError, OSError):
                url = backends[turn % len(backends)] + request.path_qs
                async with session.request(request.method, url, data=body, headers=headers) as answer:
                    return web.Response(status=answer.status, body=await answer.read())
        return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", forward)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        try:
            yield f"http://localhost:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def play(state_dir: Path) -> list[Figures]:
    """All three on one stack, then the oracle."""
    run = Run(Plan(seed=1, changes=0, kills=0, workers=2), state_dir, say)
    run.world.add_service(another(TICKER, SECOND_TICKER))
    run.world.add_service(another(INGRESS, SECOND_INGRESS))
    results = []
    async with run.stage():
        known = list(await asyncio.gather(*(run.people.create() for _ in range(RECORDS))))
        await run.until_quiet(60.0)
        for part in (workers_in_turn, tickers, ingresses):
            results.append(await part(run, known))
            await run.until_quiet(60.0)
        await asyncio.to_thread(run.world.office.stop_process, SECOND_TICKER)
        run.world.down.add(SECOND_TICKER)
        await run.calm()
        report = await run.judge()
    figures = Figures("the oracle", dict(report.figures), [f"{f.what} {f.key}: {f.text}" for f in report.findings])
    return [*results, figures]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.rolling", description=__doc__)
    parser.add_argument("--json", type=Path, default=FOLDER / "rolling.json", metavar="FILE")
    given = parser.parse_args()
    state_dir = Path(tempfile.mkdtemp(prefix="rolling-"))
    results = asyncio.run(play(state_dir))
    for figures in results:
        sys.stdout.write(f"{figures.case}\n")
        sys.stdout.writelines(f"  {name:<40} {value}\n" for name, value in figures.told.items())
        sys.stdout.writelines(f"  WRONG: {text}\n" for text in figures.wrong)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps([asdict(each) for each in results], indent=1, default=str))
    wrong = any(each.wrong for each in results)
    if wrong:
        say(f"logs in {state_dir / 'log'}")
    else:
        shutil.rmtree(state_dir, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    run_command(main)
