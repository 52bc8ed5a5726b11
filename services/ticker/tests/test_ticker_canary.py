"""The canary: one record in step, the whole way round, once in the cluster; late is seen while it is late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from synckit.errors import RemoteUnavailable
from synckit.events import Record, decode
from synckit.service.metrics import REGISTRY
from synckit.testing.clock import FakeClock
from ticker.canary import POLL_SECONDS, Canary

SECONDS = 300.0


def gauge(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Sky:
    """A record that is looked at so many polls after its event came; never without an event."""

    def __init__(self, clock: FakeClock, *, polls: int, left_id: str | None = "p1") -> None:
        self.clock, self.polls, self.left_id = clock, polls, left_id
        self.first = clock.now() - timedelta(hours=3)
        self.sent: list[Record] = []

    async def one(self) -> str | None:
        return self.left_id

    async def looked_at(self, left_id: str) -> datetime | None:
        assert left_id == self.left_id
        self.polls -= bool(self.sent)
        return self.clock.now() if self.sent and self.polls < 0 else self.first

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        assert topic == "vmh.beteiligte"
        self.sent += records

    async def claim(self, name: str, every: timedelta) -> bool:
        return (name, every) == ("canary", timedelta(seconds=SECONDS))

    async def give_back(self, name: str, every: timedelta) -> None:
        raise AssertionError(name)

    def canary(self) -> Canary:
        return Canary(self, self, self, self.clock, SECONDS)


async def test_it_comes_back_and_says_what_it_took() -> None:
    sky = Sky(FakeClock(), polls=4)
    assert await sky.canary().fly() == "back"
    assert gauge("sync_canary_seconds") == 4 * POLL_SECONDS
    assert gauge("sync_canary_last_success_timestamp_seconds") == sky.clock.now().timestamp()
    (record,) = sky.sent
    event = decode(record.key, record.value, record.headers)
    assert (event.entity, event.entity_id, event.action) == ("beteiligte", "p1", "sync_check")


async def test_a_late_one_grows_and_ends_before_the_next() -> None:
    clock = FakeClock()
    began = clock.monotonic()
    success = gauge("sync_canary_last_success_timestamp_seconds")
    assert await Sky(clock, polls=10**6).canary().fly() == "late"
    assert gauge("sync_canary_seconds") >= SECONDS - 2 * POLL_SECONDS
    assert clock.monotonic() - began <= SECONDS + POLL_SECONDS
    assert gauge("sync_canary_last_success_timestamp_seconds") == success


async def test_an_office_without_records_sends_nothing() -> None:
    sky = Sky(FakeClock(), polls=0, left_id=None)
    assert await sky.canary().fly() == "no_record"
    assert sky.sent == []


async def test_a_broker_that_is_away_is_counted_and_ends_nothing() -> None:
    class Away(Sky):
        async def publish(self, topic: str, records: Sequence[Record]) -> None:
            raise RemoteUnavailable("kafka", "away")

    class Enough(Exception):
        pass

    class TwoRounds(FakeClock):
        rounds = 0

        async def sleep(self, seconds: float) -> None:
            self.rounds += 1
            if self.rounds == 2:
                raise Enough
            await super().sleep(seconds)

    before = gauge("sync_canary_runs_total", outcome="failed")
    try:
        await Away(TwoRounds(), polls=0).canary().forever()
    except Enough:
        assert gauge("sync_canary_runs_total", outcome="failed") == before + 2
