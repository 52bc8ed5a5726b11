"""One caller that sends or reads slowly, or too much at once, does not harm another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy_stage import KEY, OTHER_KEY, Stage

from advoware_proxy.handlers.proxy import Limits
from advoware_proxy.routes import RequestLimits
from deploy.local.waiting import LONG, in_time
from synckit.testing.scripted_http import Line

PARTY = "/Beteiligte/4711"
FEW = Limits(seconds=60, answer=1 << 24, at_once=4, per_caller=3)


def _head(method: str, *more: str, key: str = KEY) -> bytes:
    lines = [f"{method} /advoware/proxy?path={PARTY} HTTP/1.1", "Host: p", f"Authorization: Bearer {key}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@asynccontextmanager
async def _open(stage: Stage, sent: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port, limit=1024)
    try:
        writer.write(sent)
        yield reader, writer
    finally:
        writer.transport.abort()


async def _until(stage: Stage, calls: int) -> None:
    """So many calls of the slow caller have got as far as to wait for their bodies."""
    async with in_time():
        while stage.buckets.taken < calls:
            await asyncio.to_thread(lambda: None)


async def test_slow_bodies_of_one_caller_take_no_shared_place() -> None:
    """B15. They hold what one key may have, and the other caller has every place."""
    slow = _head("PUT", "Content-Type: application/json", "Content-Length: 100")
    async with Stage(carried=FEW) as stage:
        async with _open(stage, slow), _open(stage, slow), _open(stage, slow):
            await _until(stage, 3)
            told = await asyncio.gather(*(stage.get(PARTY, key=OTHER_KEY) for _ in range(3)))
            assert [one.status for one in told] == [200] * 3
            own = await stage.get(PARTY)
            assert (own.refusal, own.headers["Retry-After"]) == ((429, "proxy", "at_once"), "1")
        assert (await _until_answered(stage)) == 200


async def _until_answered(stage: Stage) -> int:
    """Of the caller whose connections ended: its places come back."""
    async with in_time():
        while (told := await stage.get(PARTY)).status == 429:
            pass
    return told.status


async def test_slow_readers_of_one_caller_leave_places() -> None:
    async with Stage(carried=FEW) as stage:
        stage.upstream.otherwise = Line(200, b"1" * (1 << 24))
        async with _open(stage, _head("GET")) as one, _open(stage, _head("GET")), _open(stage, _head("GET")):
            async with in_time():
                await one[0].readline()
                while len(stage.upstream.asked) < 3:
                    await asyncio.to_thread(lambda: None)
            stage.upstream.otherwise = Line(200, b"{}")
            assert (await stage.get(PARTY, key=OTHER_KEY)).status == 200
            assert (await stage.get(PARTY)).refusal == (429, "proxy", "at_once")


async def test_a_dripping_body_is_given_up_by_its_rate() -> None:
    """Each byte comes in time, the whole would take hours."""
    limits = RequestLimits(body=4096, body_seconds=3600, grace=0.2, body_rate=1000)
    async with Stage(limits=limits) as stage:
        head = _head("PUT", "Content-Type: application/json", "Content-Length: 4000")
        async with _open(stage, head) as (reader, writer):
            answer = asyncio.ensure_future(reader.readline())
            async with in_time():
                while not answer.done():
                    writer.write(b" ")
                    await asyncio.wait({answer}, timeout=0.05)
            assert answer.result().startswith(b"HTTP/1.1 408")
        assert stage.upstream.asked == []


async def test_a_large_body_may_take_as_long_as_its_size_needs() -> None:
    """The rate is the limit: what keeps it is read to the end."""
    limits = RequestLimits(body=1 << 20, body_seconds=3600, grace=30, body_rate=1)
    async with Stage(limits=limits) as stage:
        assert (await stage.ask("PUT", f"path={PARTY}", json_body=["x" * 500_000])).status == 200


async def test_chunks_without_a_length_end_at_the_limit(stage: Stage) -> None:
    """No length is told before, so the bytes are counted as they come."""
    head = _head("PUT", "Content-Type: application/json", "Transfer-Encoding: chunked")
    async with _open(stage, head) as (reader, writer):
        for _ in range(5):
            writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
        assert (await asyncio.wait_for(reader.readline(), LONG)).startswith(b"HTTP/1.1 413")
    assert stage.upstream.asked == []


async def test_nobody_without_a_key_is_invited_to_send(stage: Stage) -> None:
    """`Expect: 100-continue` is answered when the call is known to be allowed."""
    wait = ("Content-Type: application/json", "Content-Length: 2", "Expect: 100-continue")
    async with _open(stage, _head("PUT", *wait, key="k0.x")) as (reader, _):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    async with _open(stage, _head("PUT", *wait)) as (reader, writer):
        assert (await reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert [asked.body for asked in stage.upstream.asked] == [b"{}"]
