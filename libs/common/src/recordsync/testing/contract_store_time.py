"""What every LinkStore does about time: it has its own, and believes nobody's later one. Over fake and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from recordsync.testing.parking import park
from synckit.ports import LONGEST_PARKED, Commit, Intent, Link, LinkStore, Parked, SweepStore

YEAR = timedelta(days=365)


async def time_of(links: LinkStore) -> datetime:
    """The store's time, as a load tells it."""
    at = (await links.load("what time is it")).at
    assert at is not None
    return at


class StoreTimeContract:
    """Derive with `make_stores`, as `LinkStoreContract`."""

    async def make_stores(self) -> tuple[LinkStore, SweepStore]:
        """Empty ones, over the same memory."""
        raise NotImplementedError

    async def test_a_load_tells_the_stores_time(self) -> None:
        links, _ = await self.make_stores()
        first = await time_of(links)
        assert first.utcoffset() == timedelta(0)
        assert await time_of(links) >= first

    async def test_the_store_says_when_an_intent_was_declared(self) -> None:
        """Whatever the clock of the worker that declares it says."""
        links, _ = await self.make_stores()
        before = await time_of(links)
        for left_id, told in (("late", before + YEAR), ("early", before - YEAR)):
            await links.declare(Intent(left_id, {"name": "x"}, told), (await links.load(left_id)).fence)
            found = (await links.load(left_id)).intent
            assert found is not None
            assert before <= found.declared_at <= await time_of(links)

    async def test_no_look_ends_in_the_future(self) -> None:
        links, sweep = await self.make_stores()
        now = await time_of(links)
        link = Link("a", "101")
        await links.commit(Commit("a", (await links.load("a")).fence, now, link=link, looked_at=now + YEAR))
        state = await links.load("a")
        assert state.looked_at is not None
        assert state.at is not None
        assert now <= state.looked_at <= state.at
        await links.commit(Commit("a", state.fence, now, looked_at=now + YEAR))
        assert list(await sweep.not_looked_at_since(await time_of(links) + timedelta(seconds=1), 10)) == ["a"]

    async def test_a_record_parked_for_longer_than_any_is_due(self) -> None:
        links, sweep = await self.make_stores()
        now = await time_of(links)
        day = Parked("day", 6, now + timedelta(hours=24), "reason")
        await park(links, day)
        await park(links, replace(day, left_id="year", due_at=now + YEAR))
        assert timedelta(hours=24) < LONGEST_PARKED
        assert list(await sweep.due(now, 10)) == ["year"]
