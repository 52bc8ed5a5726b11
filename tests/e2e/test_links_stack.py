"""Links through everything: EspoCRM's hook, ingress, Kafka, worker; they queue with the record's other events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from demo.morning import Morning
from demo.people import Person
from demo.steps_children import ADDRESS, until_child
from demo.wait import until
from deploy.local.office import Office
from kanzlei.topics import BETEILIGTE, ENTITY_LINKS
from tests.e2e import budgets
from tests.e2e.outside import metric, not_acknowledged

pytestmark = pytest.mark.stack
GET = {"method": "GET", "path_regex": "/Beteiligte/"}
LINKED_AT_ONCE = 5


@pytest.fixture
async def quiet(seen: Morning) -> AsyncIterator[Morning]:
    """Whatever is looked at was told of by EspoCRM."""
    async with seen.without_ticker():
        yield seen


def counted(seen: Morning, name: str, **labels: str) -> float:
    return metric(seen.addresses.services["beteiligte-sync"], name, **labels)


async def looks_at(seen: Morning, record_id: str, since: int) -> int:
    return len(await seen.espo.our_calls(since, record=record_id, method="GET"))


async def address_of_nobody(seen: Morning, number: int) -> str:
    """An address without a party that our worker has looked at already."""
    since = await seen.espo.last_call()
    made = await seen.espo.rest(
        "POST", ADDRESS, {"name": "Probe", "adresseStreet": f"Probegasse {number}", "adresseCity": "Ulm"}
    )

    async def looked() -> bool | None:
        return bool(await looks_at(seen, made["id"], since)) or None

    await until(looked, "the address of nobody was looked at")
    return str(made["id"])


async def link(seen: Morning, party: str, address: str) -> None:
    await seen.espo.rest("POST", f"CBeteiligte/{party}/adressens", {"id": address})


async def taken(seen: Morning) -> bool | None:
    """Every link is passed on, and whatever is on the parties' topic is with the worker."""
    shown = await seen.espo.job(enabled=True)
    if shown["links_pending"] or shown["events_pending"] or shown["queue_pending"]:
        return None
    if await not_acknowledged(seen.addresses.kafka, ENTITY_LINKS):
        return None
    waiting = await not_acknowledged(seen.addresses.kafka, BETEILIGTE)
    return True if waiting > 1 and counted(seen, "sync_events_taken") == waiting else None


async def test_links_and_changes_of_a_party_that_come_during_a_look_are_one_more_look(quiet: Morning) -> None:
    espo, advo = quiet.espo, quiet.advo
    [party] = await quiet.link(Person("Paula", "Vielverknüpft", "1980-02-29"))
    addresses = [await address_of_nobody(quiet, number) for number in range(LINKED_AT_ONCE)]
    asked, locked = await espo.quiet(), counted(quiet, "sync_retries_total", reason="locked")
    rule = await advo.fault({"kind": "hold_after"}, match={**GET, "record": str(party.right)}, times=1)
    await espo.change(party.left, titel="Dr. Eins")

    async def hangs() -> int | None:
        return await advo.fired(rule) or None

    await until(hangs, "the first look reads from Advoware")
    await asyncio.gather(*(link(quiet, party.left, address) for address in addresses))
    await espo.change(party.left, titel="Dr. Zwei")
    for address in addresses:
        await until_child(quiet, ADDRESS, address, "linked and clean", syncStatus="clean", advowareId=...)
    await until(lambda: taken(quiet), "all events of the party wait behind its first look")
    await advo.mend(rule)
    await advo.until_shows(party.right, "the last title", titel="Dr. Zwei")
    await espo.quiet()

    assert await looks_at(quiet, party.left, asked) == budgets.SYNCS_OF_A_QUEUE
    assert counted(quiet, "sync_retries_total", reason="locked") == locked
    posts: list[dict[str, Any]] = await advo.calls(method="POST", path=f"/{party.right}/Adressen$")
    assert len(posts) == LINKED_AT_ONCE


async def test_links_of_others_are_acknowledged_and_left_alone(office: Office, quiet: Morning) -> None:
    """By the sync of parties: whether a document belongs into a collection is the question of document-sync."""
    espo = quiet.espo
    await asyncio.to_thread(office.install, "documents")
    before = counted(quiet, "sync_events_handled_total", outcome="not_ours")
    case = await espo.rest("POST", "CVmhRumungsklage", {"name": "Probe ./. Probe"})
    file = await espo.rest("POST", "CDokumente", {"name": "Probe"})
    since = await espo.quiet()
    await espo.rest("POST", f"CVmhRumungsklage/{case['id']}/dokumentes", {"id": file["id"]})

    async def done() -> bool | None:
        both = counted(quiet, "sync_events_handled_total", outcome="not_ours") == before + 2
        return True if both and not await not_acknowledged(quiet.addresses.kafka, ENTITY_LINKS) else None

    await until(done, "both links are acknowledged")
    await espo.quiet()
    assert {str(call["agent"]).partition("/")[0] for call in await espo.our_calls(since)} <= {"document-sync"}
