"""Links over HTTP: exactly two events a pair, keyed by their records, and a clear word for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from recordsync.testing.memory import FakePublisher
from synckit.events import Action, ChangeEvent, decode
from synckit.service import metrics
from webhook_ingress.domain.paths import link_paths

Client = TestClient[web.Request, web.Application]
Sign = Callable[..., dict[str, str]]
LINK = "/vmh/webhook/entity/link"
PAIR = {"leftType": "CBeteiligte", "leftId": "p1", "rightType": "CAdressen", "rightId": "a1", "link": "adressens"}


@pytest.fixture
async def client(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
    make_app: Callable[..., web.Application],
    publisher: FakePublisher,
) -> Client:
    return await aiohttp_client(make_app(publisher))


async def send(client: Client, sign: Sign, body: Any, path: str = LINK) -> tuple[int, Any]:
    raw = json.dumps(body).encode()
    answer = await client.post(path, data=raw, headers=sign(raw))
    return answer.status, await answer.json()


def events(publisher: FakePublisher) -> list[ChangeEvent]:
    return [decode(record.key, record.value, record.headers) for _, record in publisher.sent]


@pytest.mark.parametrize(("path", "_entity", "action"), list(link_paths()))
async def test_a_pair_is_exactly_two_events_each_keyed_by_its_record(
    client: Client, publisher: FakePublisher, sign: Sign, path: str, _entity: str, action: Action
) -> None:
    assert await send(client, sign, PAIR, path) == (200, {"accepted": 1, "records": 2})
    assert [(topic, record.key) for topic, record in publisher.sent] == [
        ("vmh.entity-links", b"p1"),
        ("vmh.entity-links", b"a1"),
    ]
    party, address = events(publisher)
    assert (party.entity, party.changed, address.entity, address.changed) == (
        "beteiligte",
        ("adressens",),
        "adressen",
        (),
    )
    assert {party.type, address.type} == {f"vmh.entity.{action}"}
    assert party.id != address.id
    assert party.traceparent == address.traceparent


async def test_the_same_body_again_is_the_same_two_records_with_ids_of_their_own(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    for _ in range(2):
        assert (await send(client, sign, PAIR))[0] == 200
    told = events(publisher)
    assert [(one.entity, one.entity_id) for one in told] == [("beteiligte", "p1"), ("adressen", "a1")] * 2
    assert len({one.id for one in told}) == 4


async def test_many_links_of_one_record_are_one_event_of_it(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    other = {**PAIR, "rightType": "CBankverbindungen", "rightId": "b1", "link": "bankverbindungens"}
    batch = [PAIR, {**PAIR, "rightId": "a2"}, other]
    assert await send(client, sign, batch) == (200, {"accepted": 3, "records": 4})
    told = {(one.entity, one.entity_id): one.changed for one in events(publisher)}
    assert told == {
        ("beteiligte", "p1"): ("adressens", "bankverbindungens"),
        ("adressen", "a1"): (),
        ("adressen", "a2"): (),
        ("bankverbindungen", "b1"): (),
    }


async def test_a_wrong_pair_is_400_by_its_place_and_nothing_but_a_dead_letter_is_published(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    counted = {"topic": "webhook-ingress", "reason": "unknown_type"}
    before = metrics.REGISTRY.get_sample_value("sync_dead_letters_total", counted) or 0
    answered = await send(client, sign, [PAIR, {**PAIR, "leftType": "CZwiebelfisch"}])
    assert answered == (400, {"error": "unknown_type", "item": 1, "name": "leftType"})
    [(topic, record)] = publisher.sent
    letter = json.loads(record.value)
    assert (topic, letter["reason"], letter["entity"], letter["action"]) == (
        "webhook-ingress.dlq",
        "unknown_type",
        "entity",
        "link",
    )
    assert b"Zwiebelfisch" not in record.value
    assert metrics.REGISTRY.get_sample_value("sync_dead_letters_total", counted) == before + 1


async def test_links_are_signed_like_every_other_webhook(client: Client, publisher: FakePublisher, sign: Sign) -> None:
    raw = json.dumps(PAIR).encode()
    for headers in ({}, sign(raw, key=b"x" * 32), sign(raw + b" "), sign(raw, webhook_id="unknown")):
        assert (await client.post(LINK, data=raw, headers=headers)).status == 401
    for forms in ("new", "old"):
        assert (await client.post(LINK, data=raw, headers=sign(raw, forms=forms))).status == 200
    assert len(publisher.sent) == 4


async def test_a_broker_that_is_away_is_503_for_good_and_bad_pairs(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    publisher.refuse = True
    assert (await send(client, sign, PAIR))[0] == 503
    assert (await send(client, sign, {**PAIR, "link": "a b"}))[0] == 503


async def test_no_link_is_no_event(client: Client, publisher: FakePublisher, sign: Sign) -> None:
    assert await send(client, sign, []) == (200, {"accepted": 0, "records": 0})
    assert publisher.sent == []


async def test_there_is_no_other_thing_to_do_with_two_records(client: Client, sign: Sign) -> None:
    for path in ("/vmh/webhook/entity/update", "/vmh/webhook/entity", "/vmh/webhook/adressen/link"):
        assert (await send_plain(client, sign, path)) == 404
    assert (await client.get(LINK)).status == 405


async def send_plain(client: Client, sign: Sign, path: str) -> int:
    raw = json.dumps(PAIR).encode()
    return (await client.post(path, data=raw, headers=sign(raw))).status
