"""Streamed calls: bodies pass without being held, each wait has an end, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.local.waiting import in_time
from synckit.body import Body, Part, WrongLength, multipart
from synckit.buckets import Bucket
from synckit.errors import CircuitOpen, Locked, RateLimited, RemoteUnavailable, TooSlow
from synckit.http.circuit import CircuitLimits
from synckit.http.client import HttpClient
from synckit.http.wiring import Quota, Wiring
from synckit.testing.buckets import FakeBuckets
from synckit.testing.clock import FakeClock
from synckit.testing.patience import ABRUPT_LIMITS, PATIENT, PATIENT_LIMITS
from synckit.testing.scripted_http import ScriptedServer
from synckit.under_lease import ensure_held

MIB = 1 << 20
LARGE = 48 * MIB
HELD = 2 * MIB
"""Bytes of Python's memory for both ends of a transfer in this process, each of which may hold 1 MiB."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _client(handler: Handler, wiring: Wiring = PATIENT) -> AsyncIterator[HttpClient]:
    app = web.Application(client_max_size=LARGE * 2)
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        client = HttpClient("remote", f"http://127.0.0.1:{server.port}", wiring)
        try:
            yield client
        finally:
            await client.close()


async def _counted(request: web.Request) -> web.Response:
    received = 0
    async for chunk in request.content.iter_any():
        received += len(chunk)
    return web.json_response({"received": received, "length": request.content_length})


