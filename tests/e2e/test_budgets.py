"""The budgets of `budgets.py`: real adapters, PostgreSQL and Redis, counted by the sandboxes of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from demo.remotes import Linked
from synckit.errors import RemoteUnavailable
from synckit.postgres.pool import PostgresPool
from synckit.testing.patience import IMPATIENT
from synckit.testing.worker import Partition, change
from tests.e2e import budgets
from tests.e2e.budgets import Budget
from tests.e2e.rig import PERSON, Rig, rig

pytestmark = pytest.mark.stack
QUEUED = 50
BATCH = 20


@pytest.fixture
async def desk(postgres_pool: PostgresPool, redis_client: Redis) -> AsyncIterator[Rig]:
    async with rig(postgres_pool, redis_client) as made:
        yield made


@pytest.fixture
async def hurried_desk(postgres_pool: PostgresPool, redis_client: Redis) -> AsyncIterator[Rig]:
    """Waits a few seconds only for Advoware."""
    async with rig(postgres_pool, redis_client, to_advoware=IMPATIENT) as made:
        yield made


async def created(desk: Rig) -> tuple[str, Budget]:
    """A new record, synced; its id and what it cost."""
    record_id = await desk.espo.create(**PERSON)
    await desk.meter.start()
    await desk.sync(record_id)
    return record_id, await desk.meter.cost(await desk.both(record_id))


async def test_a_create_costs_three(desk: Rig) -> None:
    _, cost = await created(desk)
    assert cost == budgets.CREATE
    assert await desk.meter.searches() == 0


async def test_an_update_with_a_write_costs_four(desk: Rig) -> None:
    linked = await desk.linked()
    await desk.espo.change(linked.left, titel="Dr.")
    await desk.sync(linked)
    assert await desk.meter.cost(linked) == budgets.UPDATE
    assert (await desk.advo.party(linked.right))["titel"] == "Dr."


async def test_nothing_to_do_costs_two_reads_and_no_write(desk: Rig) -> None:
    linked = await desk.linked()
    await desk.sync(linked)
    assert await desk.meter.cost(linked) == budgets.NOTHING_TO_DO


async def test_a_desks_change_costs_three(desk: Rig) -> None:
    linked = await desk.linked()
    await desk.advo.change(linked.right, zusatz="c/o Probe")
    await desk.sync(linked)
    assert await desk.meter.cost(linked) == budgets.DESK_CHANGE
    assert (await desk.espo.record(linked.left))["zusatz"] == "c/o Probe"


async def test_a_conflict_costs_four_and_a_note(desk: Rig) -> None:
    linked = await desk.linked()
    await desk.advo.change(linked.right, vorname="Dort")
    await desk.espo.change(linked.left, firstName="Hier")
    await desk.sync(linked)
    assert await desk.meter.cost(linked) == budgets.CONFLICT


async def test_fifty_queued_events_of_one_record_are_at_most_two_syncs(desk: Rig) -> None:
    linked = await desk.linked()
    await desk.espo.change(linked.left, titel="Dr.")
    partition = Partition()
    events = [partition.deliver(change(linked.left, event_id=str(number))) for number in range(QUEUED)]
    await desk.run(desk.executor(), partition, events)
    cost = await desk.meter.cost(linked)
    assert cost.reads <= budgets.SYNCS_OF_A_QUEUE * budgets.NOTHING_TO_DO.reads
    assert cost.writes == budgets.UPDATE.writes


async def synced_batch(desk: Rig) -> list[Linked]:
    return [await desk.linked(lastName=f"Probe {number}") for number in range(BATCH)]


async def test_a_batch_delivered_again_to_the_worker_that_did_it_costs_nothing(desk: Rig) -> None:
    records = await synced_batch(desk)
    executor, first = desk.executor(), Partition()
    events = [change(each.left) for each in records]
    await desk.run(executor, first, [first.deliver(event) for event in events])
    await executor.drain(30.0)
    executor.open(2)
    again = Partition(generation=2)
    await desk.meter.start()
    await desk.run(executor, again, [again.deliver(event) for event in events])
    assert await desk.meter.cost(*records) == Budget(reads=0, writes=0)


async def test_a_batch_delivered_again_costs_two_reads_a_record(desk: Rig) -> None:
    """To another worker, which knows nothing of the first delivery: the two reads of a look, and no write."""
    records = await synced_batch(desk)
    events = [change(each.left) for each in records]
    for executor in (desk.executor(), desk.executor()):
        await desk.meter.start()
        partition = Partition()
        await desk.run(executor, partition, [partition.deliver(event) for event in events])
    cost = await desk.meter.cost(*records)
    assert cost.writes == budgets.REDELIVERED.writes
    assert cost.reads <= budgets.REDELIVERED.reads * BATCH


async def test_the_retry_of_a_create_whose_answer_was_lost_reads_once_more(hurried_desk: Rig) -> None:
    desk = hurried_desk
    record_id = await desk.espo.create(**PERSON)
    await desk.advo.fault({"kind": "timeout_after"}, match={"method": "POST", "path_regex": "/Beteiligte$"}, times=1)
    with pytest.raises(RemoteUnavailable):
        await desk.sync(record_id)
    await desk.meter.start()
    assert (await desk.sync(record_id)).result == "recovered"
    cost = await desk.meter.cost(await desk.both(record_id))
    searches = await desk.meter.searches()
    assert cost.reads + searches - budgets.CREATE.reads <= budgets.EXTRA_READS_OF_A_RETRY
    assert cost.writes == budgets.CREATE.writes - 1, "the POST is not repeated"


@pytest.mark.parametrize(("kind", "repeated"), [("timeout_after", 0), ("timeout_before", 1)])
async def test_the_retry_of_a_put_without_an_answer_reads_no_more_than_the_first_try(
    hurried_desk: Rig, kind: str, repeated: int
) -> None:
    desk = hurried_desk
    linked = await desk.linked()
    await desk.espo.change(linked.left, titel="Dr.")
    await desk.advo.fault({"kind": kind}, match={"method": "PUT"}, times=1)
    with pytest.raises(RemoteUnavailable):
        await desk.sync(linked)
    await desk.meter.start()
    await desk.sync(linked)
    cost = await desk.meter.cost(linked)
    assert cost.reads - budgets.UPDATE.reads <= budgets.EXTRA_READS_OF_A_RETRY
    assert cost.writes == 1 + repeated, "to EspoCRM, and to Advoware where the first one did not arrive"
    assert (await desk.advo.party(linked.right))["titel"] == "Dr."
