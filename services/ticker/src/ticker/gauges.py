"""Numbers that nobody counts as they change: read every few seconds, and shown by every replica.

One whose owner forgets it would stay for ever; so all replicas read, and a rule takes the greatest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from kanzlei.office_hours import OfficeHours
from synckit.ports import BrakeState, Clock
from ticker import metrics
from ticker.consultations import DueLists, overdue
from ticker.domain.census import Census
from ticker.timers import guarded


class Brakes(Protocol):
    """What our memory has of the brake for sweeps."""

    async def states(self) -> Sequence[BrakeState]: ...


class Counting(Protocol):
    """`ticker.adapters.census.PostgresCensus`."""

    async def take(self) -> Census: ...


class Letters(Protocol):
    """Dead letters that nobody has settled."""

    async def open_by_topic(self) -> Collection[tuple[str, int]]: ...


@dataclass(frozen=True, slots=True)
class Gauge:
    """`show` reads and sets. One that fails leaves the numbers as they were; the log says so."""

    name: str
    show: Callable[[], Awaitable[object]]
    clock: Clock
    seconds: float

    async def forever(self) -> None:
        while True:
            await guarded(self.name, "show", self.show)
            await self.clock.sleep(self.seconds)


async def show_brakes(brakes: Brakes) -> int:
    """How the sources stand; answers how many are held."""
    states = await brakes.states()
    for each in states:
        metrics.brake(each.source, is_engaged=each.engaged_at is not None, waiting=each.held)
    return sum(each.engaged_at is not None for each in states)


async def show_overdue(lists: DueLists, hours: OfficeHours, clock: Clock) -> None:
    """How long the Erstgespräch that is due longest has waited."""
    metrics.overdue((await overdue(lists, hours, clock.now())).total_seconds())


async def show_census(counting: Counting) -> None:
    """What is linked, parked, not looked at and not told."""
    metrics.census(await counting.take())


async def show_letters(letters: Letters) -> None:
    """Dead letters that are open."""
    metrics.letters(dict(await letters.open_by_topic()))