async def _large(_: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = LARGE
    await response.prepare(_)
    async for piece in _zeros(LARGE, MIB // 16):
        await response.write(piece)
    await response.write_eof()
    return response


async def _zeros(total: int, piece: int = MIB // 4) -> AsyncIterator[bytes]:
    for _ in range(total // piece):
        yield bytes(piece)


@pytest.mark.parametrize("length", [LARGE, None])
async def test_a_large_body_is_sent_without_being_held(length: int | None) -> None:
    async with _client(_counted) as client:
        tracemalloc.start()
        try:
            async with client.stream("POST", "/files", body=Body(_zeros(LARGE), length=length)) as answer:
                told = (await answer.complete()).json()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert told == {"received": LARGE, "length": length}
        assert peak < HELD


async def test_a_large_answer_is_read_without_being_held() -> None:
    wiring = replace(PATIENT, limits=replace(PATIENT_LIMITS, largest_answer=LARGE))
    async with _client(_large, wiring) as client:
        tracemalloc.start()
        try:
            async with client.stream("GET", "/file") as answer:
                received = sum([len(chunk) async for chunk in answer.chunks()])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert (answer.length, received) == (LARGE, LARGE)
        assert peak < HELD


async def test_a_form_arrives_as_its_parts() -> None:
    async def read(request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        return web.json_response([form["purpose"], file.filename, file.content_type, len(file.file.read())])

    async with _client(read) as client:
        parts = [Part("purpose", b"assistants"), Part("file", _zeros(4 * MIB), "Größe.pdf", "application/pdf", 4 * MIB)]
        async with client.stream("POST", "/v1/files", body=multipart(parts)) as answer:
            assert (await answer.complete()).json() == ["assistants", "Größe.pdf", "application/pdf", 4 * MIB]


async def test_an_answer_is_as_it_was_sent() -> None:
    """No unpacking, no redirect, repeated headers kept, the path as it is."""

    async def packed(request: web.Request) -> web.Response:
        assert request.raw_path == "/a%2Fb?c=%20d"
        headers = [("Content-Encoding", "gzip"), ("X-A", "1"), ("X-A", "2"), ("Location", "/other")]
        return web.Response(status=302, body=b"no gzip", headers=headers)

    async with _client(packed) as client, client.stream("GET", "/a%2Fb?c=%20d") as answer:
        assert answer.status == 302
        assert [value for name, value in answer.headers.items() if name == "X-A"] == ["1", "2"]
        assert (await answer.complete()).body == b"no gzip"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_streamed_write_is_sent_once(method: str) -> None:
    """On a kept connection that is lost, where aiohttp itself would repeat it."""
    async with ScriptedServer(keeps_alive=True) as server:
        client = HttpClient("remote", server.url, PATIENT)
        server.says().says(trouble="reset")
        async with client.stream("GET", "/a") as answer:
            await answer.complete()
        with pytest.raises(RemoteUnavailable) as lost:
            async with client.stream(method, "/a", body=Body(b"{}")):
                pass
        await client.close()
        assert lost.value.maybe_applied
        assert [asked.method for asked in server.asked] == ["GET", method]


@pytest.mark.parametrize("said", [3 * MIB, 5 * MIB])
async def test_a_body_of_another_length_is_no_request(said: int) -> None:
    async with _client(_counted) as client:
        with pytest.raises(WrongLength):
            async with client.stream("POST", "/files", body=Body(_zeros(4 * MIB), length=said)):
                pass


async def test_what_the_source_raises_is_raised_and_nothing_whole_arrives() -> None:
    whole = []

    async def read(request: web.Request) -> web.Response:
        whole.append(await request.read())
        return web.Response()

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        raise LookupError

    async with _client(read) as client:
        for length in (None, 2 * MIB):
            with pytest.raises(LookupError):
                async with client.stream("POST", "/files", body=Body(broken(), length=length)):
                    pass
        assert whole == []


async def test_an_answer_that_breaks_off_is_none() -> None:
    async with ScriptedServer() as server:
        server.says(body=b"half", trouble="cut_short")
        client = HttpClient("remote", server.url, PATIENT)
        with pytest.raises(RemoteUnavailable, match="cut_short"):
            async with client.stream("GET", "/a") as answer:
                await answer.complete()
        await client.close()


async def test_an_answer_too_large_is_given_up() -> None:
    async with ScriptedServer() as server:
        server.says(body=b"x" * 11)
        client = HttpClient("remote", server.url, replace(PATIENT, limits=replace(PATIENT_LIMITS, largest_answer=10)))
        with pytest.raises(RemoteUnavailable, match="too large"):
            async with client.stream("GET", "/a") as answer:
                await answer.complete()
        await client.close()


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_silence_is_too_slow(method: str) -> None:
    """Counted from the request's end: what connecting may take does not prolong it."""
    began = asyncio.get_running_loop().time()
    async with ScriptedServer() as server:
        server.says(trouble="silence")
        client = HttpClient("remote", server.url, Wiring(limits=ABRUPT_LIMITS))
        with pytest.raises(TooSlow) as slow:
            async with client.stream(method, "/a", body=Body(b"{}") if method == "PUT" else None):
                pass
        assert slow.value.maybe_applied is (method == "PUT")
        assert asyncio.get_running_loop().time() - began < ABRUPT_LIMITS.connect / 2
        server.hang_up()
        await client.close()


async def test_a_remote_that_stops_reading_is_too_slow() -> None:
    """Nothing whole has arrived, so nothing can have been done."""
    over = asyncio.Event()

    async def deaf(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with _client(deaf, Wiring(limits=replace(PATIENT_LIMITS, read=0.3))) as client:
        with pytest.raises(TooSlow) as slow:
            async with client.stream("POST", "/files", body=Body(_zeros(LARGE), length=LARGE)):
                pass
        assert not slow.value.maybe_applied
        over.set()


async def test_an_answer_that_stops_midway_is_too_slow() -> None:
    over = asyncio.Event()

    async def stopping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"some")
        await over.wait()
        return response

    async with _client(stopping, Wiring(limits=replace(PATIENT_LIMITS, read=0.3))) as client:
        with pytest.raises(TooSlow):
            async with client.stream("GET", "/a") as answer:
                await answer.complete()
        over.set()


async def test_a_call_has_an_end_as_a_whole() -> None:
    """However steadily it drips."""
    gone = asyncio.Event()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b".")
                await asyncio.wait([asyncio.ensure_future(asyncio.to_thread(lambda: None))])
        finally:
            gone.set()

    async with _client(dripping, Wiring(limits=replace(PATIENT_LIMITS, whole=0.3))) as client:
        with pytest.raises(TooSlow):
            async with client.stream("GET", "/a") as answer:
                await answer.complete()
        async with in_time():
            await gone.wait()


async def test_a_source_may_take_longer_than_the_remote() -> None:
    """Its own limits are its maker's; only the whole call's end holds for it."""

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.4)
            yield b"x"

    wiring = Wiring(limits=replace(PATIENT_LIMITS, connect=0.15, read=0.2, first_byte=30))
    async with _client(_counted, wiring) as client, client.stream("POST", "/a", body=Body(slow())) as answer:
        assert (await answer.complete()).json()["received"] == 3


async def test_a_slot_is_held_until_the_answer_is_read() -> None:
    async with ScriptedServer(keeps_alive=True) as server:
        server.otherwise = replace(server.otherwise, status=200, body=b"{}")
        client = HttpClient("remote", server.url, Wiring(limits=replace(PATIENT_LIMITS, concurrency=1, queue=0.1)))
        async with client.stream("GET", "/a"):
            with pytest.raises(RemoteUnavailable, match="waiting"):
                await client.send("GET", "/b")
        assert (await client.send("GET", "/b")).status == 200
        await client.close()


async def test_streamed_failures_open_the_circuit() -> None:
    async with ScriptedServer() as server:
        limits = CircuitLimits(failures=2, paths=2)
        client = HttpClient("remote", server.url, replace(PATIENT, circuit=limits, monotonic=FakeClock().monotonic))
        server.says(503).says(body=b"half", trouble="cut_short")
        async with client.stream("GET", "/a") as answer:
            assert (await answer.complete()).status == 503
        with pytest.raises(RemoteUnavailable):
            async with client.stream("GET", "/b?c=1") as answer:
                await answer.complete()
        with pytest.raises(CircuitOpen):
            async with client.stream("GET", "/c"):
                pass
        assert len(server.asked) == 2
        await client.close()


async def test_a_write_whose_lease_has_ended_is_not_sent() -> None:
    def over() -> None:
        raise Locked("over")

    async with ScriptedServer() as server:
        client = HttpClient("remote", server.url, PATIENT)
        outer = ensure_held.set(over)
        try:
            with pytest.raises(Locked):
                async with client.stream("PUT", "/a", body=Body(b"{}")):
                    pass
        finally:
            ensure_held.reset(outer)
        await client.close()
        assert server.asked == []


@pytest.mark.parametrize("streamed", [True, False])
async def test_calls_are_paid_for_before_they_are_made(streamed: bool) -> None:
    clock = FakeClock()
    buckets, bucket = FakeBuckets(clock), Bucket("remote:key", 1 / 3600, 3)
    prices = {("POST", "/files"): 3}
    quota = Quota(buckets, lambda *call: [bucket.charge(prices.get(call, 1))], clock.sleep)

    async def call() -> None:
        if streamed:
            async with client.stream("POST", "/files", body=Body(b"{}")) as answer:
                await answer.complete()
        else:
            await client.send("POST", "/files", body={})

    async with ScriptedServer() as server:
        server.says()
        client = HttpClient("remote", server.url, replace(PATIENT, quota=quota))
        await call()
        with pytest.raises(RateLimited) as refused:
            await call()
        await client.close()
        assert refused.value.retry_after == pytest.approx(3 * 3600, rel=0.01)
        assert len(server.asked) == 1


async def test_every_streamed_call_is_counted() -> None:
    counted: list[tuple[str, str, str]] = []
    wiring = replace(PATIENT, on_call=lambda upstream, method, code, _seconds: counted.append((upstream, method, code)))
    async with ScriptedServer() as server:
        client = HttpClient("remote", server.url, wiring)
        server.says(204).says(body=b"half", trouble="cut_short").says(trouble="reset")
        async with client.stream("GET", "/a") as answer:
            await answer.complete()
        with pytest.raises(RemoteUnavailable):
            async with client.stream("GET", "/a") as answer:
                await answer.complete()
        with pytest.raises(RemoteUnavailable):
            async with client.stream("POST", "/a", body=Body(b"{}")):
                pass
        await client.close()
    assert counted == [("remote", "GET", "204"), ("remote", "GET", "cut_short"), ("remote", "POST", "reset")]
