"""The broker away, and disks that are full: an answer of 200 is true, and everything else is told to come again."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from deploy.local.table import INGRESS, TICKER
from tests.chaos import remains
from tests.chaos.changes import Known
from tests.chaos.fields import Side
from tests.chaos.outages import FLAT, Figures
from tests.chaos.run import Run
from tests.chaos.watching import watched
from tests.chaos.webhooks import Key, Sent, send, told
from tests.chaos.world import World

LATEST_ANSWER = 8.0
TEN_MINUTES = 60.0
"""EspoCRM's ten minutes between two attempts, ten times as fast; an outage of 5 minutes then takes 30 s."""
PER_SECOND = 10.0
SIZES = {"kafka": "64m", "postgres": "192m"}


async def kafka_away(run: Run, seconds: float, records: int) -> Figures:
    """People go on, the ticker is silent: what the ingress did not take has to come by EspoCRM's own retries."""
    world, people = run.world, run.people
    figures = Figures("kafka-away", {"seconds": seconds, "records changed": records}, [])
    known = list(await asyncio.gather(*(people.create() for _ in range(records))))
    await run.until_quiet(120.0)
    await world.ask(Side.ESPO, "POST", "/_sandbox/settings", {"fail_attempt_period": TEN_MINUTES})
    world.office.freeze(TICKER.name)
    async with watched(world, (INGRESS.name,)) as samples:
        sending = asyncio.create_task(_send(world, seconds + 10.0))
        await asyncio.sleep(3.0)
        await world.kill("kafka")
        for each in known:
            await people.save(Side.ESPO, each, titel=people.word(each))
        await asyncio.sleep(seconds)
        await world.back("kafka")
        over = time.time()
        sent = await sending
        took = await run.until_caught_up(over, 3 * TEN_MINUTES)
    figures.told["all on both sides after s"] = took and round(took, 1)
    figures.expect(took is not None, "EspoCRM's retries did not bring everything")
    world.office.thaw(TICKER.name)
    figures.told["ingress: MiB at first, growth"] = (
        f"{samples.memory[INGRESS.name][0]:.0f}, {samples.growth(INGRESS.name)}"
    )
    figures.expect(samples.growth(INGRESS.name) < FLAT, "the ingress grew")
    hooks = await world.ask(Side.ESPO, "GET", "/_sandbox/webhooks")
    figures.expect(hooks["failed"] == 0, f"EspoCRM gave up on {hooks['failed']} events")
    await _is_true(world, figures, sent)
    return figures


async def disk_full(run: Run, seconds: float, records: int) -> Figures:
    """First Kafka's disk, then PostgreSQL's."""
    world, people = run.world, run.people
    figures = Figures("disk-full", {"seconds each": seconds}, [])
    figures.told["how"] = "tmpfs" if _is_small(world, "kafka") else "RLIMIT_FSIZE: no file may grow"
    known = list(await asyncio.gather(*(people.create() for _ in range(records))))
    await run.until_quiet(120.0)
    sent: list[Sent] = []
    for server in ("kafka", "postgres"):
        sending = asyncio.create_task(_send(world, seconds + 8.0))
        await asyncio.sleep(2.0)
        with _full(world, server):
            ends = time.time() + seconds
            while time.time() < ends:  # so much that what is stored has to grow
                await _save(run, people.any_of(known))
                await asyncio.sleep(0.02)
            figures.told[f"{server} lives on a full disk"] = world.office.supervisor.is_alive(server)
            behind = world.history.outstanding(time.time())
            figures.told[f"{server}: saves that wait meanwhile"] = behind
            figures.expect(behind > 0, f"{server} did not mind its full disk: nothing was tried")
        await _again(world, server)
        over = time.time()
        sent += await sending
        took = await run.until_caught_up(over, 120.0)
        figures.told[f"{server}: all on both sides after s"] = took and round(took, 1)
        figures.expect(took is not None, f"not caught up after {server}'s disk was full")
    await _is_true(world, figures, sent)
    return figures


async def _save(run: Run, known: Known) -> None:
    await run.people.save(Side.ESPO, known, zusatz=run.people.word(known))


async def _send(world: World, seconds: float) -> list[Sent]:
    key = Key.of(world.office.secrets_file)
    return await send(world.addresses.services[INGRESS.name], key, per_second=PER_SECOND, seconds=seconds)


async def _is_true(world: World, figures: Figures, sent: list[Sent]) -> None:
    """Every 200 is in the topic; nothing is answered late, and nothing with a status that EspoCRM takes for final."""
    published = {event.key for event in (await remains.find(world.addresses)).events}
    lies = [each for each in sent if each.status == 200 and each.record not in published]
    latest = max(each.took for each in sent)
    figures.told |= {**told(sent), "latest answer s": round(latest, 2), "acknowledged and not there": len(lies)}
    figures.expect(not lies, f"{len(lies)} webhooks were acknowledged and are not in the topic")
    figures.expect({each.status for each in sent} <= {200, 503}, "another status than 200 and 503")
    figures.expect(latest <= LATEST_ANSWER, f"an answer took {latest:.1f} s")


# -- disks ---------------------------------------------------------------------------------------------------------


@contextmanager
def small_disks(state_dir: Path) -> Iterator[None]:
    """A small tmpfs for each server where we may mount one; else nothing."""
    mounted = []
    for server, size in SIZES.items():
        folder = state_dir.resolve() / server
        folder.mkdir(parents=True, exist_ok=True)
        mount = shutil.which("mount") or "mount"
        argv = [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.geteuid() == 0 and subprocess.run(argv, capture_output=True, check=False).returncode == 0:
            mounted.append(folder)
    try:
        yield
    finally:
        for folder in mounted:
            subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=False)


def _is_small(world: World, server: str) -> bool:
    return (world.office.state_dir / server).is_mount()


@contextmanager
def _full(world: World, server: str) -> Iterator[None]:
    """Nothing more can be written, until the block ends."""
    if not _is_small(world, server):
        with _no_growth(world, server):
            yield
        return
    ballast = world.office.state_dir / server / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65536)
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(b"\0" * 512)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def _no_growth(world: World, server: str) -> Iterator[None]:
    pid = world.office.supervisor.pid(server)
    family = [] if pid is None else [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for each in family:
        _limit(each.pid, "0")
    try:
        yield
    finally:
        for each in family:
            _limit(each.pid, "unlimited")


def _limit(pid: int, size: str) -> None:
    """How large a file of that process may become; the hard limit stays. As its owner, where that is not us."""
    try:
        number = 0 if size == "0" else resource.RLIM_INFINITY
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (number, resource.RLIM_INFINITY))
    except ProcessLookupError:
        return
    except PermissionError:
        owner = psutil.Process(pid)
        argv = ["setpriv", f"--reuid={owner.uids().real}", f"--regid={owner.gids().real}", "--clear-groups"]
        subprocess.run([*argv, "prlimit", "--pid", str(pid), f"--fsize={size}:unlimited"], check=True)


async def _again(world: World, server: str) -> None:
    """A server that gave up on its full disk is started again, as a person would once there is room."""
    if not await asyncio.to_thread(world.office.is_ready, server):
        await world.kill(server)
        await world.back(server)
