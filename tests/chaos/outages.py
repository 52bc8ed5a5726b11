"""Advoware in trouble for a while: nothing is lost, it is asked by one probe at a time, the backlog drains in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.local.table import INGRESS, WORKER
from tests.chaos import remains
from tests.chaos.changes import Known
from tests.chaos.fields import Side
from tests.chaos.run import Run
from tests.chaos.watching import Samples, watched
from tests.chaos.world import World

API = "/advonet/"
CIRCUIT = "sync_upstream_circuit_open"
FLAT = 40.0
"""MiB that a service may grow."""
SLOWEST_DRAIN = 60.0
AT_ONCE = 32
"""Syncs that a worker has under way, which end in any order."""
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "advoware-slow": {"kind": "slow", "seconds": 10},
    "advoware-429": {"kind": "status", "status": 429, "retry_after": 5},
    "advoware-503": {"kind": "status", "status": 503},
}


@dataclass
class Figures:
    """What a case has come to; `wrong` says what was not as promised."""

    case: str
    told: dict[str, Any]
    wrong: list[str]

    def expect(self, good: bool, text: str) -> None:
        if not good:
            self.wrong.append(text)


async def outage(run: Run, case: str, seconds: float, records: int) -> Figures:
    """All records are changed in EspoCRM, one after the other, while Advoware is in trouble."""
    world, people = run.world, run.people
    figures = Figures(case, {"seconds": seconds, "records changed": records}, [])
    known = list(await asyncio.gather(*(people.create() for _ in range(records))))
    await run.until_quiet(120.0)
    async with watched(world, (INGRESS.name, WORKER.name), (CIRCUIT,)) as samples:
        began = time.time()
        rule = await world.fault(Side.ADVO, FAULTS[case], match={"path_regex": API})
        await _change(run, known, seconds)
        parked = (await remains.find(world.addresses)).rows["parked"]
        await world.mend(Side.ADVO, rule)
        over = time.time()
        drained = await run.until_caught_up(over, 4 * SLOWEST_DRAIN)
    figures.told["drained after s"] = drained and round(drained, 1)
    figures.told["parked at the end of it"] = len(parked)
    await _calls(world, figures, began, over, seconds)
    _samples(figures, samples)
    await _order(world, figures, [each.key for each in known], over)
    hooks = await world.ask(Side.ESPO, "GET", "/_sandbox/webhooks")
    figures.told["webhooks sent, failed"] = f"{hooks['sent']}, {hooks['failed']}"
    figures.expect(hooks["failed"] == 0 and hooks["queue_pending"] == 0, "the ingress did not take all webhooks")
    figures.expect(drained is not None and drained < SLOWEST_DRAIN, "the backlog did not drain in time")
    figures.expect(len(parked) <= records // 10, "records were parked for what is no record's fault")
    return figures


async def _change(run: Run, known: list[Known], seconds: float) -> None:
    began = time.time()
    for number, each in enumerate(known):
        await asyncio.sleep(max(0.0, began + number * seconds / len(known) - time.time()))
        await run.people.save(Side.ESPO, each, titel=run.people.word(each))


async def _calls(world: World, figures: Figures, began: float, over: float, seconds: float) -> None:
    """In the second half of the trouble, when the circuit has had its time to open."""
    half = began + seconds / 2
    calls = [call for call in await world.calls(Side.ADVO) if API in call["path"]]
    during = [call for call in calls if began < call["started_at"] < over]
    late = [call for call in during if call["started_at"] > half]
    at_once = max((sum(_overlaps(one, other) for other in late) for one in late), default=0)
    figures.told["calls to Advoware in the trouble"] = len(during)
    figures.told["calls a second in its second half"] = round(len(late) / (seconds / 2), 2)
    figures.told["calls at once in its second half"] = at_once
    # Of the worker and of the ticker, which both have a circuit of their own.
    figures.expect(at_once <= 2, f"{at_once} calls at once in an outage: more than a probe")


def _overlaps(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The other was under way, for the client, when the one began."""
    given_up = min(other["ended_at"] or other["started_at"] + 8.0, other["started_at"] + 8.0)
    return bool(other["started_at"] <= one["started_at"] < given_up or other is one)


def _samples(figures: Figures, samples: Samples) -> None:
    for name in (INGRESS.name, WORKER.name):
        figures.told[f"{name}: MiB at first, growth"] = f"{samples.memory[name][0]:.0f}, {samples.growth(name)}"
        figures.told[f"{name}: always ready"] = samples.always_ready(name)
        figures.expect(samples.always_ready(name), f"{name} said that it was not ready")
        figures.expect(samples.growth(name) < FLAT, f"{name} grew by {samples.growth(name)} MiB")
    figures.told[CIRCUIT] = samples.highest.get(CIRCUIT, 0.0)
    figures.expect(samples.highest.get(CIRCUIT, 0.0) == 1.0, "no metric said that Advoware is in trouble")


async def _order(world: World, figures: Figures, keys: list[str], over: float) -> None:
    """How far any of them came from its place in the order in which they were typed, and how fast they came."""
    through = {key: at for _, at, key in world.history.late if at > over}
    order = [through[key] for key in keys if key in through]
    ranks = {at: rank for rank, at in enumerate(sorted(order))}
    furthest = max((abs(ranks[at] - place) for place, at in enumerate(order)), default=0)
    seconds = max(order, default=over) - min(order, default=over)
    figures.told["changes that waited"] = len(order)
    figures.told["furthest from its place in the order"] = furthest
    figures.expect(furthest <= 2 * AT_ONCE, f"one came {furthest} places early or late")
    figures.told["drained per second"] = round(len(order) / max(seconds, 0.1), 1)
