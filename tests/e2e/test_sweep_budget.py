"""Ten thousand unchanged records and the ticker's looks over them: real lists, real PostgreSQL, calls counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from recordsync.postgres.sweep import PostgresSweepStore
from recordsync.testing.memory import FakePublisher
from sandbox.espocrm.settings import API_USER_ID
from synckit.postgres.pool import PostgresPool
from tests.e2e.budgets import SWEEP_CALLS, SWEEP_RECORDS
from tests.e2e.rig import Rig, rig
from ticker.adapters.lists import AdvowareLists, EspoLists
from ticker.domain.entities import BY_NAME
from ticker.handlers import (
    ChangedAtDesk,
    Emitter,
    Look,
    Modified,
    NotLookedAt,
    ParkedAndDue,
    RowsAtDesk,
    WaitingStates,
)

ADRESSEN = BY_NAME["adressen"]
BANKVERBINDUNGEN = BY_NAME["bankverbindungen"]

pytestmark = pytest.mark.stack
OVERLAP = timedelta(minutes=2)
SEEDED_AT_ONCE = 1000
PER_SECOND = 10


@pytest.fixture
async def desk(postgres_pool: PostgresPool, redis_client: Redis) -> AsyncIterator[Rig]:
    async with rig(postgres_pool, redis_client) as made:
        yield made


class OwnCursors(PostgresSweepStore):
    """Cursors of this test alone: their names are global."""

    def __init__(self, pool: PostgresPool, entity: str) -> None:
        super().__init__(pool, entity)
        self._prefix = entity

    async def cursor(self, name: str) -> str | None:
        return await super().cursor(f"{self._prefix}.{name}")

    async def move_cursor(self, name: str, value: str) -> None:
        await super().move_cursor(f"{self._prefix}.{name}", value)


async def test_a_sweep_over_ten_thousand_unchanged_records_stays_within_its_calls(
    desk: Rig, postgres_pool: PostgresPool
) -> None:
    await in_step(desk, postgres_pool)
    publisher = FakePublisher()
    emitter = Emitter(publisher, desk.clock)
    first, told = await swept(desk, emitter, OwnCursors(postgres_pool, desk.memory))
    assert told == {
        "waiting_state": 0,
        "modified": SWEEP_RECORDS,
        "not_looked_at": 0,
        "parked": 0,
        "desk": SWEEP_RECORDS,
        "rows": SWEEP_RECORDS,
    }
    desk.clock.advance(900)
    second, _ = await swept(desk, emitter, OwnCursors(postgres_pool, desk.memory))
    assert max(first, second) <= SWEEP_CALLS
    assert publisher.sent == [], "nothing was worth an event"

    await desk.advo.change(await one_party(desk), zusatz="c/o Probe")
    await swept(desk, emitter, OwnCursors(postgres_pool, desk.memory))
    assert len(publisher.sent) == 1, "what was changed is found among them"

    (party,) = await desk.advo.named("Probe 00011")
    row = {"kommKz": 1, "tlf": "0711 12345"}
    await desk.advo.ask("POST", f"/_sandbox/desk/beteiligte/{party}/kommunikation", row)
    await swept(desk, emitter, OwnCursors(postgres_pool, desk.memory))
    assert len({record.key for _, record in publisher.sent}) == 2, "so is a number that was typed at a desk"


async def one_party(desk: Rig) -> int:
    return (await desk.advo.named("Probe 00007"))[0]


async def in_step(desk: Rig, pool: PostgresPool) -> None:
    """Linked records that all were written a moment ago, by us: the dearest way of being unchanged."""
    names = [f"Probe {number:05d}" for number in range(SWEEP_RECORDS)]
    await desk.advo.ask("POST", "/_sandbox/desk/beteiligte", {"items": [{"name": name} for name in names]})
    parties = {party["name"]: party for party in (await desk.advo.ask("GET", "/_sandbox/desk/beteiligte"))["list"]}
    oldest = desk.clock.now().replace(microsecond=0) - timedelta(seconds=SWEEP_RECORDS // PER_SECOND)
    rows = [_row(number, name, parties[name], oldest) for number, name in enumerate(names)]
    for start in range(0, len(rows), SEEDED_AT_ONCE):
        await desk.espo.ask("POST", "/_sandbox/state", {"CBeteiligte": rows[start : start + SEEDED_AT_ONCE]})
    await _remember(desk, pool, rows)


def _row(number: int, name: str, party: dict[str, Any], oldest: datetime) -> dict[str, Any]:
    changed_at = (oldest + timedelta(seconds=number // PER_SECOND)).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "id": f"5b{number:015x}",
        "lastName": name,
        "betnr": party["betNr"],
        "advowareRowId": party["rowId"],
        "syncStatus": "clean",
        "createdAt": changed_at,
        "modifiedAt": changed_at,
        "modifiedById": API_USER_ID,
    }


async def _remember(desk: Rig, pool: PostgresPool, rows: Sequence[dict[str, Any]]) -> None:
    """The links, as syncs of these records would have left them."""
    now = desk.clock.now()
    await pool.fetch(
        "INSERT INTO link (entity, left_id, right_id, right_version, left_changed_at, fence, looked_at, created_at,"
        " updated_at) SELECT $1, l, r, v, c, 1, $2, $2, $2 FROM unnest($3::text[], $4::text[], $5::text[],"
        " $6::timestamptz[]) AS each (l, r, v, c)",
        desk.memory,
        now,
        [row["id"] for row in rows],
        [str(row["betnr"]) for row in rows],
        [row["advowareRowId"] for row in rows],
        [datetime.fromisoformat(row["modifiedAt"]).replace(tzinfo=UTC) for row in rows],
        writes=True,
    )


async def swept(desk: Rig, emitter: Emitter, store: PostgresSweepStore) -> tuple[int, dict[str, int]]:
    """All looks once. How many calls that were, and how many rows each look saw."""
    left, right, clock = EspoLists(desk.client), AdvowareLists(desk.parties), desk.clock
    looks: list[Look] = [
        WaitingStates(left, clock, stale_syncing=timedelta(minutes=10)),
        Modified(left, store, clock, overlap=OVERLAP),
        NotLookedAt(store, clock, age=timedelta(hours=24), limit=50),
        ParkedAndDue(store, clock),
        ChangedAtDesk(right, store, clock, overlap=OVERLAP, limit=1000),
        RowsAtDesk(right, store, {ADRESSEN: store, BANKVERBINDUNGEN: store}),
    ]
    left_since, right_since = await desk.espo.last_call(), await desk.advo.last_call()
    told = {look.name: (await emitter.carry_out(look)).seen for look in looks}
    calls = await desk.espo.calls(caller=desk.espo.api_user, since=left_since)
    calls += await desk.advo.calls(path="/advonet/", since=right_since)
    return len(calls), told
