"""Nobody waits for a large body that does not come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from deploy.local.waiting import LONG
from recordsync.testing.memory import FakePublisher
from webhook_ingress.routes import LARGE_BODY, MAX_BODY, Limits

Client = TestClient[web.Request, web.Application]
PATH = "/vmh/webhook/beteiligte/update"


@pytest.fixture
async def client(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
    make_app: Callable[..., web.Application],
    publisher: FakePublisher,
) -> Client:
    return await aiohttp_client(make_app(publisher, limits=Limits(seconds=600)))


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_large_body_that_is_sent_slowly_holds_up_no_small_one(
    client: Client, publisher: FakePublisher, sign: Callable[..., dict[str, str]], chunked: bool
) -> None:
    """Nor another large one."""
    slow, large, small = _body("slow", LARGE_BODY), _body("large", MAX_BODY - 100), _body("small", 1)
    half_way, go = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield slow[:1000]
        half_way.set()
        await go.wait()
        yield slow[1000:]

    headers = sign(slow) | ({} if chunked else {"Content-Length": str(len(slow))})
    waiting = asyncio.create_task(client.post(PATH, data=slowly(), headers=headers))
    await half_way.wait()
    for body in (large, small, large):
        assert (await client.post(PATH, data=BytesIO(body), headers=sign(body))).status == 200
    assert [record.key for _, record in publisher.sent] == [b"large", b"small", b"large"]
    go.set()
    assert (await waiting).status == 200


async def test_many_large_bodies_at_once_come_whole_and_a_small_one_among_them(
    client: Client, publisher: FakePublisher, sign: Callable[..., dict[str, str]]
) -> None:
    bodies = [_body(f"large{number}", MAX_BODY - 100) for number in range(20)]
    bodies.insert(10, _body("small", 1))
    answers = await asyncio.gather(*(client.post(PATH, data=BytesIO(body), headers=sign(body)) for body in bodies))
    assert [answer.status for answer in answers] == [200] * 21
    assert len({record.key for _, record in publisher.sent}) == 21


async def test_a_batch_of_200_long_records_is_taken(
    client: Client, publisher: FakePublisher, sign: Callable[..., dict[str, str]]
) -> None:
    """What EspoCRM sends of new records with texts of 20 KiB: a 413 would lose all of them for good."""
    texts = [{"id": f"{number:017x}", "beschreibung": "x" * 20_000} for number in range(200)]
    body = json.dumps(texts).encode()
    assert len(body) > 3 << 20
    answer = await client.post(PATH, data=BytesIO(body), headers=sign(body))
    assert (answer.status, await answer.json()) == (200, {"accepted": 200, "records": 200})


async def test_what_is_held_at_once_is_bounded_and_given_back(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
    make_app: Callable[..., web.Application],
    publisher: FakePublisher,
    sign: Callable[..., dict[str, str]],
) -> None:
    """One large body too many is 503, which EspoCRM sends again; what was only announced takes no room."""
    client = await aiohttp_client(make_app(publisher, limits=Limits(seconds=600, large_bodies=LARGE_BODY * 3)))
    held, go = _body("held", 2 * LARGE_BODY), asyncio.Event()
    announced, small = _body("announced", 2 * LARGE_BODY), _body("small", 1)

    async def all_but_one_byte(body: bytes, sent: int, came: asyncio.Event) -> AsyncIterator[bytes]:
        yield body[:sent]
        came.set()
        await go.wait()
        yield body[sent:]

    def slowly(body: bytes, sent: int, came: asyncio.Event) -> asyncio.Task[Any]:
        headers = sign(body) | {"Content-Length": str(len(body))}
        return asyncio.create_task(client.post(PATH, data=all_but_one_byte(body, sent, came), headers=headers))

    first, second = asyncio.Event(), asyncio.Event()
    waiting = [slowly(announced, 1, first), slowly(held, len(held) - 1, second)]
    await asyncio.gather(first.wait(), second.wait())
    async with asyncio.timeout(LONG):
        while (answer := await client.post(PATH, data=BytesIO(held), headers=sign(held))).status == 200:
            """Until the slow one's bytes have arrived."""
    assert (answer.status, answer.headers["Retry-After"], await answer.json()) == (503, "30", {"error": "overloaded"})
    assert (await client.post(PATH, data=small, headers=sign(small))).status == 200
    waiting.pop(0).cancel()
    go.set()
    assert (await waiting[0]).status == 200
    for _ in range(5):
        assert (await client.post(PATH, data=BytesIO(held), headers=sign(held))).status == 200


def _body(record: str, size: int) -> bytes:
    return b'{"id":"%s","x":"%s"}' % (record.encode(), b"x" * size)
