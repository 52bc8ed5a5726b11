"""Health, metrics, and an end in order."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient

from deploy.local.waiting import LONG
from synckit.service.server import Check, Health, HttpServer, add_shell, run_service

Start = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


async def good() -> None:
    return


async def bad() -> None:
    raise ConnectionError("Zwiebelfisch")


async def hanging() -> None:
    await asyncio.Event().wait()


async def test_ready_names_what_fails(aiohttp_client: Start) -> None:
    checks = [Check("kafka", good), Check("database", bad)]
    client = await aiohttp_client(add_shell(web.Application(), Health(checks, seconds=60)))
    answer = await client.get("/health/ready")
    assert answer.status == 503
    assert await answer.json() == {"status": "not ready", "failing": ["database"]}


async def test_ready_names_what_takes_too_long(aiohttp_client: Start) -> None:
    client = await aiohttp_client(add_shell(web.Application(), Health([Check("redis", hanging)], seconds=0.05)))
    answer = await client.get("/health/ready")
    assert (answer.status, (await answer.json())["failing"]) == (503, ["redis"])


async def test_live_is_not_asked_about_others_and_metrics_are_text(aiohttp_client: Start) -> None:
    client = await aiohttp_client(add_shell(web.Application(), Health([Check("kafka", bad)])))
    assert (await client.get("/health/live")).status == 200
    measured = await client.get("/metrics")
    assert measured.status == 200
    assert "sync_build_info" in await measured.text()


async def test_a_service_that_is_asked_to_end_is_not_ready_then_closes_in_order() -> None:
    health = Health([Check("kafka", good)])
    server = HttpServer(add_shell(web.Application(), health), port=0, host="127.0.0.1")
    seen: list[str] = []

    async def background() -> None:
        ready = f"http://127.0.0.1:{server.port}/health/ready"
        async with ClientSession() as session, session.get(ready) as answer:
            seen.append(f"ready {answer.status}")
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    async def closing() -> None:
        seen.append(",".join(await health.failing()))

    status = await asyncio.wait_for(run_service(server, health, background=[background], closing=[bad, closing]), LONG)
    assert (status, seen) == (0, ["ready 200", "cancelled", "stopping"])


async def test_a_background_that_fails_ends_the_service_with_one() -> None:
    health = Health()
    server = HttpServer(add_shell(web.Application(), health), port=0, host="127.0.0.1")
    assert await asyncio.wait_for(run_service(server, health, background=[bad]), LONG) == 1


async def test_health_answers_while_starting_and_the_background_waits_for_it() -> None:
    health = Health([Check("kafka", good)])
    server = HttpServer(add_shell(web.Application(), health), port=0, host="127.0.0.1")
    seen: list[str] = []

    async def starting() -> None:
        async with ClientSession() as session:
            for path in ("live", "ready"):
                async with session.get(f"http://127.0.0.1:{server.port}/health/{path}") as answer:
                    seen.append(f"{path} {answer.status}")
        seen.extend(await health.failing())

    async def background() -> None:
        seen.extend(await health.failing() or ["ready"])

    status = await asyncio.wait_for(run_service(server, health, starting=[starting], background=[background]), LONG)
    assert (status, seen) == (1, ["live 200", "ready 503", "starting", "ready"])


async def test_a_start_that_fails_and_a_port_that_is_taken_end_with_one() -> None:
    first = HttpServer(web.Application(), port=0, host="127.0.0.1")
    assert await asyncio.wait_for(run_service(first, Health(), starting=[bad]), LONG) == 1
    holder = HttpServer(web.Application(), port=0, host="127.0.0.1")
    await holder.start()
    try:
        taken = HttpServer(web.Application(), port=holder.port, host="127.0.0.1")
        assert await asyncio.wait_for(run_service(taken, Health()), LONG) == 1
    finally:
        await holder.stop()


async def test_an_end_that_hangs_is_cut_at_the_deadline() -> None:
    program = (
        "import asyncio, os, signal\n"
        "from aiohttp import web\n"
        "from synckit.service.server import *\n"
        "async def hang(): await asyncio.Event().wait()\n"
        "async def kill(): os.kill(os.getpid(), signal.SIGTERM); await hang()\n"
        "server = HttpServer(web.Application(), port=0, host='127.0.0.1')\n"
        "asyncio.run(run_service(server, Health(), background=[kill], closing=[hang], deadline=0.2))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    assert await asyncio.wait_for(process.wait(), LONG) == 1


class Counted:
    """A check that counts; it waits for its gate."""

    def __init__(self) -> None:
        self.calls = 0
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def probe(self) -> None:
        self.calls += 1
        self.asked.set()
        await self.gate.wait()


async def test_ten_thousand_questions_are_one_check() -> None:
    """While it runs all wait for it; for a second after it all get its answer."""
    counted = Counted()
    health = Health([Check("database", counted.probe)], seconds=60, kept=60)
    asking = [asyncio.ensure_future(health.failing()) for _ in range(5_000)]
    await counted.asked.wait()
    counted.gate.set()
    assert await asyncio.gather(*asking) == [[]] * 5_000
    assert await asyncio.gather(*(health.failing() for _ in range(5_000))) == [[]] * 5_000
    assert counted.calls == 1


async def test_an_answer_is_not_kept_for_longer() -> None:
    counted = Counted()
    counted.gate.set()
    health = Health([Check("database", counted.probe)], kept=0)
    await health.failing()
    await health.failing()
    assert counted.calls == 2


async def test_who_went_away_does_not_take_the_check_along() -> None:
    counted = Counted()
    health = Health([Check("database", counted.probe)], seconds=60)
    gone, other = asyncio.ensure_future(health.failing()), asyncio.ensure_future(health.failing())
    await counted.asked.wait()
    gone.cancel()
    counted.gate.set()
    assert await other == []


async def test_an_end_is_told_at_once() -> None:
    health = Health([Check("database", good)], kept=60)
    assert await health.failing() == []
    health.stopping = True
    assert await health.failing() == ["stopping"]


async def test_a_flood_on_metrics_makes_few_pages(aiohttp_client: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def page(registry: object) -> bytes:
        made.append(registry)
        return b"x"

    monkeypatch.setattr("synckit.service.server.generate_latest", page)
    client = await aiohttp_client(add_shell(web.Application(), Health()))
    began = asyncio.get_running_loop().time()
    for _ in range(200):
        assert await (await client.get("/metrics")).text() == "x"
    seconds = asyncio.get_running_loop().time() - began
    assert len(made) <= 5 * (seconds + 1)


async def test_a_connection_without_a_request_is_ended() -> None:
    """A head that drips would hold a file for ever; one that asks keeps its connection."""
    server = HttpServer(add_shell(web.Application(), Health()), port=0, host="127.0.0.1", head_seconds=0.2)
    await server.start()
    asked, asking = await asyncio.open_connection("127.0.0.1", server.port)
    asking.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await asked.readline()).startswith(b"HTTP/1.1 200")
    silent, dripping = await asyncio.open_connection("127.0.0.1", server.port)
    dripping.write(b"GET /health/live HTTP/1.1\r\nX: ")
    with suppress(ConnectionError):
        assert await asyncio.wait_for(silent.read(), LONG) == b""
    asking.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    rest = await asyncio.wait_for(asked.readuntil(b"HTTP/1.1 200"), LONG)
    assert rest
    for writer in (asking, dripping):
        writer.close()
    await server.stop()


async def test_metrics_say_what_ready_would(aiohttp_client: Start) -> None:
    """A rule can't ask an address: each check is a series, and none looks passed before it was asked."""
    health = Health([Check("kafka", good), Check("database", bad)])
    client = await aiohttp_client(add_shell(web.Application(), health))
    assert await ready_of(client) == {"kafka": "1.0", "database": "0.0"}
    health.starting = True
    assert await ready_of(client) == {"kafka": "0.0", "database": "0.0"}


async def ready_of(client: TestClient[web.Request, web.Application]) -> dict[str, str]:
    text = await (await client.get("/metrics")).text()
    return dict(re.findall(r'^sync_ready\{check="(kafka|database)"\} (\S+)$', text, re.MULTILINE))
