"""From a webhook's due moment to the other side's answer to our write: 20 changes a second, 50 ms a call.

With and without a key that fails all the time, and with one call in a hundred taking 5 s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.command import command
from benchmarks.figures import percentile
from benchmarks.grounds import Grounds, Running, until
from benchmarks.http_load import connect, open_loop
from benchmarks.parties import CALL_SECONDS, Marks, Parties
from benchmarks.report_card import Card, Goal
from benchmarks.webhook_bodies import single
from deploy.local.table import INGRESS, WORKER
from synckit.command import run_command

TITLE = "Latency: webhook sent to other side written"

RATE = 20.0
SLOW_SHARE, SLOW_SECONDS = 0.01, 5.0


@dataclass(frozen=True)
class Scene:
    """What goes wrong, and which records more are changed: they are not measured."""

    name: str
    prepare: Callable[[Parties], None]
    extra_ids: Sequence[int] = ()


def nothing(_: Parties) -> None:
    """A good day."""


def failing_key(parties: Parties) -> None:
    """Advoware refuses to write one party, for ever."""
    rule = {"match": {"method": "PUT", "record": str(parties.numbers[0])}, "fault": {"kind": "status", "status": 503}}
    parties.hurt("right", rule)


def slow_calls(parties: Parties) -> None:
    """One call in a hundred, on either side."""
    for side, seed in (("left", 3), ("right", 4)):
        fault = {"kind": "slow", "seconds": SLOW_SECONDS}
        parties.hurt(side, {"probability": SLOW_SHARE, "seed": seed, "fault": fault})


SCENES = (
    Scene("nothing wrong", nothing),
    Scene("one key fails all the time", failing_key, extra_ids=[0]),
    Scene("1 % of the calls take 5 s", slow_calls),
)


def run(grounds: Grounds, card: Card) -> None:
    count = 40 if card.quick else 700
    parties = Parties(grounds)
    parties.make(count + 1)
    ingress = grounds.start(INGRESS)
    worker = grounds.start(WORKER)
    scene(parties, ingress, Scene("warm", nothing), parties.ids[1:30])
    found = {each.name: scene(parties, ingress, each, parties.ids[1:]) for each in SCENES}
    grounds.stop(ingress, worker)
    rows = []
    for name, seconds in found.items():
        rows.append([name, len(seconds), *(1000 * percentile(seconds, share) for share in (0.5, 0.9, 0.99, 1.0))])
    card.table("ms from the webhook's moment to the write's answer", ["scene", "n", "p50", "p90", "p99", "max"], rows)
    p50 = {name: 1000 * percentile(seconds, 0.5) for name, seconds in found.items()}
    good = found[SCENES[0].name]
    card.goals += [
        Goal("p50, 20 changes/s", p50[SCENES[0].name], 180.0, " ms", at_most=True),
        Goal("p99, 20 changes/s", 1000 * percentile(good, 0.99), 500.0, " ms", at_most=True),
    ]
    for each in SCENES[1:]:
        ratio = p50[each.name] / p50[SCENES[0].name]
        card.goals.append(Goal(f"p50 unchanged: {each.name}", ratio, 1.1, " ×", at_most=True))
    card.notes.append(f"The remotes alone are {2000 * CALL_SECONDS:.0f} ms: both reads at once, then the write.")


def scene(parties: Parties, ingress: Running, what: Scene, ids: Sequence[str]) -> list[float]:
    """Seconds from due to written, of the records that are meant to be written."""
    parties.heal()
    parties.change([*ids, *(parties.ids[at] for at in what.extra_ids)])
    what.prepare(parties)
    parties.slow()
    parties.announce([parties.ids[at] for at in what.extra_ids])
    marks = parties.marks()
    began = asyncio.run(send(ingress, [single(each, what.name) for each in ids]))
    numbers = dict(zip(parties.ids, parties.numbers, strict=True))
    wanted = {str(numbers[each]) for each in ids}
    until(lambda: wanted <= written(parties, marks, "right").keys(), 60, f"all is written: {what.name}", pause=0.5)
    done = written(parties, marks, "right")
    until(lambda: {*ids} <= written(parties, marks, "left").keys(), 60, f"all has ended: {what.name}", pause=0.5)
    return [done[str(numbers[each])] - (began + place / RATE) for place, each in enumerate(ids)]


def written(parties: Parties, marks: Marks, side: str) -> dict[str, float]:
    """Record → when its first write was answered, in Unix seconds."""
    done: dict[str, float] = {}
    for row in parties.calls(marks, side, "PUT"):
        if row["status"] == 200:
            done.setdefault(row["record"], row["ended_at"])
    return done


async def send(ingress: Running, webhooks: Sequence[bytes]) -> float:
    """All of them; when the first was due."""
    connections = await connect(ingress.port, 8)
    window = await open_loop(connections, webhooks, RATE, len(webhooks))
    if window.refused:
        raise RuntimeError(f"{window.refused} webhooks were refused")
    for each in connections:
        each.close()
    return window.began_at


if __name__ == "__main__":
    run_command(lambda: command(run, "latency", TITLE))
