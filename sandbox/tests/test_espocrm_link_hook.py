"""The link hook as if it were installed: what fires it, what it sends, and that nothing else does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.espocrm.link_hook import DELAYS
from sandbox.espocrm.signature import signatures
from sandbox.tests.espocrm_caller import Caller, Receiver, receiver, sandbox


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox(profile="office", link_hook=True) as caller:
        yield caller


@pytest.fixture
async def inbox() -> AsyncIterator[Receiver]:
    async with receiver() as inbox:
        yield inbox


async def listen(caller: Caller, inbox: Receiver) -> dict[str, Any]:
    given = {"event": "CBeteiligte.update", "url": f"{inbox.url}/vmh/webhook/beteiligte/update"}
    answer = await caller.api("POST", "/Webhook", given)
    assert answer.status == 201, answer
    created: dict[str, Any] = answer.body
    return created


async def pair_of(caller: Caller) -> tuple[str, str]:
    party = await caller.create(lastName="Probe")
    return party, await caller.create("CAdressen", name="Probegasse")


async def run(caller: Caller) -> dict[str, Any]:
    found: dict[str, Any] = await caller.control("POST", "webhooks/run")
    return found


async def test_a_link_is_sent_to_the_ingress_of_the_registered_webhook_signed_with_its_key(
    caller: Caller, inbox: Receiver
) -> None:
    webhook = await listen(caller, inbox)
    party, address = await pair_of(caller)
    for method, action in (("POST", "link"), ("DELETE", "unlink")):
        assert (await caller.api(method, f"/CBeteiligte/{party}/adressens", {"id": address})).status == 200
        shown = await run(caller)
        sent = inbox.requests[-1]
        assert sent.path == f"/vmh/webhook/entity/{action}"
        assert sent.headers["signature"] == signatures(webhook["id"], webhook["secretKey"], sent.body)["Signature"]
        assert json.loads(sent.body) == {
            "leftType": "CBeteiligte",
            "leftId": party,
            "rightType": "CAdressen",
            "rightId": address,
            "link": "adressens",
        }
    assert (shown["links_sent"], shown["links_pending"], shown["links_failed"]) == (2, 0, 0)


async def test_a_parent_set_on_the_child_is_an_update_of_the_child_and_no_link(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox)
    party, address = await pair_of(caller)
    await caller.put(address, "CAdressen", beteiligteId=party)
    await run(caller)
    assert inbox.requests == []


async def test_without_the_hook_a_link_leaves_no_trace(inbox: Receiver) -> None:
    async with sandbox(profile="office") as caller:
        await listen(caller, inbox)
        party, address = await pair_of(caller)
        await caller.api("POST", f"/CBeteiligte/{party}/adressens", {"id": address})
        assert (await run(caller))["links_pending"] == 0
    assert inbox.requests == []


@pytest.mark.parametrize("status", [401, 404, 500, 503])
async def test_what_was_not_taken_is_sent_again_later_and_given_up_in_the_end(
    caller: Caller, inbox: Receiver, status: int
) -> None:
    await listen(caller, inbox)
    party, address = await pair_of(caller)
    inbox.statuses += [status] * (len(DELAYS) + 1)
    await caller.api("POST", f"/CBeteiligte/{party}/adressens", {"id": address})
    for tries in range(1, len(DELAYS) + 2):
        shown = await run(caller)
        assert len(inbox.requests) == tries
        assert len((await run(caller), inbox.requests)[1]) == tries
        for job in caller.world.events.link_jobs:
            job.due = 0.0
    assert (shown["links_pending"], shown["links_failed"]) == (0, 1)


async def test_what_is_refused_is_not_sent_again(caller: Caller, inbox: Receiver) -> None:
    await listen(caller, inbox)
    party, address = await pair_of(caller)
    inbox.statuses.append(400)
    await caller.api("POST", f"/CBeteiligte/{party}/adressens", {"id": address})
    shown = await run(caller)
    assert (shown["links_pending"], shown["links_failed"]) == (0, 1)


async def test_nothing_is_sent_where_no_webhook_leads_to_an_ingress(caller: Caller, inbox: Receiver) -> None:
    party, address = await pair_of(caller)
    await caller.api("POST", f"/CBeteiligte/{party}/adressens", {"id": address})
    assert (await run(caller))["links_pending"] == 1
    assert inbox.requests == []
