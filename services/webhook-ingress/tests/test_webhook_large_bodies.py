"""Nobody waits for a large body but the next large one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from synckit.testing.memory import FakePublisher
from webhook_ingress.routes import LARGE_BODY, Limits

Client = TestClient[web.Request, web.Application]
PATH = "/vmh/webhook/beteiligte/update"


@pytest.fixture
async def client(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]],
    make_app: Callable[..., web.Application],
    publisher: FakePublisher,
) -> Client:
    return await aiohttp_client(make_app(publisher, limits=Limits(seconds=600)))


async def test_a_large_body_that_is_sent_slowly_holds_up_no_small_one(
    client: Client, publisher: FakePublisher, sign: Callable[..., dict[str, str]]
) -> None:
    large = b'{"id":"large","x":"' + b"x" * LARGE_BODY + b'"}'
    half_way, go = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield large[:1000]
        half_way.set()
        await go.wait()
        yield large[1000:]

    slow = asyncio.create_task(client.post(PATH, data=slowly(), headers=sign(large)))
    await half_way.wait()
    small = b'{"id":"small"}'
    assert (await client.post(PATH, data=small, headers=sign(small))).status == 200
    assert [record.key for _, record in publisher.sent] == [b"small"]
    go.set()
    assert (await slow).status == 200
    assert (await client.post(PATH, data=large, headers=sign(large))).status == 200
