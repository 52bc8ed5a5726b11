"""What a person is told of a remote: refused credentials once and in readiness, bad rows once an hour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from structlog.testing import capture_logs

from kanzlei import remotes
from kanzlei.espocrm.client import EspoAuth, EspoClient
from synckit.errors import AuthenticationRefused
from synckit.http.wiring import Wiring
from synckit.service import metrics
from synckit.service.remote_trouble import AGAIN_SECONDS, MOST_ROWS, BadRows
from synckit.service.server import Health, add_shell
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT_LIMITS
from synckit.testing.scripted_http import Line, ScriptedServer

Start = Callable[[web.Application], Awaitable[TestClient[web.Request, web.Application]]]


def measured(name: str, upstream: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, {"upstream": upstream}) or 0.0


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


async def test_a_wrong_key_is_one_line_and_not_ready(aiohttp_client: Start, logged: list[Any]) -> None:
    """From the 401 on the wire to the body of `/health/ready`, and back when the key is good again."""
    credentials, clock = remotes.credentials(), FakeClock()
    wiring = Wiring(
        limits=PATIENT_LIMITS,
        monotonic=clock.monotonic,
        on_refused=credentials.refused,
        on_accepted=credentials.accepted,
    )
    asked = await aiohttp_client(add_shell(web.Application(), Health(credentials.checks(), kept=0.0)))
    async with ScriptedServer() as server:
        client = EspoClient(server.url, EspoAuth("wrong"), wiring)
        server.otherwise = Line(401)
        for _ in range(20):
            with pytest.raises(AuthenticationRefused):
                await client.call("GET", "/CBeteiligte/5a1")
            clock.advance(60)
        ready = await asked.get("/health/ready")
        assert (ready.status, (await ready.json())["failing"]) == (503, ["espocrm_credentials"])
        assert measured("sync_upstream_auth_refused", "espocrm") == 1
        errors = [line for line in logged if line["log_level"] == "error"]
        assert [line["upstream"] for line in errors] == ["espocrm"]
        assert "ESPOCRM_API_KEY" in errors[0]["hint"]
        clock.advance(120)
        server.otherwise = Line(200, b'{"id": "5a1"}')
        await client.call("GET", "/CBeteiligte/5a1")
        await client.close()
    assert (await asked.get("/health/ready")).status == 200
    assert measured("sync_upstream_auth_refused", "espocrm") == 0
    assert logged[-1]["event"] == "credentials_accepted"


async def test_a_remark_takes_nothing_away(aiohttp_client: Start) -> None:
    """The proxy stays ready: only a call of its callers can find that the login is good again."""
    credentials = remotes.credentials()
    asked = await aiohttp_client(add_shell(web.Application(), Health(remarks=credentials.checks(), kept=0.0)))
    assert await (await asked.get("/health/ready")).json() == {"status": "ready"}
    credentials.refused("advoware_auth")
    answer = await asked.get("/health/ready")
    assert (answer.status, (await answer.json())["degraded"]) == (200, ["advoware_credentials"])


def test_each_upstream_has_its_variables(logged: list[Any]) -> None:
    """And the line fits into the log."""
    credentials = remotes.credentials()
    for upstream in remotes.WHAT_TO_DO:
        credentials.refused(upstream)
    assert len(logged) == len(remotes.WHAT_TO_DO)
    assert all(len(line["hint"]) <= 200 for line in logged)
    assert {line["hint"].partition("_")[0].rpartition(" ")[2] for line in logged} == {"ESPOCRM", "ADVOWARE"}


def test_what_stays_refused_is_told_again_after_an_hour(logged: list[Any]) -> None:
    """A line that rolled out of the log days ago helps nobody."""
    clock = FakeClock()
    credentials = remotes.credentials(clock.monotonic)
    for _ in range(10):
        credentials.refused("espocrm")
        clock.advance(AGAIN_SECONDS / 4)
    assert len(logged) == 3


def test_a_bad_row_is_counted_always_and_told_hourly(logged: list[Any]) -> None:
    """By its id alone."""
    clock = FakeClock()
    rows = BadRows(clock.monotonic)
    before = measured("sync_bad_rows_total", "advoware")
    for _ in range(8):
        rows.skipped("advoware", "/Beteiligte", "101")
        rows.skipped("advoware", "/Beteiligte", "")
        clock.advance(AGAIN_SECONDS / 4)
    assert measured("sync_bad_rows_total", "advoware") == before + 16
    assert [line["row_id"] for line in logged] == ["101", None] * 2


def test_very_many_bad_rows_are_not_all_told(logged: list[Any]) -> None:
    """What is remembered of them is bounded, and free again after an hour."""
    clock = FakeClock()
    rows = BadRows(clock.monotonic)
    for number in range(3 * MOST_ROWS):
        rows.skipped("advoware", "/Beteiligte", str(number))
    assert len(logged) == MOST_ROWS
    clock.advance(AGAIN_SECONDS)
    rows.skipped("advoware", "/Beteiligte", "one more")
    assert len(logged) == MOST_ROWS + 1
