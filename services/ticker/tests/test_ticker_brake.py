"""The gauges by which people learn that a source is held."""

from __future__ import annotations

from collections.abc import Sequence

from synckit.errors import RemoteUnavailable
from synckit.ports import BrakeState
from synckit.service.metrics import REGISTRY
from synckit.testing.clock import FakeClock
from ticker.gauges import show_brakes
from ticker.timers import guarded

CLOCK = FakeClock()


class Brakes:
    def __init__(self, *states: BrakeState) -> None:
        self.told = states

    async def states(self) -> Sequence[BrakeState]:
        if not self.told:
            raise RemoteUnavailable("postgres", "away")
        return self.told


def gauge(name: str, source: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"source": source})


async def test_a_held_source_and_what_waits_for_it_are_shown_and_gone_when_it_is_over() -> None:
    held = BrakeState("advoware", engaged_at=CLOCK.now(), held=7)
    assert await show_brakes(Brakes(held, BrakeState("espocrm"))) == 1
    assert (gauge("sync_brake_engaged", "advoware"), gauge("sync_brake_waiting_records", "advoware")) == (1, 7)
    assert gauge("sync_brake_engaged", "espocrm") == 0
    await show_brakes(Brakes(BrakeState("advoware")))
    assert (gauge("sync_brake_engaged", "advoware"), gauge("sync_brake_waiting_records", "advoware")) == (0, 0)


async def test_a_database_that_is_away_ends_nothing() -> None:
    assert await guarded("brake", "states", lambda: show_brakes(Brakes())) is None
