"""Samples of the services while they are under load: memory, readiness, metrics."""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import psutil

from tests.chaos.world import World

MIB = 1024 * 1024


@dataclass
class Samples:
    """Per service: resident memory in MiB, and whether it said that it was ready; the highest value of each metric."""

    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ready: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    highest: dict[str, float] = field(default_factory=dict)

    def growth(self, name: str) -> float:
        """MiB between the first sample and the highest one."""
        seen = self.memory[name]
        return round(max(seen) - seen[0], 1) if seen else 0.0

    def always_ready(self, name: str) -> bool:
        return all(self.ready[name]) and bool(self.ready[name])


@asynccontextmanager
async def watched(world: World, names: Sequence[str], metrics: Sequence[str] = ()) -> AsyncIterator[Samples]:
    """Once a second, until the block ends."""
    samples = Samples()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=4)) as session:
        task = asyncio.create_task(_for_ever(world, session, names, metrics, samples))
        try:
            yield samples
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _for_ever(
    world: World, session: aiohttp.ClientSession, names: Sequence[str], metrics: Sequence[str], samples: Samples
) -> None:
    while True:
        began = time.monotonic()
        for name in names:
            pid = world.office.supervisor.pid(name)
            if pid is None:
                samples.ready[name].append(False)
                continue
            samples.memory[name].append(psutil.Process(pid).memory_info().rss / MIB)
            url = world.addresses.services[name]
            samples.ready[name].append(await _answers(session, f"{url}/health/ready"))
            if metrics:
                await _measure(session, f"{url}/metrics", metrics, samples)
        await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - began)))


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    with suppress(aiohttp.ClientError, TimeoutError):
        async with session.get(url) as answer:
            return answer.status == 200
    return False


async def _measure(session: aiohttp.ClientSession, url: str, metrics: Sequence[str], samples: Samples) -> None:
    with suppress(aiohttp.ClientError, TimeoutError):
        async with session.get(url) as answer:
            text = await answer.text()
        for name in metrics:
            for value in re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE):
                samples.highest[name] = max(samples.highest.get(name, 0.0), float(value))
