"""What the workers share of losses: fake and PostgreSQL, one suite."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from recordsync.postgres.brake import PostgresBrake, PostgresBrakes
from recordsync.postgres.links import PostgresLinkStore
from recordsync.testing.brake import FakeBrake
from recordsync.testing.memory import FakeLinks
from recordsync.testing.parking import park
from synckit.ports import BRAKED, BrakeLedger, Commit, Link, LinkStore, Parked, Suspicion
from synckit.postgres.pool import PostgresPool
from synckit.reconcile.brake import BrakeLimits, Loss
from synckit.reconcile.plan import Side

NOW = datetime.now(UTC).replace(microsecond=0)
LIMITS = BrakeLimits(least=2)


def suspect(left_id: str, loss: Loss = Loss.EMPTIED, **told: str) -> Suspicion:
    return Suspicion(Side.RIGHT, left_id, loss, NOW, **told)


async def link(links: LinkStore, left_id: str, right_id: str, version: str = "") -> None:
    state = await links.load(left_id)
    made = Link(left_id, right_id, version or f"row of {right_id}", left_seen_at=NOW, right_changed_at=NOW)
    await links.commit(Commit(left_id, state.fence, NOW, link=made, looked_at=NOW))


class BrakeContract:
    async def make(self) -> tuple[BrakeLedger, LinkStore]:
        raise NotImplementedError

    async def test_a_record_counts_once_however_often_it_asks(self) -> None:
        ledger, _ = await self.make()
        for _ in range(3):
            assert (await ledger.count(suspect("a"), LIMITS)).lost == 1
        assert (await ledger.count(suspect("b", Loss.GONE), LIMITS)).lost == 2

    async def test_sources_are_counted_apart(self) -> None:
        ledger, _ = await self.make()
        await ledger.count(suspect("a"), LIMITS)
        other = Suspicion(Side.LEFT, "b", Loss.EMPTIED, NOW)
        assert (await ledger.count(other, LIMITS)).lost == 1

    async def test_what_is_older_than_the_window_counts_no_more(self) -> None:
        ledger, _ = await self.make()
        await ledger.count(suspect("a"), LIMITS)
        later = Suspicion(Side.RIGHT, "b", Loss.GONE, NOW + LIMITS.window + timedelta(seconds=1))
        assert (await ledger.count(later, LIMITS)).lost == 1

    async def test_names_are_counted_apart_and_those_alike(self) -> None:
        ledger, _ = await self.make()
        for left_id, name in (("a", "Meier"), ("b", "Unbekannt"), ("c", "Unbekannt")):
            told = await ledger.count(suspect(left_id, Loss.RENAMED, value=name), LIMITS)
        assert (told.lost, told.everyday, told.alike) == (0, 3, 2)

    async def test_a_source_that_is_held_stays_so_as_long_as_one_of_its_records_waits(self) -> None:
        ledger, links = await self.make()
        tally = await ledger.count(suspect("a"), LIMITS)
        await park(links, Parked("a", 0, NOW, BRAKED, "advoware"))
        await ledger.engage(Side.RIGHT, NOW, tally, LIMITS)
        much_later = NOW + 3 * LIMITS.window
        told = await ledger.count(Suspicion(Side.RIGHT, "b", Loss.GONE, much_later), LIMITS)
        assert (told.engaged, told.exceeds(LIMITS)) == (True, True)
        state = await links.load("a")
        await links.commit(Commit("a", state.fence, much_later, unpark=True))
        assert not (await ledger.count(Suspicion(Side.RIGHT, "b", Loss.GONE, much_later), LIMITS)).engaged

    async def test_one_field_cleared_is_everyday_work_and_nobodys_name(self) -> None:
        ledger, _ = await self.make()
        for left_id in ("a", "b", "c"):
            told = await ledger.count(suspect(left_id, Loss.CLEARED), LIMITS)
        assert (told.lost, told.everyday, told.alike) == (0, 3, 0)
        assert not told.exceeds(LIMITS)

    async def test_records_looked_at_raise_what_is_allowed(self) -> None:
        ledger, links = await self.make()
        for number in range(4):
            await link(links, f"l{number}", f"{number}")
            told = await ledger.count(suspect(f"l{number}"), LIMITS)
        assert (told.lost, told.looked_at) == (4, 4)
        assert told.exceeds(LIMITS)
        assert not told.exceeds(BrakeLimits(least=2, share=1.0))

    async def test_a_row_id_of_another_record_is_lent_and_doubted(self) -> None:
        ledger, links = await self.make()
        await link(links, "mine", "1", "my row")
        await link(links, "theirs", "2", "their row")
        assert not (await ledger.count(suspect("mine", Loss.RENAMED, version="my row"), LIMITS)).lent
        told = await ledger.count(suspect("mine", Loss.RENAMED, version="their row"), LIMITS)
        assert (told.lent, told.lost, told.everyday) == (True, 1, 0)

    async def test_witnesses_are_others_and_the_suspected_come_last(self) -> None:
        ledger, links = await self.make()
        for number in range(4):
            await link(links, f"l{number}", f"{number}")
        await ledger.count(suspect("l1", Loss.GONE), LIMITS)
        found = [(each.link.left_id, each.suspected) for each in await ledger.witnesses("l0", 3)]
        assert (set(found[:2]), found[2]) == ({("l2", False), ("l3", False)}, ("l1", True))

    async def test_no_row_is_a_witness_for_a_row_of_the_same_parent(self) -> None:
        ledger, links = await self.make()
        for number, right_id in enumerate(("7/1", "7/2", "70/1", "8/1")):
            await link(links, f"l{number}", right_id)
        found = {each.link.left_id for each in await ledger.witnesses("l0", 3, "7")}
        assert found == {"l2", "l3"}

    async def test_it_is_known_since_when_the_same_loss_of_a_record_is_counted(self) -> None:
        ledger, links = await self.make()
        hour = timedelta(hours=1)
        state = await links.load("a")
        await links.commit(Commit("a", state.fence, NOW, park=Parked("a", 0, NOW, BRAKED, "advoware")))
        told = [
            (await ledger.count(Suspicion(Side.RIGHT, "a", loss, NOW + n * hour), LIMITS)).waited
            for n, loss in enumerate((Loss.DOUBTED, Loss.GONE, Loss.GONE, Loss.GONE))
        ]
        assert told == [0, 0, 3600, 7200]


class TestFakeBrake(BrakeContract):
    async def make(self) -> tuple[BrakeLedger, LinkStore]:
        links = FakeLinks()
        return FakeBrake(links), links


@pytest.mark.stack
class TestPostgresBrake(BrakeContract):
    @pytest.fixture(autouse=True)
    async def _pool_of_the_test(self, postgres_pool: PostgresPool) -> None:
        self.pool = postgres_pool
        self.scope = f"{uuid.uuid4().hex[:8]}-"
        # How many records were looked at is asked of all of them: those of other tests are none of ours.
        await postgres_pool.fetch("UPDATE link SET looked_at = 'epoch'", writes=True)

    async def make(self) -> tuple[BrakeLedger, LinkStore]:
        entity = f"entity-{uuid.uuid4().hex}"
        self.entity = entity
        return PostgresBrake(self.pool, entity, self.scope), PostgresLinkStore(self.pool, entity)

    async def test_of_many_that_ask_at_once_each_gets_its_own_place(self) -> None:
        ledger, _ = await self.make()
        told = await asyncio.gather(*(ledger.count(suspect(f"l{n}"), LIMITS) for n in range(8)))
        assert sorted(tally.lost for tally in told) == list(range(1, 9))

    async def test_a_release_lets_the_source_go_on_for_a_while_and_wakes_what_it_held(self) -> None:
        ledger, links = await self.make()
        brakes = PostgresBrakes(self.pool, self.scope)
        tally = await ledger.count(suspect("a"), LIMITS)
        await ledger.engage(Side.RIGHT, NOW, tally, LIMITS)
        due = NOW + timedelta(hours=1)
        await park(links, Parked("a", 0, due, BRAKED, "advoware"))
        state = next(each for each in await brakes.states() if each.source == "advoware")
        assert (state.engaged_at, state.counted, state.allowed) == (NOW, 1, 2)
        assert ("a" in [left_id for _, left_id in await brakes.held("advoware", 100)]) is True
        assert await brakes.release("advoware", "anna@desk", NOW, LIMITS.window) >= 1
        parked = (await links.load("a")).parked
        assert parked is not None
        assert parked.due_at == NOW
        assert (await ledger.count(suspect("b"), LIMITS)).released
        later = Suspicion(Side.RIGHT, "b", Loss.GONE, NOW + LIMITS.window + timedelta(seconds=1))
        assert not (await ledger.count(later, LIMITS)).released
        rows = await self.pool.fetch(
            "SELECT rule FROM journal WHERE entity = $1 AND left_id = 'a' AND step = 'operator_release_sweep'",
            self.entity,
        )
        assert [row["rule"] for row in rows] == ["anna@desk"]

    async def test_what_a_side_said_of_its_last_change_is_remembered(self) -> None:
        _, links = await self.make()
        await link(links, "a", "1")
        kept = (await links.load("a")).link
        assert kept is not None
        assert (kept.left_seen_at, kept.right_changed_at) == (NOW, NOW)

    async def test_no_value_is_stored(self) -> None:
        ledger, _ = await self.make()
        await ledger.count(suspect("a", Loss.RENAMED, value="Kanarienvogel"), LIMITS)
        rows = await self.pool.fetch("SELECT to_jsonb(e)::text AS row FROM brake_event e")
        assert rows
        assert not any("Kanarienvogel" in row["row"] for row in rows)
