"""Nobody waits for a large body that does not come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from synckit.testing.memory import FakePublisher
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
        assert (await client.post(PATH, data=body, headers=sign(body))).status == 200
    assert [record.key for _, record in publisher.sent] == [b"large", b"small", b"large"]
    go.set()
    assert (await waiting).status == 200


async def test_many_large_bodies_at_once_come_whole_and_a_small_one_among_them(
    client: Client, publisher: FakePublisher, sign: Callable[..., dict[str, str]]
) -> None:
    bodies = [_body(f"large{number}", MAX_BODY - 100) for number in range(20)]
    bodies.insert(10, _body("small", 1))
    answers = await asyncio.gather(*(client.post(PATH, data=body, headers=sign(body)) for body in bodies))
    assert [answer.status for answer in answers] == [200] * 21
    assert len({record.key for _, record in publisher.sent}) == 21


def _body(record: str, size: int) -> bytes:
    return b'{"id":"%s","x":"%s"}' % (record.encode(), b"x" * size)
