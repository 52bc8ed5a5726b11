"""What is removed from PostgreSQL, what stays, and that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from synckit.adapters.postgres.links import PostgresLinkStore
from synckit.adapters.postgres.pool import PostgresPool
from synckit.errors import StaleVersion
from synckit.ports import Commit, JournalEntry, Link
from synckit.testing.clock import FakeClock
from ticker.adapters import retention
from ticker.adapters.retention import PostgresRetention
from ticker.domain.retention import Kept

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = Kept(journal=90 * DAY, operator=400 * DAY, guard=30 * DAY)


class Cellar:
    """A memory of its own: what is counted is all there is."""

    def __init__(self, pool: PostgresPool) -> None:
        self.pool = pool
        self.clock = FakeClock(NOON)
        self.links = PostgresLinkStore(pool, "beteiligte")
        self.retention = PostgresRetention(pool, self.clock, KEPT)

    async def lines(self, days_ago: int, step: str = "right.update", count: int = 1) -> None:
        entry = JournalEntry(self.clock.now() - days_ago * DAY, step)
        await self.links.commit(Commit("a", (await self.links.load("a")).fence, NOON, journal=[entry] * count))

    async def steps(self) -> list[tuple[str, int]]:
        rows = await self.pool.fetch("SELECT step, at FROM journal ORDER BY id")
        return [(row["step"], (self.clock.now() - row["at"]).days) for row in rows]

    async def guards(self) -> set[str]:
        return {row["left_id"] for row in await self.pool.fetch("SELECT left_id FROM guard")}


@pytest.fixture
async def cellar(migrated_database: str, postgres_pool: PostgresPool) -> AsyncIterator[Cellar]:
    await postgres_pool.fetch("TRUNCATE journal, guard, link, cursor")
    yield Cellar(postgres_pool)
    await postgres_pool.fetch("TRUNCATE journal, guard, link, cursor")


async def test_old_lines_of_the_journal_go_and_what_a_person_did_stays_longer(cellar: Cellar) -> None:
    for days in (500, 91, 89, 0):
        await cellar.lines(days)
        await cellar.lines(days, "operator_forget_link")
    assert (await cellar.retention.carry_out(dry_run=True))["journal"] == 3
    assert len(await cellar.steps()) == 8
    assert (await cellar.retention.carry_out())["journal"] == 3
    assert [days for step, days in await cellar.steps() if step == "right.update"] == [89, 0]
    assert [days for step, days in await cellar.steps() if step.startswith("operator_")] == [91, 89, 0]
    assert (await cellar.retention.carry_out())["journal"] == 0


async def test_many_lines_go_page_by_page_and_behind_those_that_stay(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 10)
    await cellar.lines(100, "operator_sync_now", count=25)
    await cellar.lines(100, count=95)
    await cellar.lines(1, count=25)
    assert (await cellar.retention.carry_out())["journal"] == 95
    assert len(await cellar.steps()) == 50


async def test_guards_of_records_that_nobody_looked_at_go_after_their_days(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 2)
    for number in range(5):
        await cellar.links.load(f"old-{number}")
    await cellar.retention.carry_out()
    cellar.clock.advance(DAY.total_seconds())
    await cellar.links.load("young")
    await cellar.links.load("old-3")
    cellar.clock.advance(29 * DAY.total_seconds())
    assert (await cellar.retention.carry_out(dry_run=True))["guard"] == 4
    assert (await cellar.retention.carry_out())["guard"] == 4
    assert await cellar.guards() == {"young", "old-3"}


async def test_a_run_that_ends_before_all_guards_are_seen_is_gone_on_with(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PAGE", 2)
    monkeypatch.setattr(retention, "MOST_PAGES", 2)
    for number in range(9):
        await cellar.links.load(f"old-{number}")
    await cellar.retention.carry_out()
    cellar.clock.advance(30 * DAY.total_seconds())
    assert [(await cellar.retention.carry_out())["guard"] for _ in range(4)] == [4, 4, 1, 0]


async def test_a_record_whose_guard_went_is_looked_at_as_ever_and_its_newest_writer_alone_commits(
    cellar: Cellar,
) -> None:
    await cellar.links.commit(Commit("a", (await cellar.links.load("a")).fence, NOON, link=Link("a", "101")))
    await cellar.retention.carry_out()
    cellar.clock.advance(31 * DAY.total_seconds())
    await cellar.retention.carry_out()
    assert await cellar.guards() == set()
    older, newer = (await cellar.links.load("a")).fence, (await cellar.links.load("a")).fence
    with pytest.raises(StaleVersion):
        await cellar.links.commit(Commit("a", older, NOON, link=Link("a", "102")))
    await cellar.links.commit(Commit("a", newer, NOON, link=Link("a", "103")))
    assert (await cellar.links.load("a")).link == Link("a", "103")


async def test_records_are_synced_while_old_guards_go(cellar: Cellar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 5)
    for number in range(60):
        await cellar.links.load(f"r-{number:02}")
    await cellar.retention.carry_out()
    cellar.clock.advance(30 * DAY.total_seconds())

    async def sync(left_id: str) -> None:
        fence = (await cellar.links.load(left_id)).fence
        await cellar.links.commit(Commit(left_id, fence, NOON, link=Link(left_id, f"1{left_id}")))

    gone, *_ = await asyncio.gather(cellar.retention.carry_out(), *(sync(f"r-{n:02}") for n in range(0, 60, 2)))
    assert isinstance(gone, dict)
    assert gone["guard"] >= 30
    assert len(await cellar.links.linked([f"1r-{n:02}" for n in range(0, 60, 2)])) == 30
