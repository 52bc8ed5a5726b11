"""`GET /explain/{noun}/{id}`: who may ask, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from kanzlei.callers.gate import Gate
from kanzlei.callers.grants import Caller, Grant, Rate, digest_of, new_secret
from kanzlei.callers.inside import Inside
from synckit.errors import RemoteUnavailable
from synckit.service.explain import Explained, ExplainRoutes
from synckit.testing.buckets import FakeBuckets
from synckit.testing.clock import FakeClock

Client = TestClient[web.Request, web.Application]
Start = Callable[[web.Application], Awaitable[Client]]
KEY_ID, SECRET = new_secret()
KEY = {"Authorization": f"Bearer {KEY_ID}.{SECRET}"}
PASSED_ON = {"X-Forwarded-For": "203.0.113.9"}
"""As through a proxy on the same host: loopback proves nothing then."""


class Parties:
    """`a1` would be written, `away` can't be said, all else is unknown."""

    async def explain(self, name: str) -> Explained | None:
        if name == "away":
            raise RemoteUnavailable("espocrm", "no answer", retry_after=7.2)
        return Explained("updated", {"espocrm": 1, "advoware": 2}, {"espocrm": "a1"}) if name == "a1" else None


class Calendars(Parties):
    async def names(self) -> Sequence[str]:
        return ["AB", "ÄB"]


class Known:
    def __init__(self, *grants: str) -> None:
        clock = FakeClock()
        caller = Caller(
            KEY_ID, digest_of(SECRET), tuple(map(Grant.parse, grants)), Rate(60, 2), clock.now() + timedelta(days=1)
        )
        self.callers = {KEY_ID: caller}

    async def known(self) -> Mapping[str, Caller]:
        return self.callers


def app(*grants: str, may_run: bool = True) -> web.Application:
    clock = FakeClock()
    inside = Inside(Gate("beteiligte-sync", Known(*grants), FakeBuckets(clock), clock))
    explainers = {"beteiligte": Parties(), "sync": Calendars()}
    return ExplainRoutes(explainers, inside.admit, lambda: may_run).add_to(web.Application())


async def test_a_record_is_explained_on_the_host(aiohttp_client: Start) -> None:
    client = await aiohttp_client(app())
    answer = await client.get("/explain/beteiligte/a1")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert await answer.json() == {
        "noun": "beteiligte",
        "id": "a1",
        "ids": {"espocrm": "a1"},
        "outcome": "updated",
        "writes": {"espocrm": 1, "advoware": 2},
    }


@pytest.mark.parametrize("noun", ["beteiligte", "sync"])
@pytest.mark.parametrize("may_run", [True, False])
async def test_a_noun_says_whether_it_would_run(aiohttp_client: Start, noun: str, may_run: bool) -> None:
    client = await aiohttp_client(app(may_run=may_run))
    assert await (await client.get(f"/explain/{noun}")).json() == {"noun": noun, "may_run": may_run}
    named = await (await client.get(f"/explain/{noun}?names=1")).json()
    assert named["names"] == (["AB", "ÄB"] if noun == "sync" else None)


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/explain/beteiligte/b2", "unknown_record", 404),
        ("/explain/beteiligte/%00", "unknown_record", 404),
        (f"/explain/beteiligte/{'x' * 101}", "unknown_record", 404),
        ("/explain/dokumente/a1", "unknown_noun", 404),
        ("/explain/beteiligte/away", "unavailable", 503),
    ],
)
async def test_a_refusal_is_a_problem(aiohttp_client: Start, path: str, code: str, status: int) -> None:
    client = await aiohttp_client(app())
    answer = await client.get(path)
    told = await answer.json()
    assert (answer.status, told["code"], answer.content_type) == (status, code, "application/problem+json")
    assert answer.headers.get("Retry-After") == ("8" if status == 503 else None)


@pytest.mark.parametrize(
    ("grant", "headers", "status"),
    [
        ("GET /explain/:word/:word", KEY, 200),
        ("GET /explain/beteiligte/:word", KEY, 200),
        ("GET /explain/sync/:word", KEY, 403),
        ("GET /explain/:word/:word", {}, 401),
        ("GET /explain/:word/:word", {"X-Api-Key": f"{KEY_ID}.{'x' * 43}"}, 401),
    ],
)
async def test_from_elsewhere_a_key_is_needed(
    aiohttp_client: Start, grant: str, headers: dict[str, str], status: int
) -> None:
    client = await aiohttp_client(app(grant))
    answer = await client.get("/explain/beteiligte/a1", headers={**PASSED_ON, **headers})
    assert answer.status == status, await answer.text()
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_key_is_slowed_down(aiohttp_client: Start) -> None:
    client = await aiohttp_client(app("GET /explain/:word/:word"))
    statuses = [(await client.get("/explain/beteiligte/a1", headers={**PASSED_ON, **KEY})).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
async def test_nothing_but_a_question_is_taken(aiohttp_client: Start, method: str) -> None:
    client = await aiohttp_client(app())
    assert (await client.request(method, "/explain/beteiligte/a1")).status == 405
