"""Twelve lies of each remote, with the real adapters: the other side loses nothing, and all is well when they end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from demo.remotes import Linked
from recordsync import EngineSettings
from recordsync.memory.look import RELEASED
from recordsync.postgres.brake import PostgresBrakes
from sandbox.espocrm.lies import LIES
from synckit.errors import SyncError
from synckit.ports import BRAKED, Commit
from synckit.postgres.pool import PostgresPool
from synckit.reconcile.brake import BrakeLimits
from tests.e2e.rig import Rig, rig

pytestmark = pytest.mark.stack
LIMITS = BrakeLimits()
RETRY = LIMITS.retry.total_seconds() + 1
SHOWN_STATE = {
    "syncStatus",
    "syncErrorMessage",
    "syncRetryCount",
    "syncNextRetry",
    "advowareLastSync",
    "advowareRowId",
    "betnr",
    "modifiedAt",
    "modifiedById",
}
NAMES = ("Ahorn", "Birke", "Eiche", "Fichte", "Linde", "Tanne", "Ulme", "Weide")
each_lie = pytest.mark.parametrize("lie", sorted(LIES))


class Office:
    """A rig whose three clocks go together, and what each side holds."""

    def __init__(self, desk: Rig, brakes: PostgresBrakes) -> None:
        self.desk = desk
        self.brakes = brakes
        self.people: list[Linked] = []

    async def pass_time(self, seconds: float) -> None:
        self.desk.clock.advance(seconds)
        await self.desk.espo.ask("POST", "/_sandbox/clock", {"now": f"{self.desk.clock.now():%Y-%m-%d %H:%M:%S}"})

    async def enter(self, count: int = 3) -> Sequence[Linked]:
        """People that both sides know, and that we have seen since."""
        await self.pass_time(0)
        for name in NAMES[:count]:
            values = {"titel": f"Dr. {name}", "dateOfBirth": "1980-02-29", "zusatz": f"c/o {name}"}
            self.people.append(await self.desk.linked(firstName="Paula", lastName=name, **values))
        await self.pass_time(60)
        await self.look()
        await self.pass_time(60)
        return self.people

    async def look(self) -> list[str]:
        """One look at each; what they came to, "" for a remote that is out of order."""
        results = []
        for linked in self.people:
            try:
                results.append((await self.desk.sync(linked)).result)
            except SyncError:
                results.append("")
        return results

    async def lie(self, side: str, lie: str | None) -> None:
        if side == "advoware":
            await self.desk.advo.ask("POST", "/_sandbox/switches", {"lie": lie})
        else:
            await self.desk.espo.ask("POST", "/_sandbox/lie", {"lie": lie})

    async def held(self) -> list[dict[str, Any]]:
        """What both sides hold, as people see it, without the state of the sync."""
        left = [await self.desk.espo.record(linked.left) for linked in self.people]
        right = [await self.desk.advo.party(linked.right) for linked in self.people]
        return [{k: v for k, v in row.items() if k not in SHOWN_STATE} for row in (*left, *right)]

    async def statuses(self) -> set[str]:
        return {str((await self.desk.espo.record(linked.left))["syncStatus"]) for linked in self.people}

    async def writes_to_advoware(self, since: int) -> int:
        calls = await self.desk.advo.calls(since=since)
        return sum(call["method"] != "GET" for call in calls if "Token" not in call["path"])

    async def deletions(self) -> int:
        """Records that say that they were deleted in Advoware."""
        left = [await self.desk.espo.record(linked.left) for linked in self.people]
        return sum(row["syncStatus"] == "deleted_in_advoware" for row in left)

    async def waiting(self) -> int:
        states = [await self.desk.links.load(linked.left) for linked in self.people]
        return sum(state.parked is not None and state.parked.reason == BRAKED for state in states)


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """Each field that is not as it was: a failure says which, and not two long lists."""
    assert len(before) == len(after)
    return [
        (name, one.get(name), other.get(name))
        for one, other in zip(before, after, strict=True)
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]


@asynccontextmanager
async def opened(pool: PostgresPool, redis: Redis, settings: EngineSettings | None = None) -> AsyncIterator[Office]:
    async with rig(pool, redis, settings=settings) as desk:
        yield Office(desk, PostgresBrakes(pool, f"{desk.memory}-"))


@pytest.fixture
async def office(postgres_pool: PostgresPool, redis_client: Redis) -> AsyncIterator[Office]:
    async with opened(postgres_pool, redis_client) as made:
        yield made


async def news_against(office: Office, side: str) -> None:
    """An old snapshot is only old once something was changed and synced after it."""
    for linked in office.people:
        if side == "advoware":
            await office.desk.espo.change(linked.left, lastName=f"Neu{linked.right}", zusatz="")
        else:
            await office.desk.advo.change(linked.right, name=f"Neu{linked.right}", zusatz="")
    await office.pass_time(60)
    await office.look()
    await office.pass_time(60)


@each_lie
@pytest.mark.parametrize("side", ["advoware", "espocrm"])
async def test_a_lie_of_one_side_takes_nothing_from_the_other_and_all_is_in_step_when_it_ends(
    office: Office, side: str, lie: str
) -> None:
    await office.enter()
    await office.lie(side, lie)
    if lie == "old_snapshot":
        await news_against(office, side)
    before, since = await office.held(), await office.desk.advo.last_call()
    for _ in range(2):
        results = await office.look()
        await office.pass_time(RETRY)
    assert "updated" not in results
    assert changed(before, await office.held()) == []
    assert await office.deletions() == 0
    assert await office.writes_to_advoware(since) == 0

    await office.lie(side, None)
    await office.look()
    await office.pass_time(60)
    assert set(await office.look()) == {"unchanged"}
    assert changed(before, await office.held()) == []
    assert await office.statuses() == {"clean"}
    assert await office.waiting() == 0


async def test_a_gateway_that_answers_a_bare_404_makes_nothing_gone(office: Office) -> None:
    await office.enter()
    before = await office.held()
    match = {"method": "GET", "path_regex": "/Beteiligte/"}
    rule = await office.desk.advo.fault({"kind": "body", "status": 404, "body": ""}, match=match)
    assert await office.look() == ["held"] * 3
    assert (await office.statuses(), await office.waiting()) == ({"conflict"}, 3)
    await office.desk.advo.mend(rule)
    await office.pass_time(RETRY)
    await office.look()
    assert (await office.statuses(), await office.waiting()) == ({"clean"}, 0)
    assert changed(before, await office.held()) == []


async def test_what_espocrm_says_is_gone_is_not_deleted_in_advoware_where_it_says_so_of_all(
    postgres_pool: PostgresPool, redis_client: Redis
) -> None:
    async with opened(postgres_pool, redis_client, EngineSettings(delete="when-unused")) as office:
        await office.enter()
        await office.lie("espocrm", "not_found")
        since = await office.desk.advo.last_call()
        assert await office.look() == ["held"] * 3
        assert await office.writes_to_advoware(since) == 0


async def test_of_many_that_are_really_deleted_the_first_go_through_and_the_rest_waits_for_a_person(
    office: Office,
) -> None:
    people = await office.enter(8)
    for linked in people[1:]:
        await office.desk.advo.delete(linked.right)
    results = await office.look()
    assert (results.count("deleted_right"), results.count("held"), await office.waiting()) == (LIMITS.least, 2, 2)
    state = next(each for each in await office.brakes.states() if each.source == "advoware")
    assert (state.engaged_at is not None, state.counted, state.allowed) == (True, 7, LIMITS.least)
    await office.pass_time(4 * LIMITS.window.total_seconds())
    await office.look()
    assert (await office.deletions(), await office.waiting()) == (LIMITS.least, 2), "time alone releases nothing"

    now = office.desk.clock.now()
    await office.brakes.release("advoware", "anna@desk", now, timedelta(minutes=15))
    await office.look()
    assert (await office.deletions(), await office.waiting()) == (7, 0)


async def test_a_held_sweep_goes_on_by_itself_once_nothing_is_held_against_its_source(office: Office) -> None:
    people = await office.enter(8)
    for linked in people:
        await office.desk.advo.change(linked.right, zusatz="", titel="")
    results = await office.look()
    assert (results.count("updated"), results.count("held")) == (LIMITS.least, 3)
    for linked in people[LIMITS.least :]:
        left = await office.desk.espo.record(linked.left)
        assert left["syncStatus"] == "conflict"
        assert left["zusatz"].startswith("c/o")
        await office.desk.advo.change(linked.right, zusatz=left["zusatz"], titel=left["titel"])
    await office.pass_time(RETRY)
    await office.look()
    assert (await office.statuses(), await office.waiting()) == ({"clean"}, 0)


async def test_one_name_for_all_with_honest_row_ids_is_stopped_after_the_first(office: Office) -> None:
    people = await office.enter(8)
    for linked in people:
        await office.desk.advo.change(linked.right, name="Unbekannt")
    results = await office.look()
    assert (results.count("updated"), results.count("held")) == (LIMITS.least, 3)


async def test_eight_people_who_marry_are_no_sweep(office: Office) -> None:
    people = await office.enter(8)
    for linked in people:
        await office.desk.advo.change(linked.right, name=f"Neu{linked.right}")
    assert await office.look() == ["updated"] * 8


async def test_a_field_that_is_emptied_here_and_there_is_no_sweep(office: Office) -> None:
    people = await office.enter(8)
    for linked in people:
        await office.desk.advo.change(linked.right, zusatz="")
    assert await office.look() == ["updated"] * 8


async def test_ordinary_changes_go_on_while_a_sweep_is_held(office: Office) -> None:
    people = await office.enter(8)
    for linked in people[1:]:
        await office.desk.advo.delete(linked.right)
    await office.look()
    await office.desk.advo.change(people[0].right, titel="Prof.")
    assert (await office.desk.sync(people[0])).result == "updated"


async def test_a_person_can_let_one_doubted_record_go_on(office: Office) -> None:
    [first, *_] = await office.enter()
    await office.lie("advoware", "equal_names")
    assert (await office.desk.sync(first)).result == "held"
    before = await office.desk.links.load(first.left)
    now = office.desk.clock.now()
    await office.desk.links.commit(Commit(first.left, before.fence, now, raise_notes=(RELEASED,)))
    assert (await office.desk.sync(first)).result == "updated"
    assert (await office.desk.espo.record(first.left))["lastName"] == "Unbekannt"
    assert before.parked is not None
    assert (await office.desk.links.load(first.left)).parked is None
