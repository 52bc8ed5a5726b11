"""A run by hand over HTTP: who may, what is answered, and what the description says of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from calendar_sync.adapters.runs import Run
from calendar_sync.by_hand import ByHand
from calendar_sync.domain.openapi import SYNC, document
from calendar_sync.domain.problem import Refused
from calendar_sync.domain.rounds import Employee
from calendar_sync.routes import MAX_BODY, CalendarRoutes, problems
from recordsync.testing.memory import FakePublisher
from synckit.errors import RemoteUnavailable
from synckit.events import decode
from synckit.service.explain import ExplainRoutes
from synckit.service.server import Health, add_shell
from synckit.testing.clock import FakeClock

Client = TestClient[web.Request, web.Application]
Start = Callable[[web.Application], Awaitable[Client]]
KEY = {"Authorization": "Bearer good"}


class Gate:
    async def admit(self, credential: str | None) -> str:
        if credential is None:
            raise Refused("unauthenticated")
        if credential == "away":
            raise RemoteUnavailable("redis", "ConnectionError")
        if credential != "good":
            raise Refused("rate", retry_after=2.5) if credential == "fast" else Refused("not_allowed")
        return "k1"


class Office:
    away = False
    newcomer = ""

    async def active(self, *, fresh: bool = False) -> Collection[str]:
        if fresh and self.newcomer:
            return {"AB", "ÄB", self.newcomer}
        if self.away:
            raise RemoteUnavailable("advoware", "503")
        return {"AB", "ÄB"}

    async def known(self) -> Mapping[str, Employee]:
        return {"CD": Employee("CD", state="left")}


class Book:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.runs: dict[str, Run] = {}

    async def queued(self, runs: Mapping[str, str], origin: str) -> None:
        for run_id, kuerzel in runs.items():
            self.runs[run_id] = Run(run_id, kuerzel, "queued", "", {}, self.clock.now(), None, None)

    async def withdrawn(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            del self.runs[run_id]

    async def run(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)


async def admitted(_: web.Request) -> None:
    """Everybody."""


class Desk:
    """The service's way in, with everything behind it in memory."""

    def __init__(self) -> None:
        self.clock, self.publisher, self.office = FakeClock(), FakePublisher(), Office()
        self.book = Book(self.clock)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[problems], client_max_size=MAX_BODY)
        asking = ByHand(self.office, self.book, self.publisher, self.clock)
        CalendarRoutes(Gate(), asking, self.book, self.clock).add_to(app)
        ExplainRoutes({}, admitted).add_to(app)
        return add_shell(app, Health())


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(aiohttp_client: Start, desk: Desk) -> Client:
    return await aiohttp_client(desk.app())


async def test_one_employee_is_queued(client: Client, desk: Desk) -> None:
    """With a letter beside the seven bits, which the key of the event percent-encodes."""
    answer = await client.post(SYNC, json={"kuerzel": "ÄB"}, headers=KEY)
    told = await answer.json()
    assert answer.status == 202, told
    ((topic, record),) = desk.publisher.sent
    event = decode(record.key, record.value, record.headers)
    assert (topic, record.key, event.type) == ("calendar.sync", b"%C3%84B", "calendar.sync.employee")
    assert (event.origin, event.not_before) == ("operator", None)
    assert told == {"runs": [{"kuerzel": "ÄB", "run_id": event.id}]}
    seen = await (await client.get(f"{SYNC}/{event.id}", headers=KEY)).json()
    assert (seen["state"], seen["kuerzel"], seen["counts"], seen["reason"]) == ("queued", "ÄB", {}, "")


async def test_who_began_this_minute_is_no_stranger(client: Client, desk: Desk) -> None:
    """The list of employees is kept for a while; for a Kürzel that is not in it, it is read anew."""
    desk.office.newcomer = "NEU"
    assert (await client.post(SYNC, json={"kuerzel": "NEU"}, headers=KEY)).status == 202


