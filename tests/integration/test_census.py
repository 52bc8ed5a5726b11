"""What the ticker counts of our memory, against the real tables: each row in one number, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from synckit.postgres.pool import PostgresPool
from ticker.adapters.census import PostgresCanaries, PostgresCensus, rested
from ticker.domain.census import Census

pytestmark = pytest.mark.stack
TABLES = "TRUNCATE link, parked, pending_note, brake_event"


@pytest.fixture
async def pool(migrated_database: str, postgres_pool: PostgresPool) -> AsyncIterator[PostgresPool]:
    await postgres_pool.fetch(TABLES)
    yield postgres_pool
    await postgres_pool.fetch(TABLES)


async def link(pool: PostgresPool, left_id: str, *, hours: float = 0.0, tombstone: str = "", made: int = 0) -> None:
    looked_at = datetime.now(UTC) - timedelta(hours=hours)
    created_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=made)
    await pool.fetch(
        "INSERT INTO link (entity, left_id, right_id, fence, looked_at, created_at, updated_at, tombstone) "
        "VALUES ('beteiligte', $1, $1, 1, $2, $3, $3, $4)",
        left_id,
        looked_at,
        created_at,
        tombstone,
        writes=True,
    )


async def park(pool: PostgresPool, left_id: str, reason: str, attempts: int, minutes_ago: float) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    await pool.fetch(
        "INSERT INTO parked (entity, left_id, attempts, due_at, reason, message, parked_at) "
        "VALUES ('beteiligte', $1, $2, $3, $4, '', $3)",
        left_id,
        attempts,
        at,
        reason,
        writes=True,
    )


async def test_an_empty_memory_counts_nothing(pool: PostgresPool) -> None:
    assert await PostgresCensus(pool, timedelta(hours=24)).take() == Census()


async def test_each_row_is_in_one_number(pool: PostgresPool) -> None:
    await link(pool, "a")
    await link(pool, "b", hours=30)
    await link(pool, "c", hours=30, tombstone="deleted")
    await park(pool, "a", "locked", 1, minutes_ago=2)
    await pool.fetch(
        "INSERT INTO pending_note (entity, left_id, cause, note) VALUES ('beteiligte', 'a', 'x', '{}')", writes=True
    )
    taken = await PostgresCensus(pool, timedelta(hours=24)).take()
    assert taken.records == {("beteiligte", "linked"): 2, ("beteiligte", "tombstone"): 1}
    assert taken.unlooked == {"beteiligte": 1}
    assert taken.parked == {("beteiligte", "locked"): 1}
    assert taken.notes == {"beteiligte": 1}
    assert 120 <= taken.waiting_seconds["beteiligte"] < 180


@pytest.mark.parametrize(("attempts", "before_minutes"), [(0, 0), (1, 0), (3, 6), (6, 321), (7, 1761), (9, 4641)])
async def test_the_tries_before_count_as_waiting(pool: PostgresPool, attempts: int, before_minutes: int) -> None:
    """The row knows only its last try; a record that fails for days must not look young."""
    await park(pool, "a", "remote_unavailable", attempts, minutes_ago=1)
    taken = await PostgresCensus(pool, timedelta(hours=24)).take()
    assert 0 <= taken.waiting_seconds["beteiligte"] - 60 * (before_minutes + 1) < 60


async def test_a_held_record_waits_since_its_first_suspicion(pool: PostgresPool) -> None:
    await park(pool, "a", "brake", 0, minutes_ago=1)
    await pool.fetch(
        "INSERT INTO brake_event (source, entity, left_id, loss, digest, first_at, at) "
        "VALUES ('advoware', 'beteiligte', 'a', 'blank', '', now() - interval '3 hours', now())",
        writes=True,
    )
    taken = await PostgresCensus(pool, timedelta(hours=24)).take()
    assert 10_800 <= taken.waiting_seconds["beteiligte"] < 10_900


async def test_the_canary_is_the_record_linked_longest(pool: PostgresPool) -> None:
    canaries = PostgresCanaries(pool, "beteiligte")
    assert await canaries.one() is None
    await link(pool, "young", made=9)
    await link(pool, "gone", made=1, tombstone="deleted")
    await link(pool, "waiting", made=2)
    await park(pool, "waiting", "locked", 1, minutes_ago=1)
    await link(pool, "old", made=5)
    assert await canaries.one() == "old"
    assert await PostgresCanaries(pool, "beteiligte", "young").one() == "young"
    looked_at = await canaries.looked_at("old")
    assert looked_at is not None
    assert await canaries.looked_at("nobody") is None


def test_the_rests_are_those_of_the_retries() -> None:
    assert rested() == [0, 60, 360, 1260, 4860, 19260, 105660]
