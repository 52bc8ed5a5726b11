"""The control API: what is logged, and every kind of fault, before and after the effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from deploy.local.waiting import in_time
from sandbox.control import RECORD, Control

ControlClient = TestClient[web.Request, web.Application]


class Shelf:
    """The smallest remote system: things that can be put and counted."""

    def __init__(self) -> None:
        self.things: list[str] = []
        self.control = Control("shelf", record_of=lambda request: request.match_info.get("id"), capacity=50)
        self.app = web.Application(middlewares=[self.control.middleware])
        self.control.add_routes(self.app)
        self.app.router.add_get("/things/{id}", self._get)
        self.app.router.add_post("/things", self._post)
        self.app.router.add_get("/broken", self._broken)

    async def _get(self, request: web.Request) -> web.Response:
        if request.match_info["id"] not in self.things:
            raise web.HTTPNotFound
        return web.json_response({"id": request.match_info["id"]})

    async def _post(self, request: web.Request) -> web.Response:
        name = (await request.json())["id"]
        self.things.append(name)
        request[RECORD] = name
        return web.json_response({"id": name}, status=201)

    async def _broken(self, _: web.Request) -> web.Response:
        raise RuntimeError("a bug of the sandbox")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def client(shelf: Shelf) -> AsyncIterator[ControlClient]:
    async with TestClient(TestServer(shelf.app)) as client:
        yield client


async def rule(client: ControlClient, fault: dict[str, Any], **others: Any) -> int:
    answer = await client.post("/_sandbox/faults", json={"fault": fault, **others})
    assert answer.status == 201, await answer.text()
    return int((await answer.json())["id"])


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    async with in_time():
        while True:
            met = condition()
            if await met if isinstance(met, Awaitable) else met:
                return
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)


async def calls(client: ControlClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/_sandbox/calls{query}")
    rows: list[dict[str, Any]] = (await answer.json())["calls"]
    return rows


async def test_a_call_is_logged_with_record_status_and_both_times(client: ControlClient) -> None:
    await client.post("/things", json={"id": "a"})
    await client.get("/things/a", headers={"X-Sandbox-Caller": "somebody"})
    await client.get("/things/missing")
    first, second, third = await calls(client)
    assert (first["method"], first["record"], first["status"]) == ("POST", "a", 201)
    assert (second["record"], second["caller"], second["effect"]) == ("a", "somebody", 200)
    assert third["status"] == 404
    assert first["started"] <= first["ended"] <= second["started"]
    assert first["started_at"] <= first["ended_at"]


async def test_calls_are_found_by_record_method_path_and_number(client: ControlClient) -> None:
    for name in ("a", "b"):
        await client.post("/things", json={"id": name})
        await client.get(f"/things/{name}")
    assert [row["seq"] for row in await calls(client, "?record=b")] == [3, 4]
    assert [row["seq"] for row in await calls(client, "?method=GET")] == [2, 4]
    assert [row["seq"] for row in await calls(client, "?since=3")] == [4]
    assert [row["seq"] for row in await calls(client, "?path=/a$")] == [2]
    count = await (await client.get("/_sandbox/calls/count?record=a")).json()
    assert (count["total"], count["writes"], count["by_method"]) == (2, 1, {"POST": 1, "GET": 1})


async def test_the_log_is_bounded_and_its_numbers_go_on_after_clearing(client: ControlClient) -> None:
    for _ in range(60):
        await client.get("/things/x")
    assert [row["seq"] for row in await calls(client)] == list(range(11, 61))
    await client.delete("/_sandbox/calls")
    await client.get("/things/x")
    assert [row["seq"] for row in await calls(client)] == [61]


async def test_the_control_api_itself_is_neither_logged_nor_faulted(client: ControlClient) -> None:
    await rule(client, {"kind": "status", "status": 500})
    assert (await client.get("/_sandbox/health")).status == 200
    assert await calls(client) == []


async def test_a_bug_of_the_sandbox_is_logged_as_500(client: ControlClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = await client.get("/broken")
    row = (await calls(client))[0]
    assert (answer.status, row["effect"], row["status"]) == (500, 500, None)
    assert "a bug of the sandbox" in caplog.text


async def test_a_status_fault_answers_instead_of_the_handler(client: ControlClient, shelf: Shelf) -> None:
    await rule(client, {"kind": "status", "status": 429, "retry_after": 7}, match={"method": "POST"}, times=1)
    answer = await client.post("/things", json={"id": "a"})
    assert (answer.status, answer.headers["Retry-After"], shelf.things) == (429, "7", [])
    assert (await client.post("/things", json={"id": "a"})).status == 201
    assert [(row["fault"], row["effect"]) for row in await calls(client)] == [("status", None), (None, 201)]


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "text"),
    [
        ({"kind": "html"}, 502, "text/html", "Bad Gateway"),
        ({"kind": "html", "status": 200}, 200, "text/html", "Bad Gateway"),
        ({"kind": "empty_list"}, 200, "application/json", "[]"),
        ({"kind": "body", "body": {"odd": 1}}, 200, "application/json", '{"odd": 1}'),
        ({"kind": "body", "body": "[{", "status": 201}, 201, "application/json", "[{"),
    ],
)
async def test_an_answer_can_be_replaced(
    client: ControlClient, fault: dict[str, Any], status: int, content_type: str, text: str
) -> None:
    await rule(client, fault)
    answer = await client.get("/things/a")
    assert (answer.status, answer.content_type) == (status, content_type)
    assert text in await answer.text()


@pytest.mark.parametrize(("kind", "things"), [("reset_before", []), ("reset_after", ["a"])])
async def test_a_reset_cuts_the_connection_before_or_after_the_effect(
    client: ControlClient, shelf: Shelf, kind: str, things: list[str]
) -> None:
    await rule(client, {"kind": kind})
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post("/things", json={"id": "a"})
    assert shelf.things == things
    assert (await calls(client))[0]["status"] is None


@pytest.mark.parametrize(("kind", "things"), [("timeout_before", []), ("timeout_after", ["a"])])
async def test_a_timeout_lets_the_client_wait_before_or_after_the_effect(
    client: ControlClient, shelf: Shelf, kind: str, things: list[str]
) -> None:
    await rule(client, {"kind": kind})
    with pytest.raises(asyncio.TimeoutError):
        await client.post("/things", json={"id": "a"}, timeout=aiohttp.ClientTimeout(total=0.1))
    assert shelf.things == things


async def test_a_slow_answer_is_the_right_one(client: ControlClient) -> None:
    await rule(client, {"kind": "slow", "seconds": 0.05})
    answer = await client.post("/things", json={"id": "a"})
    row = (await calls(client))[0]
    assert answer.status == 201
    assert row["ended"] - row["started"] >= 0.05


async def test_what_is_slow_is_done_without_a_client(shelf: Shelf) -> None:
    """A server goes on with a request that it has, whoever has gone meanwhile. Tests' own servers do not."""
    runner = web.AppRunner(shelf.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slow = shelf.control.faults.add({"fault": {"kind": "slow", "seconds": 60}})
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as client:
        with pytest.raises(asyncio.TimeoutError):
            await client.post(f"http://127.0.0.1:{runner.addresses[0][1]}/things", json={"id": "a"})
    shelf.control.faults.remove(slow.id)
    await until(lambda: shelf.things == ["a"])
    await runner.cleanup()


async def test_a_held_answer_comes_when_its_rule_is_removed(client: ControlClient, shelf: Shelf) -> None:
    number = await rule(client, {"kind": "hold_after"}, match={"method": "POST"})
    waiting = asyncio.create_task(client.post("/things", json={"id": "a"}))
    await until(lambda: bool(shelf.things))
    row = (await calls(client))[0]
    assert (row["effect"], row["ended"], waiting.done()) == (201, None, False)
    await client.delete(f"/_sandbox/faults/{number}")
    assert (await waiting).status == 201


async def test_a_rule_can_skip_and_counts_how_often_it_fired(client: ControlClient) -> None:
    await rule(client, {"kind": "status", "status": 503}, skip=1, times=2, match={"path_regex": "^/things"})
    statuses = [(await client.get("/things/a")).status for _ in range(5)]
    assert statuses == [404, 503, 503, 404, 404]
    shown = (await (await client.get("/_sandbox/faults")).json())["faults"]
    assert [(each["fired"], each["fault"]["status"]) for each in shown] == [(2, 503)]


async def test_a_rule_with_a_time_ends_by_itself(client: ControlClient, shelf: Shelf) -> None:
    now = [100.0]
    shelf.control.faults._clock = lambda: now[0]
    await rule(client, {"kind": "status"}, for_seconds=20)
    assert (await client.get("/things/a")).status == 503
    now[0] += 20.0
    assert (await client.get("/things/a")).status == 404


async def test_chance_is_repeatable_by_its_seed(client: ControlClient) -> None:
    runs = []
    for _ in range(2):
        await rule(client, {"kind": "status"}, probability=0.5, seed=7)
        runs.append([(await client.get("/things/a")).status for _ in range(20)])
        await client.delete("/_sandbox/faults")
    assert runs[0] == runs[1]
    assert set(runs[0]) == {404, 503}


@pytest.mark.parametrize(
    "match",
    [
        {"record": "a"},
        {"caller": "me"},
        {"path_regex": "x=1"},
        {"body_regex": "Kennwort"},
        {"method": "GET", "record": "a"},
    ],
)
async def test_a_rule_hits_what_it_matches_and_nothing_else(client: ControlClient, match: dict[str, str]) -> None:
    await rule(client, {"kind": "status"}, match=match)
    hit = await client.get("/things/a?x=1", headers={"X-Sandbox-Caller": "me"}, data="Kennwort")
    missed = await client.get("/things/b", headers={"X-Sandbox-Caller": "you"})
    assert (hit.status, missed.status) == (503, 404)


@pytest.mark.parametrize(
    "bad",
    [
        {"fault": {"kind": "unheard of"}},
        {"fault": {"kind": "status", "colour": "red"}},
        {"match": {"path_regex": "("}, "fault": {"kind": "status"}},
        {"match": {"planet": "Mars"}, "fault": {"kind": "status"}},
        {"often": 3, "fault": {"kind": "status"}},
        {},
    ],
)
async def test_a_wrong_rule_is_refused_with_a_reason(client: ControlClient, bad: dict[str, Any]) -> None:
    answer = await client.post("/_sandbox/faults", json=bad)
    assert answer.status == 400
    assert (await answer.json())["message"]


async def test_ending_the_sandbox_lets_go_of_what_is_held(client: ControlClient, shelf: Shelf) -> None:
    await rule(client, {"kind": "hold_after"}, match={"method": "POST"})
    waiting = asyncio.create_task(client.post("/things", json={"id": "a"}))
    await until(lambda: bool(shelf.things))
    shelf.control.close()
    assert (await waiting).status == 201
