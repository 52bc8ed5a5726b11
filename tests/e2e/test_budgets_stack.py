"""The main budgets once more through everything: webhook, Kafka, worker, both remotes as processes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from demo.morning import Morning
from demo.people import Person
from demo.remotes import Linked
from demo.wait import until
from tests.e2e import budgets
from tests.e2e.rig import Meter

pytestmark = pytest.mark.stack
QUEUED = 50
GET = {"method": "GET", "path_regex": "/Beteiligte/"}


@pytest.fixture
async def quiet(seen: Morning) -> AsyncIterator[Morning]:
    """Whatever is looked at was told of by a webhook."""
    async with seen.without_ticker():
        yield seen


@pytest.fixture
def meter(quiet: Morning) -> Meter:
    return Meter(quiet.espo, quiet.advo)


async def linked(seen: Morning, name: str) -> Linked:
    return (await seen.link(Person("Paula", name, "1980-02-29")))[0]


async def nothing_follows(seen: Morning) -> None:
    """A later record has come through: what our own writes would have set off would have been seen by then."""
    await until(seen.espo.nothing_waits, "EspoCRM has sent its webhooks")
    await linked(seen, f"Danach {uuid.uuid4()}")


async def test_a_create_through_the_whole_stack(quiet: Morning, meter: Meter) -> None:
    await meter.start()
    record = await linked(quiet, "Neuling")
    await nothing_follows(quiet)
    assert await meter.cost(record) == budgets.CREATE
    assert await meter.of_documents(record) <= budgets.DOCUMENTS_OF_A_NEW_RECORD


async def test_an_update_and_a_conflict_through_the_whole_stack(quiet: Morning, meter: Meter) -> None:
    record = await linked(quiet, "Wechsel")
    await meter.start()
    await quiet.espo.change(record.left, titel="Dr.")
    await quiet.advo.until_shows(record.right, "the title", titel="Dr.")
    await nothing_follows(quiet)
    assert await meter.cost(record) == budgets.UPDATE

    await meter.start()
    await quiet.advo.change(record.right, vorname="Dort")
    await quiet.espo.change(record.left, firstName="Hier")
    await quiet.advo.until_shows(record.right, "EspoCRM's name", vorname="Hier")
    await nothing_follows(quiet)
    assert await meter.cost(record) == budgets.CONFLICT


async def test_a_desks_change_through_the_whole_stack(seen: Morning, meter: Meter) -> None:
    record = await linked(seen, "Arbeitsplatz")
    await meter.start()
    await seen.advo.change(record.right, zusatz="c/o Arbeitsplatz")
    seen.stack.thaw("ticker")
    await seen.espo.until_shows(record.left, "the desk's value", zusatz="c/o Arbeitsplatz")
    seen.stack.freeze("ticker")
    await nothing_follows(seen)
    assert await meter.cost(record) == budgets.DESK_CHANGE


async def test_fifty_changes_while_a_sync_hangs_are_two_syncs(quiet: Morning, meter: Meter) -> None:
    record = await linked(quiet, "Vielfach")
    await meter.start()
    rule = await quiet.advo.fault({"kind": "hold_after"}, match={**GET, "record": str(record.right)}, times=1)
    await quiet.espo.change(record.left, titel="Dr. 0")

    async def hangs() -> int | None:
        return await quiet.advo.fired(rule) or None

    await until(hangs, "the first sync reads from Advoware")
    before = await quiet.espo.job(enabled=True)
    for number in range(1, QUEUED):
        await quiet.espo.change(record.left, titel=f"Dr. {number}")
    await until(quiet.espo.nothing_waits, "EspoCRM has sent its webhooks")
    assert int((await quiet.espo.job(enabled=True))["sent"]) > int(before["sent"])
    await quiet.advo.mend(rule)
    await quiet.advo.until_shows(record.right, "the last title", titel=f"Dr. {QUEUED - 1}")
    await nothing_follows(quiet)
    cost = await meter.cost(record)
    assert cost.reads <= budgets.SYNCS_OF_A_QUEUE * budgets.UPDATE.reads
    assert cost.writes <= budgets.SYNCS_OF_A_QUEUE * budgets.UPDATE.writes
