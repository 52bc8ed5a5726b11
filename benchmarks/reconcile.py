"""Plans per second on one core: both payloads read by the mapping, the three-way merge, the patches of its writes."""

from __future__ import annotations

import cProfile
import random
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.command import command
from benchmarks.grounds import Grounds
from benchmarks.profiles import profile_of
from benchmarks.report_card import FOLDER, Card, Goal
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from synckit.command import run_command
from synckit.reconcile.plan import Base, Side
from synckit.reconcile.three_way import Seen, reconcile

TITLE = "Reconcile: plans per second, mapping included"

LEFT: dict[str, Any] = {
    "rechtsform": "",
    "lastName": "Mustermann",
    "firstName": "Erika",
    "salutationName": "Frau",
    "titel": "Dr.",
    "briefAnrede": "Sehr geehrte Frau Dr. Mustermann,",
    "zusatz": "",
    "dateOfBirth": "1980-02-03",
    "geburtsname": "Muster",
    "familienstand": "verheiratet",
    "handelsregisterNummer": None,
    "registergericht": None,
    "firmenname": None,
}
RIGHT: dict[str, Any] = {
    "rechtsform": "natürliche Person",
    "name": "Mustermann",
    "vorname": "Erika",
    "anrede": "Frau",
    "titel": "Dr.",
    "bAnrede": "Sehr geehrte Frau Dr. Mustermann,",
    "zusatz": "",
    "geburtsdatum": "1980-02-03T00:00:00",
    "geburtsname": "Muster",
    "familienstand": "verheiratet",
    "handelsRegisterNummer": None,
    "registergericht": None,
}
CHANGES = {"nothing changed": 0, "one field changed": 1, "three fields changed, one on both sides": 3}


@dataclass(frozen=True)
class Case:
    """One record as a look sees it."""

    base: Base
    left: dict[str, Any]
    right: dict[str, Any]


def cases(changes: int, count: int) -> list[Case]:
    """Records of different people, of which so many fields differ from the base."""
    chance = random.Random(changes)
    made = []
    for number in range(count):
        name = f"Mustermann-{chance.randrange(100_000)}"
        left, right = {**LEFT, "lastName": name}, {**RIGHT, "name": name}
        base = Base(BETEILIGTE.read(Side.LEFT, left), BETEILIGTE.read(Side.RIGHT, right))
        if changes:
            left["zusatz"] = f"c/o {number}"
        if changes > 1:
            left["firstName"] = f"Erika {number}"
            left["titel"], right["titel"] = "Prof.", "Prof. Dr."
        made.append(Case(base, left, right))
    return made


def plan(case: Case) -> int:
    """What the engine does with a pair that it has read."""
    left, right = BETEILIGTE.read(Side.LEFT, case.left), BETEILIGTE.read(Side.RIGHT, case.right)
    made = reconcile(case.base, Seen(left), Seen(right), BETEILIGTE.policies)
    to_right = BETEILIGTE.patch(Side.RIGHT, right, made.right_writes)
    to_left = BETEILIGTE.patch(Side.LEFT, left, made.left_writes)
    return len(to_right) + len(to_left)


def rates(changes: int, seconds: float, windows: int) -> list[float]:
    """Plans per second of CPU time."""
    pool = cases(changes, 500)
    found = []
    for _ in range(windows):
        done, began = 0, time.process_time()
        while time.process_time() - began < seconds:
            for case in pool:
                plan(case)
            done += len(pool)
        found.append(done / (time.process_time() - began))
    return found


def run(_: Grounds, card: Card) -> None:
    seconds, windows = (0.05, 3) if card.quick else (0.5, 9)
    found = {what: median(rates(changes, seconds, windows)) for what, changes in CHANGES.items()}
    card.table(
        f"Plans per second of one core ({len(BETEILIGTE.fields)} fields)",
        ["case", "plans/s", "µs"],
        [[what, rate, 1e6 / rate] for what, rate in found.items()],
    )
    for what, rate in found.items():
        if what != "three fields changed, one on both sides":
            card.goals.append(Goal(f"plans/s, {what}", rate, 20_000.0))
    card.notes.append(f"The table of Beteiligte has {len(BETEILIGTE.fields)} fields today; the goal was set for 15.")
    path = FOLDER / "reconcile.prof"
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = cProfile.Profile()
    profile.runcall(rates, 1, 0.2 if card.quick else 1.0, 1)
    profile.dump_stats(path)
    card.profiles.append(profile_of(path, "Where a plan's time goes (one field changed)"))


if __name__ == "__main__":
    run_command(lambda: command(run, "reconcile", TITLE))
