"""What is too large to be held passes through as it comes, either way, and each end that breaks off is seen."""

from __future__ import annotations

import asyncio
import io
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from proxy_stage import KEY, Stage

from advoware_proxy.handlers.proxy import Limits
from advoware_proxy.routes import HELD, RequestLimits
from deploy.local.waiting import LONG, in_time

MIB = 1 << 20
LARGE = 48 * MIB
PEAK = 4 * MIB
"""Python's memory of caller, proxy and Advoware together, all in this process; the proxy holds 1 MiB of a body."""
PARTY = "/Beteiligte/4711"
JSON = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _stage(handler: Handler, *, read: float = 60) -> AsyncIterator[Stage]:
    """A proxy before an Advoware that does what `handler` says."""
    app = web.Application(client_max_size=2 * LARGE)
    app.router.add_route("*", "/{path:.*}", handler)
    limits, carried = RequestLimits(body=LARGE, body_seconds=LONG, grace=LONG), Limits(seconds=LONG, answer=LARGE)
    async with AsyncExitStack() as opened:
        advoware = await opened.enter_async_context(TestServer(app))
        at = f"http://127.0.0.1:{advoware.port}"
        yield await opened.enter_async_context(Stage(limits=limits, carried=carried, read=read, at=at))


async def _zeros(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // (MIB // 16)):
        yield bytes(MIB // 16)


def _ones(total: int) -> io.BytesIO:
    return io.BytesIO(b"1" * total)


async def _counting(request: web.Request) -> web.Response:
    received = 0
    async for chunk in request.content.iter_any():
        received += len(chunk)
    return web.json_response({"received": received, "length": request.content_length})


async def _giving(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = LARGE
    await response.prepare(request)
    async for piece in _zeros(LARGE):
        await response.write(piece)
    await response.write_eof()
    return response


@pytest.mark.parametrize("length", [LARGE, None])
async def test_a_large_body_passes_without_being_held(length: int | None) -> None:
    async with _stage(_counting) as stage, aiohttp.ClientSession() as session:
        headers = JSON if length is None else {**JSON, "Content-Length": str(length)}
        url = f"{stage.url}/advoware/proxy?path={PARTY}"
        tracemalloc.start()
        try:
            async with session.put(url, data=_zeros(LARGE), headers=headers) as answer:
                told = await answer.json()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert told == {"received": LARGE, "length": length}
    assert peak < PEAK


async def test_a_large_answer_passes_without_being_held() -> None:
    async with _stage(_giving) as stage, aiohttp.ClientSession() as session:
        tracemalloc.start()
        try:
            async with session.get(f"{stage.url}/advoware/proxy?path={PARTY}", headers=JSON) as answer:
                received = sum([len(chunk) async for chunk in answer.content.iter_any()])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert received == LARGE
    assert peak < PEAK


async def test_a_body_of_a_mebibyte_is_held_and_sent_again() -> None:
    """A token that died early costs its caller nothing; a larger body is told to come again."""
    sizes: list[int] = []

    async def refusing_once(request: web.Request) -> web.Response:
        sizes.append(len(await request.read()))
        return web.Response(status=401 if len(sizes) in (1, 3) else 200, body=b"{}")

    async with _stage(refusing_once) as stage:
        for number in (1, 2):
            stage.tokens.says(200, {"access_token": f"token-{number}"})
        assert (await stage.ask("PUT", f"path={PARTY}", headers=JSON, data=_ones(HELD))).status == 200
        told = await stage.ask("PUT", f"path={PARTY}", headers=JSON, data=_ones(HELD + MIB))
        assert told.refusal == (502, "advoware", "advoware_trouble")
        assert "maybe_applied" not in told.json
        assert told.headers["Retry-After"] == "1"
        assert (await stage.ask("PUT", f"path={PARTY}", headers=JSON, data=_ones(HELD + MIB))).status == 200
    assert sizes == [HELD, HELD, HELD + MIB, HELD + MIB]


async def test_a_post_under_a_key_is_of_a_mebibyte() -> None:
    """What makes two requests the same has to be known before one of them goes out."""
    async with _stage(_counting) as stage:
        headers = {**JSON, "Idempotency-Key": "k"}
        told = await stage.ask("POST", "path=/Beteiligte", headers=headers, data=_ones(HELD + 1))
        assert told.refusal == (413, "proxy", "too_large")
        assert (await stage.ask("POST", "path=/Beteiligte", headers=headers, data=_ones(HELD))).status == 200


async def test_a_caller_that_goes_midway_leaves_no_whole_request() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    whole: list[bytes] = []

    async def reading(request: web.Request) -> web.Response:
        begun.set()
        try:
            whole.append(await request.read())
        finally:
            ended.set()
        return web.Response()

    async with _stage(reading) as stage:
        lines = [f"PUT /advoware/proxy?path={PARTY} HTTP/1.1", "Host: p", *(f"{name}: {JSON[name]}" for name in JSON)]
        head = "\r\n".join([*lines, f"Content-Length: {LARGE}"]) + "\r\n\r\n"
        _, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
        writer.write(head.encode() + bytes(3 * MIB))
        async with in_time():
            await begun.wait()
        writer.transport.abort()
        async with in_time():
            await ended.wait()
        (line,) = await stage.audit.ended()
        assert (line.outcome, line.status) == ("bad_request", 400)
    assert whole == []


async def test_a_body_that_stops_midway_is_a_408() -> None:
    """Its rate counts while it is passed on as it does before."""
    gone = asyncio.Event()

    async def reading(request: web.Request) -> web.Response:
        try:
            await request.read()
        finally:
            gone.set()
        return web.Response()

    async with _stage(reading) as stage:
        stage.routes.limits = RequestLimits(body=LARGE, body_seconds=1.0, grace=LONG)
        lines = [f"PUT /advoware/proxy?path={PARTY} HTTP/1.1", "Host: p", *(f"{name}: {JSON[name]}" for name in JSON)]
        head = "\r\n".join([*lines, f"Content-Length: {LARGE}"]) + "\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
        writer.write(head.encode() + bytes(3 * MIB))
        assert (await asyncio.wait_for(reader.readline(), LONG)).startswith(b"HTTP/1.1 408")
        writer.close()
        async with in_time():
            await gone.wait()


async def test_chunks_past_the_limit_end_midway() -> None:
    """No length was told before; nothing whole arrives."""
    whole: list[bytes] = []

    async def reading(request: web.Request) -> web.Response:
        whole.append(await request.read())
        return web.Response()

    async with _stage(reading) as stage, aiohttp.ClientSession() as session:
        stage.routes.limits = RequestLimits(body=3 * MIB, body_seconds=LONG, grace=LONG)
        url = f"{stage.url}/advoware/proxy?path={PARTY}"
        async with session.put(url, data=_zeros(3 * MIB + MIB // 16), headers=JSON) as answer:
            assert (answer.status, (await answer.json())["code"]) == (413, "too_large")
    assert whole == []


@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_an_advoware_that_dies_midway_is_in_trouble(method: str) -> None:
    async def dying(request: web.Request) -> web.Response:
        await request.content.readany()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with _stage(dying) as stage:
        data = _ones(4 * MIB) if method == "PUT" else None
        told = await stage.ask(method, f"path={PARTY}", headers=JSON, data=data)
        assert told.refusal == (502, "advoware", "advoware_trouble")
        assert ("maybe_applied" in told.json) is False
        (line,) = await stage.audit.ended()
        assert (line.outcome, line.status) == ("advoware_trouble", 502)


async def test_an_answer_that_dies_midway_is_cut_for_the_caller() -> None:
    async def dying(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = LARGE
        await response.prepare(request)
        async for piece in _zeros(4 * MIB):
            await response.write(piece)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with _stage(dying) as stage:
        with pytest.raises(aiohttp.ClientError):
            await stage.get(PARTY)
        assert (await stage.audit.ended())[0].outcome == "advoware_trouble"


async def test_an_advoware_that_stops_reading_is_slow() -> None:
    over = asyncio.Event()

    async def deaf(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with _stage(deaf, read=0.5) as stage:
        told = await stage.ask("PUT", f"path={PARTY}", headers=JSON, data=_ones(LARGE))
        assert told.refusal == (504, "advoware", "advoware_slow")
        assert "maybe_applied" not in told.json
        over.set()


async def test_an_answer_that_stops_midway_is_slow() -> None:
    over = asyncio.Event()

    async def stopping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"1")
        await over.wait()
        return response

    async with _stage(stopping, read=0.5) as stage:
        with pytest.raises(aiohttp.ClientError):
            await stage.get(PARTY)
        assert (await stage.audit.ended())[0].outcome == "advoware_slow"
        over.set()


async def test_a_gateway_in_trouble_is_left_alone() -> None:
    """After eight failures on three paths the next call is refused without being sent."""
    asked: list[str] = []

    async def gateway(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=503)

    async with _stage(gateway) as stage:
        for number in range(8):
            assert (await stage.get(f"/Beteiligte/{number}")).refusal == (502, "advoware", "advoware_trouble")
        told = await stage.ask("PUT", f"path={PARTY}", json_body={})
        assert told.refusal == (502, "advoware", "advoware_trouble")
        assert (told.json["reason"], "maybe_applied" in told.json) == ("circuit", False)
        assert int(told.headers["Retry-After"]) >= 1
    assert len(asked) == 8


async def test_silences_stay_slow_whatever_the_circuit_says() -> None:
    over = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with _stage(silent, read=0.2) as stage:
        for number in range(8):
            assert (await stage.get(f"/Beteiligte/{number}")).refusal == (504, "advoware", "advoware_slow")
        over.set()


async def test_one_callers_bad_bodies_open_no_circuit() -> None:
    """A 500 may be what a body does to Advoware: the other callers go on."""

    async def choking(request: web.Request) -> web.Response:
        return web.Response(status=500 if request.method == "PUT" else 200, body=b"{}")

    async with _stage(choking) as stage:
        for number in range(10):
            await stage.ask("PUT", f"path=/Beteiligte/{number}", json_body={})
        assert (await stage.get(PARTY)).status == 200