async def test_all_are_those_who_work_here(client: Client, desk: Desk) -> None:
    answer = await client.post(SYNC, json={"kuerzel": "ALL"}, headers={"X-Api-Key": "good"})
    told = await answer.json()
    assert [one["kuerzel"] for one in told["runs"]] == ["AB", "ÄB"]
    assert len({one["run_id"] for one in told["runs"]}) == 2
    assert len(desk.publisher.sent) == 2


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, {"kuerzel": "AB"}, 401, "unauthenticated"),
        ({**KEY, "X-Api-Key": "other"}, {"kuerzel": "AB"}, 401, "unauthenticated"),
        ({"X-Api-Key": "poor"}, {"kuerzel": "AB"}, 403, "not_allowed"),
        ({"X-Api-Key": "fast"}, {"kuerzel": "AB"}, 429, "rate"),
        ({"X-Api-Key": "away"}, {"kuerzel": "AB"}, 503, "unavailable"),
        (KEY, {"kuerzel": "XX"}, 404, "unknown_kuerzel"),
        (KEY, {"kuerzel": ""}, 400, "bad_request"),
        (KEY, {"kuerzel": 7}, 400, "bad_request"),
        (KEY, {"kuerzel": "A\nB"}, 400, "bad_request"),
        (KEY, {"kuerzel": "AB", "mode": "on"}, 400, "bad_request"),
        (KEY, ["AB"], 400, "bad_request"),
        (KEY, {"kuerzel": "x" * MAX_BODY}, 413, "too_large"),
    ],
)
async def test_a_refusal_is_a_problem(
    client: Client, desk: Desk, headers: Mapping[str, str], body: Any, status: int, code: str
) -> None:
    answer = await client.post(SYNC, data=json.dumps(body), headers=headers)
    told = await answer.json(content_type="application/problem+json")
    assert (answer.status, told["code"], told["status"]) == (status, code, status)
    assert told["type"] == f"urn:problem:calendar-sync:{code}"
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert desk.publisher.sent == []
    assert desk.book.runs == {}


async def test_trouble_of_our_own_queues_nothing(client: Client, desk: Desk) -> None:
    """A run that the broker does not have is not shown as queued for ever."""
    desk.publisher.refuse = True
    assert (await client.post(SYNC, json={"kuerzel": "AB"}, headers=KEY)).status == 503
    assert desk.book.runs == {}
    desk.office.away = True
    assert (await client.post(SYNC, json={"kuerzel": "AB"}, headers=KEY)).status == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", f"{SYNC}/unknown", 404), ("GET", f"{SYNC}/{'x' * 65}", 404), ("GET", SYNC, 405), ("GET", "/other", 404)],
)
async def test_what_is_not_there_is_a_problem(client: Client, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path, headers=KEY)
    told = await answer.json(content_type="application/problem+json")
    assert (answer.status, told["status"]) == (status, status)


async def test_the_description_says_what_is_answered(client: Client) -> None:
    """Bodies and statuses as they come are held against the description."""
    told = document()
    validate(told)
    assert await (await client.get("/openapi.json")).json() == told
    schemas = told["components"]["schemas"]
    accepted = await (await client.post(SYNC, json={"kuerzel": "AB"}, headers=KEY)).json()
    Draft202012Validator(schemas["Runs"]).validate(accepted)
    run_id = accepted["runs"][0]["run_id"]
    run = await (await client.get(f"{SYNC}/{run_id}", headers=KEY)).json()
    Draft202012Validator(schemas["Run"]).validate(run)
    refused = await (await client.post(SYNC)).json(content_type="application/problem+json")
    Draft202012Validator(schemas["Problem"]).validate(refused)
    assert set(told["paths"][SYNC]["post"]["responses"]) == {"202", "400", "401", "403", "404", "413", "429", "503"}


def test_the_file_is_the_description() -> None:
    file = Path(__file__).parents[1] / "openapi.yaml"
    assert yaml.safe_load(file.read_text()) == document()


def test_every_route_is_described(desk: Desk) -> None:
    served = {
        (route.method, route.resource.canonical)
        for route in desk.app().router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    described = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert served - {("GET", "/openapi.json")} == described - {("GET", "/openapi.json")}
