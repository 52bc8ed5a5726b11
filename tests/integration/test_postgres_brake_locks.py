"""The brake's tables under contention: whoever takes a record out and whoever releases its source lock in one order."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest

from deploy.local.waiting import in_time
from recordsync.postgres.brake import PostgresBrake, PostgresBrakes
from recordsync.postgres.links import PostgresLinkStore
from synckit.ports import BRAKED, Commit, Parked, Suspicion
from synckit.postgres.pool import PostgresPool
from synckit.reconcile.brake import BrakeLimits, Loss
from synckit.reconcile.plan import Side

pytestmark = pytest.mark.stack
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIMITS = BrakeLimits()
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"


async def test_a_release_waits_for_a_look_that_takes_its_record_out_and_both_succeed(
    postgres_pool: PostgresPool, migrated_database: str
) -> None:
    entity, scope = f"entity-{uuid.uuid4().hex}", f"{uuid.uuid4().hex[:8]}-"
    links = PostgresLinkStore(postgres_pool, entity)
    state = await links.load("a")
    await PostgresBrake(postgres_pool, entity, scope).count(Suspicion(Side.RIGHT, "a", Loss.GONE, NOON), LIMITS)
    # Parked for a source of this test's own, so that nothing of other tests is released.
    source = f"advoware-{entity}"
    await links.commit(Commit("a", state.fence, NOON, park=Parked("a", 0, NOON, BRAKED, source)))
    await postgres_pool.fetch(
        "UPDATE brake_event SET source = $2 WHERE entity = $1", entity, scope + source, writes=True
    )
    look = await asyncpg.connect(migrated_database)
    try:
        async with look.transaction():
            # As a look that unparks: its row first, and only then, by the trigger, what is suspected of it.
            await look.fetch("SELECT FROM parked WHERE entity = $1 AND left_id = 'a' FOR UPDATE", entity)
            release = asyncio.create_task(
                PostgresBrakes(postgres_pool, scope).release(source, "anna@desk", NOON, LIMITS.window)
            )
            async with in_time():
                while not await look.fetchval(WAITING):
                    pass  # The question itself is the pause.
            await look.execute("DELETE FROM parked WHERE entity = $1 AND left_id = 'a'", entity)
        assert await release == 0
    finally:
        await look.close()
    assert (await links.load("a")).parked is None


async def test_whose_row_id_it_is_is_found_by_an_index(postgres_pool: PostgresPool) -> None:
    plan = await postgres_pool.fetch(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'link' AND indexdef LIKE '%(entity, right_version)%'"
    )
    assert len(plan) == 1
