"""The ingress as EspoCRM sees it: statuses, bodies, and what reached the broker."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from deploy.local.waiting import LONG, in_time
from recordsync.testing.memory import FakePublisher
from synckit.events import Action, Record, decode
from synckit.service import metrics
from webhook_ingress.domain.paths import webhook_paths
from webhook_ingress.routes import MAX_BODY, Limits

Client = TestClient[web.Request, web.Application]
Sign = Callable[..., dict[str, str]]
PATH = "/vmh/webhook/beteiligte/update"


class HangingPublisher:
    """A broker that never acknowledges, until the test says so."""

    def __init__(self) -> None:
        self.waiting = 0
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        self.waiting += 1
        self.reached.set()
        await self.go.wait()


class BrokenPublisher:
    """A bug of ours."""

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        raise KeyError("Zwiebelfisch")


@pytest.fixture
async def client(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
    make_app: Callable[..., web.Application],
    publisher: FakePublisher,
) -> Client:
    return await aiohttp_client(make_app(publisher))


@pytest.mark.parametrize(("path", "entity", "action"), list(webhook_paths()))
async def test_each_path_publishes_events_of_its_noun_and_action(
    client: Client, publisher: FakePublisher, sign: Sign, path: str, entity: str, action: Action
) -> None:
    body = b'[{"id":"a","lastName":"Zwiebelfisch"},{"id":"b"},{"id":"a","firstName":null}]'
    answer = await client.post(path, data=body, headers=sign(body))
    assert (answer.status, await answer.json()) == (200, {"accepted": 3, "records": 2})
    assert [topic for topic, _ in publisher.sent] == [f"vmh.{entity}"] * 2
    events = [decode(record.key, record.value, record.headers) for _, record in publisher.sent]
    assert [(event.entity_id, event.type) for event in events] == [(one, f"vmh.{entity}.{action}") for one in "ab"]
    assert events[0].changed == (("firstName", "lastName") if action is Action.UPDATE else ())
    assert len({event.id for event in events}) == 2
    assert b"Zwiebelfisch" not in b"".join(record.value for _, record in publisher.sent)


@pytest.mark.parametrize("forms", ["both", "new", "old"])
async def test_either_form_of_the_signature_is_enough(client: Client, sign: Sign, forms: str) -> None:
    body = b'{"id":"a"}'
    answer = await client.post(PATH, data=body, headers=sign(body, forms=forms))
    assert (answer.status, await answer.json()) == (200, {"accepted": 1, "records": 1})


async def test_a_trace_is_carried_on_and_made_where_none_came(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    body = b'{"id":"a"}'
    came = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await client.post(PATH, data=body, headers=sign(body) | {"traceparent": came})
    await client.post(PATH, data=body, headers=sign(body) | {"traceparent": "00-Zwiebelfisch"})
    carried, made = (dict(record.headers)["ce_traceparent"].decode() for _, record in publisher.sent)
    assert carried.split("-")[1] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert len(made) == 55
    assert "Zwiebelfisch" not in made


async def test_a_body_that_comes_again_is_published_again(client: Client, publisher: FakePublisher, sign: Sign) -> None:
    body = b'[{"id":"a"},{"id":"b"}]'
    publisher.refuse = True
    await client.post(PATH, data=body, headers=sign(body))
    publisher.refuse = False
    for sent in (body, body, b'[{"id":"a"}]', body):
        await client.post(PATH, data=sent, headers=sign(sent))
    events = [decode(record.key, record.value, record.headers) for _, record in publisher.sent]
    assert [event.entity_id for event in events] == ["a", "b", "a", "b", "a", "a", "b"], "nothing is ever dropped"
    assert len({event.id for event in events}) == len(events)


async def test_unsigned_wrongly_signed_and_unknown_are_401_and_publish_nothing(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    body = b'{"id":"a"}'
    wrong = [
        {},
        sign(body, key=b"x" * 32),
        sign(body + b" "),
        sign(body, webhook_id="6b00d1c895d766ce7"),
        sign(body) | {"Signature": sign(b"")["Signature"]},
        {"Signature": "ä"},
    ]
    for headers in wrong:
        answer = await client.post(PATH, data=body, headers=headers)
        assert answer.status == 401
    assert publisher.sent == []


async def test_unknown_paths_are_404_and_other_methods_405(client: Client, sign: Sign) -> None:
    body = b'{"id":"a"}'
    for path in ("/", "/vmh/webhook/personen/update", "/vmh/webhook/beteiligte/link", f"{PATH}/", "/vmh/webhook"):
        assert (await client.post(path, data=body, headers=sign(body))).status == 404
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        assert (await client.request(method, PATH)).status == 405


async def test_up_to_four_mebibytes_are_taken_and_no_byte_more(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    full = b'{"id":"a","x":"' + b"x" * (MAX_BODY - 17) + b'"}'
    assert len(full) == MAX_BODY == 4 << 20
    assert (await client.post(PATH, data=BytesIO(full), headers=sign(full))).status == 200
    more = full + b" "
    assert (await client.post(PATH, data=BytesIO(more), headers=sign(more))).status == 413
    assert (await client.post(PATH, data=_chunks(more), headers=sign(more))).status == 413
    assert len(publisher.sent) == 1


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1 << 16):
        yield body[start : start + (1 << 16)]


async def test_a_malformed_body_is_200_and_leaves_a_dead_letter_without_the_body(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    body = b"Zwiebelfisch <html>"
    answer = await client.post(PATH, data=body, headers=sign(body))
    assert (answer.status, await answer.json()) == (200, {"accepted": 0, "records": 0})
    [(topic, record)] = publisher.sent
    assert topic == "webhook-ingress.dlq"
    letter = json.loads(record.value)
    assert (letter["reason"], letter["webhook_id"], letter["size"]) == ("not_json", "6b00d1c895d766ce6", len(body))
    assert (letter["entity"], letter["action"]) == ("beteiligte", "update")
    counted = {"topic": "webhook-ingress", "reason": "not_json"}
    assert (metrics.REGISTRY.get_sample_value("sync_dead_letters_total", counted) or 0) >= 1
    assert b"Zwiebelfisch" not in record.value


async def test_the_good_items_of_a_bad_batch_are_published(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    body = b'[{"id":"good"},{"id":"not good"},5]'
    answer = await client.post(PATH, data=body, headers=sign(body))
    assert (answer.status, await answer.json()) == (200, {"accepted": 1, "records": 1})
    assert [topic for topic, _ in publisher.sent] == ["vmh.beteiligte", "webhook-ingress.dlq"]
    assert json.loads(publisher.sent[1][1].value)["bad"] == {"wrong_id": 1, "not_an_object": 1}


async def test_a_broker_that_does_not_acknowledge_is_503_with_retry_after(
    client: Client, publisher: FakePublisher, sign: Sign
) -> None:
    publisher.refuse = True
    for body in (b'{"id":"a"}', b"malformed"):
        answer = await client.post(PATH, data=body, headers=sign(body))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_a_broker_that_hangs_is_503_within_the_limit(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], make_app: Callable[..., web.Application], sign: Sign
) -> None:
    client = await aiohttp_client(make_app(HangingPublisher(), limits=Limits(seconds=0.05)))
    async with in_time():
        answer = await client.post(PATH, data=b'{"id":"a"}', headers=sign(b'{"id":"a"}'))
    assert (answer.status, await answer.json()) == (503, {"error": "too_slow"})
    assert answer.headers["Retry-After"] == "30"


async def test_a_body_that_never_comes_is_503_within_the_limit(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], make_app: Callable[..., web.Application], sign: Sign
) -> None:
    client = await aiohttp_client(make_app(FakePublisher(), limits=Limits(seconds=0.05)))
    never = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield b"["
        await never.wait()

    async with in_time():
        answer = await client.post(PATH, data=stalled(), headers=sign(b"[]"))
    assert answer.status == 503


async def test_more_at_once_than_allowed_is_503_at_once_and_the_others_go_on(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], make_app: Callable[..., web.Application], sign: Sign
) -> None:
    publisher = HangingPublisher()
    client = await aiohttp_client(make_app(publisher, limits=Limits(in_flight=1, seconds=60)))
    body = b'{"id":"a"}'
    first = asyncio.ensure_future(client.post(PATH, data=body, headers=sign(body)))
    await asyncio.wait_for(publisher.reached.wait(), LONG)
    second = await client.post(PATH, data=body, headers=sign(body))
    assert (second.status, await second.json()) == (503, {"error": "overloaded"})
    publisher.go.set()
    assert (await first).status == 200
    assert (await client.post(PATH, data=body, headers=sign(body))).status == 200


async def test_a_bug_is_503_and_its_text_stays_inside(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], make_app: Callable[..., web.Application], sign: Sign
) -> None:
    client = await aiohttp_client(make_app(BrokenPublisher()))
    answer = await client.post(PATH, data=b'{"id":"a"}', headers=sign(b'{"id":"a"}'))
    assert (answer.status, await answer.json()) == (503, {"error": "bug"})


async def test_all_that_a_real_espocrm_sent_is_accepted_and_nothing_with_one_byte_changed(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
    make_app: Callable[..., web.Application],
    publisher: FakePublisher,
    vectors: list[dict[str, Any]],
) -> None:
    secrets = {one["webhook_id"]: (one["hmac_key"].encode(),) for one in vectors}
    client = await aiohttp_client(make_app(publisher, secrets=secrets))
    for one in vectors:
        body = b64decode(one["body_base64"])
        answer = await client.post(PATH, data=body, headers=one["headers"])
        assert answer.status == 200, one["file"]
        assert (await answer.json())["accepted"] == len(json.loads(body))
    sent = len(publisher.sent)
    for number, one in enumerate(vectors):
        changed = bytearray(b64decode(one["body_base64"]))
        changed[number * 7919 % len(changed)] ^= 1
        answer = await client.post(PATH, data=bytes(changed), headers=one["headers"])
        assert answer.status == 401, one["file"]
    assert len(publisher.sent) == sent
