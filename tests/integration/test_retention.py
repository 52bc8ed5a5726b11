"""What is removed from PostgreSQL, what stays, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from recordsync.postgres.links import PostgresLinkStore
from synckit.errors import StaleVersion
from synckit.ports import Commit, JournalEntry, Link
from synckit.postgres.pool import PostgresPool
from ticker.adapters import retention
from ticker.adapters.retention import LAST_RUN, MARKS_BEFORE, PostgresRetention, RetentionRefused
from ticker.domain.retention import Kept

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEPT = Kept(journal=90 * DAY, operator=400 * DAY, guard=30 * DAY)


class Cellar:
    """A memory of its own: what is counted is all there is."""

    def __init__(self, pool: PostgresPool) -> None:
        self.pool = pool
        self.links = PostgresLinkStore(pool, "beteiligte")
        self.refused: list[bool] = []
        self.retention = PostgresRetention(pool, KEPT, self.refused.append)

    async def lines(self, days_ago: int, step: str = "right.update", count: int = 1) -> None:
        entry = JournalEntry(datetime.now(UTC) - days_ago * DAY, step)
        await self.links.commit(Commit("a", (await self.links.load("a")).fence, NOON, journal=[entry] * count))

    async def steps(self) -> list[tuple[str, int]]:
        rows = await self.pool.fetch("SELECT step, at FROM journal ORDER BY id")
        return [(row["step"], (datetime.now(UTC) - row["at"]).days) for row in rows]

    async def age(self, days: int) -> None:
        """As if so many days had passed since each guard was written."""
        milliseconds = days * 86_400_000
        await self.pool.fetch("UPDATE guard SET fence = fence - ($1::bigint << 20)", milliseconds, writes=True)

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
    await cellar.age(2)
    await cellar.links.load("young")
    await cellar.links.load("old-3")
    await cellar.age(29)
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
    await cellar.age(31)
    assert [(await cellar.retention.carry_out())["guard"] for _ in range(4)] == [4, 4, 1, 0]


async def test_a_record_whose_guard_went_is_looked_at_as_ever_and_its_newest_writer_alone_commits(
    cellar: Cellar,
) -> None:
    await cellar.links.commit(Commit("a", (await cellar.links.load("a")).fence, NOON, link=Link("a", "101")))
    await cellar.age(31)
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
    await cellar.age(31)

    async def sync(left_id: str) -> None:
        fence = (await cellar.links.load(left_id)).fence
        await cellar.links.commit(Commit(left_id, fence, NOON, link=Link(left_id, f"1{left_id}")))

    gone, *_ = await asyncio.gather(cellar.retention.carry_out(), *(sync(f"r-{n:02}") for n in range(0, 60, 2)))
    assert isinstance(gone, dict)
    assert gone["guard"] >= 30
    assert len(await cellar.links.linked([f"1r-{n:02}" for n in range(0, 60, 2)])) == 30


@pytest.mark.parametrize("evidence", [LAST_RUN, MARKS_BEFORE])
async def test_nothing_goes_after_a_leap_of_the_clock(cellar: Cellar, evidence: str) -> None:
    """By 401 days, once: journal and guards stay, the metric says so, and it is over when the clock is right again.

    Code of before left its marks only.
    """
    await cellar.lines(400)
    await cellar.lines(91)
    await cellar.age(401)
    at = (datetime.now(UTC) - 401 * DAY).isoformat()
    last = at if evidence == LAST_RUN else json.dumps([[at, 7]])
    moved = "INSERT INTO cursor (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    await cellar.pool.fetch(moved, evidence, last, writes=True)
    for dry_run in (True, False, False):
        with pytest.raises(RetentionRefused, match="--after-leap"):
            await cellar.retention.carry_out(dry_run=dry_run)
    assert (len(await cellar.steps()), len(await cellar.guards()), cellar.refused) == (2, 1, [True] * 3)
    await cellar.pool.fetch(moved, LAST_RUN, datetime.now(UTC).isoformat(), writes=True)
    assert (await cellar.retention.carry_out())["journal"] == 2
    assert cellar.refused[-1] is False


async def test_a_person_may_say_that_the_time_is_right(cellar: Cellar) -> None:
    await cellar.lines(91)
    at = (datetime.now(UTC) - 30 * DAY).isoformat()
    await cellar.pool.fetch("INSERT INTO cursor (name, value) VALUES ($1, $2)", LAST_RUN, at, writes=True)
    cellar.retention.believe_the_time()
    assert (await cellar.retention.carry_out())["journal"] == 1
    await cellar.lines(91)
    assert (await PostgresRetention(cellar.pool, KEPT).carry_out())["journal"] == 1


async def test_fences_of_a_sequence_alone_stay_until_they_are_surely_old(cellar: Cellar) -> None:
    """They tell no time: they count as taken when the schema began to."""
    await cellar.pool.fetch("INSERT INTO guard VALUES ('beteiligte', 'before', 12345)", writes=True)
    for days, left in ((29, {"before"}), (31, set())):
        since = (datetime.now(UTC) - days * DAY).isoformat()
        await cellar.pool.fetch("DELETE FROM cursor", writes=True)
        timed = "INSERT INTO cursor (name, value) VALUES ('fence.timed_since', $1)"
        await cellar.pool.fetch(timed, since, writes=True)
        await cellar.retention.carry_out()
        assert await cellar.guards() == left
