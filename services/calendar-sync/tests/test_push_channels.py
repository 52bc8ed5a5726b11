"""Push channels: one lasting one a calendar, renewed before its end, stopped when nobody wants it any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_sync.domain.push import LIFE, RENEW, OpenChannel, Watched, channel_work
from calendar_sync.timers import Duty, DutyLoop, Push, PushUpkeep
from kanzlei.calendar_events import pushed_for
from synckit.errors import RemoteUnavailable
from synckit.testing.clock import FakeClock

SECRET = "s" * 32
NOW = FakeClock().now()


class Table:
    def __init__(self) -> None:
        self.rows: dict[str, OpenChannel] = {}

    async def all(self) -> Sequence[OpenChannel]:
        return list(self.rows.values())

    async def keep(self, channel: OpenChannel) -> None:
        self.rows[channel.channel_id] = channel

    async def forget(self, channel_id: str) -> None:
        del self.rows[channel_id]


class Google:
    """Knows the channels that live, as Google does."""

    def __init__(self) -> None:
        self.alive: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.away_for = ""

    def account_for(self, email: str) -> str:
        return "role@k.example"

    async def watch(self, channel: OpenChannel, url: str, token: str) -> OpenChannel:
        if channel.kuerzel == self.away_for:
            raise RemoteUnavailable("google", "503")
        self.alive[channel.channel_id] = channel.kuerzel
        self.tokens[channel.channel_id] = token
        return replace(channel, resource_id="r")

    async def stop(self, channel: OpenChannel) -> None:
        self.alive.pop(channel.channel_id, None)


class Office:
    def __init__(self, *names: str) -> None:
        self.names = list(names)

    async def watched(self) -> Sequence[Watched]:
        return [Watched(name, f"c-{name}") for name in self.names]


class Stage:
    def __init__(self, *names: str, push: bool = True) -> None:
        self.table, self.google, self.office, self.clock = Table(), Google(), Office(*names), FakeClock()
        self.push = Push("https://k.example/google/push", SECRET) if push else Push()

    def upkeep(self) -> PushUpkeep:
        return PushUpkeep(self.table, self.google, self.office.watched, self.clock, self.push)


async def test_every_calendar_has_one_channel() -> None:
    stage = Stage("AB", "ÄB")
    for _ in range(3):
        await stage.upkeep().carry_out()
    assert sorted(stage.google.alive.values()) == ["AB", "ÄB"]
    for channel_id, token in stage.google.tokens.items():
        assert len(token) <= 256
        assert pushed_for(SECRET, channel_id, token, stage.clock.now()) == stage.google.alive[channel_id]


async def test_it_is_renewed_before_its_end() -> None:
    stage = Stage("AB")
    await stage.upkeep().carry_out()
    (first,) = stage.google.alive
    stage.clock.advance((LIFE - RENEW + timedelta(minutes=1)).total_seconds())
    await stage.upkeep().carry_out()
    assert len(stage.google.alive) == 2, "the old one lives until the new one is there"
    await stage.upkeep().carry_out()
    (second,) = stage.google.alive
    assert second != first


async def test_one_that_nobody_wants_is_stopped() -> None:
    stage = Stage("AB", "CD")
    await stage.upkeep().carry_out()
    stage.office.names = ["CD"]
    await stage.upkeep().carry_out()
    assert list(stage.google.alive.values()) == ["CD"]
    stage.push = Push()
    await stage.upkeep().carry_out()
    assert (stage.google.alive, stage.table.rows) == ({}, {})


async def test_ones_trouble_is_not_anothers() -> None:
    stage = Stage("AB", "CD")
    stage.google.away_for = "AB"
    with pytest.raises(RemoteUnavailable):
        await stage.upkeep().carry_out()
    assert list(stage.google.alive.values()) == ["CD"]
    stage.google.away_for = ""
    await stage.upkeep().carry_out()
    assert sorted(stage.google.alive.values()) == ["AB", "CD"]


channels = st.builds(
    OpenChannel,
    channel_id=st.uuids().map(str),
    kuerzel=st.sampled_from(["AB", "CD"]),
    calendar_id=st.sampled_from(["c-AB", "c-CD"]),
    account=st.just("a"),
    resource_id=st.sampled_from(["", "r"]),
    expires_at=st.integers(-10, 10).map(lambda days: NOW + timedelta(days=days, minutes=1)),
)


@given(st.lists(channels, max_size=6, unique_by=lambda one: one.channel_id), st.sets(st.sampled_from(["AB", "CD"])))
def test_no_calendar_is_ever_without(known: list[OpenChannel], names: set[str]) -> None:
    """A channel is only stopped where another lasts, or where its calendar wants none."""
    watched = [Watched(name, f"c-{name}") for name in names]
    work = channel_work(watched, known, NOW)
    kept = [one for one in known if one not in work.unwanted]
    for one in watched:
        lasting = [each for each in kept if (each.kuerzel, each.calendar_id) == (one.kuerzel, one.calendar_id)]
        if one in work.wanted:
            assert not any(each.lasts(NOW) for each in lasting)
        else:
            assert sum(each.lasts(NOW) for each in lasting) == 1


class Cluster:
    def __init__(self) -> None:
        self.claimed: set[str] = set()

    async def claim(self, name: str, every: timedelta) -> bool:
        fresh = name not in self.claimed
        self.claimed.add(name)
        return fresh

    async def give_back(self, name: str, every: timedelta) -> None:
        self.claimed.discard(name)


async def test_a_duty_is_done_once_and_again_after_a_failure() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)
        if len(done) == 1:
            raise RemoteUnavailable("google", "503")

    cluster, clock = Cluster(), FakeClock()
    loops = [DutyLoop(Duty("push", 900.0, work), cluster, clock) for _ in range(2)]
    assert [await loop.step() for loop in loops] == [False, True]
    assert [await loop.step() for loop in loops] == [False, False]
    assert len(done) == 2
