"""The token service: what it lets in, what it refuses, and how tokens die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.advoware_caller import Caller, logged_in, token_request


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        yield caller


async def token(caller: Caller, **others: Any) -> tuple[int, Any]:
    return await caller.raw("POST", "/api/v1/Token", token_request(caller.clock, **others))


async def test_a_right_request_gets_a_token_that_opens_the_api(caller: Caller) -> None:
    status, answer = await token(caller)
    caller.token = answer["access_token"]
    assert (status, answer["expires_in"]) == (200, 3600)
    assert (await caller.api("GET", "/Beteiligte"))[0] == 200


async def test_expires_in_can_be_left_out_and_then_means_an_hour(caller: Caller) -> None:
    await caller.desk("POST", "/switches", {"expires_in": None})
    _, answer = await token(caller)
    caller.token = answer["access_token"]
    caller.clock.pass_(minutes=59)
    alive = (await caller.api("GET", "/Beteiligte"))[0]
    caller.clock.pass_(minutes=1)
    assert "expires_in" not in answer
    assert (alive, (await caller.api("GET", "/Beteiligte"))[0]) == (200, 401)


@pytest.mark.parametrize(
    "wrong",
    [
        {"HMAC512Signature": "AAAA"},
        {"HMAC512Signature": "ä"},
        {"Password": "guessed"},
        {"User": "nobody"},
        {"Kanzlei": "Nebenan"},
        {"Database": "other"},
        {"Role": "9"},
        {"Nonce": "1"},
        {"Nonce": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
        {"RequestTimeStamp": "2026-01-15T12:05:01Z"},
        {"RequestTimeStamp": "2026-01-15T11:54:59Z"},
        {"RequestTimeStamp": "2026-01-15T12:00:00"},
        {"RequestTimeStamp": "2026-01-15T13:00:00+01:00"},
        {"RequestTimeStamp": "now"},
    ],
)
async def test_anything_wrong_is_a_401(caller: Caller, wrong: dict[str, str]) -> None:
    status, answer = await token(caller, **wrong)
    assert (status, "access_token" in answer) == (401, False)
    assert (await caller.desk("GET", "/tokens"))["denied"] == 1


async def test_the_clock_may_differ_by_five_minutes(caller: Caller) -> None:
    assert (await token(caller, RequestTimeStamp="2026-01-15T12:05:00Z"))[0] == 200
    assert (await token(caller, RequestTimeStamp="2026-01-15T11:55:00.000Z"))[0] == 200


async def test_a_nonce_is_good_for_one_time(caller: Caller) -> None:
    request = token_request(caller.clock)
    first, _ = await caller.raw("POST", "/api/v1/Token", request)
    second, _ = await caller.raw("POST", "/api/v1/Token", request)
    assert (first, second) == (200, 401)


async def test_a_missing_field_is_named(caller: Caller) -> None:
    request = token_request(caller.clock)
    del request["Kanzlei"]
    status, answer = await caller.raw("POST", "/api/v1/Token", request)
    assert (status, list(answer["errors"])) == (400, ["Kanzlei"])


@pytest.mark.parametrize("header", ["", "no-token", "another"])
async def test_the_api_is_closed_without_a_living_token(caller: Caller, header: str) -> None:
    caller.token = header
    assert (await caller.api("GET", "/Beteiligte"))[0] == 401
    assert (await caller.api("GET", "/Mitarbeiter"))[0] == 401


async def test_all_tokens_can_die_at_once_and_a_new_one_works(caller: Caller) -> None:
    killed = (await caller.desk("POST", "/tokens/kill"))["killed"]
    dead = (await caller.api("GET", "/Beteiligte"))[0]
    await caller.log_in()
    assert (killed, dead, (await caller.api("GET", "/Beteiligte"))[0]) == (1, 401, 200)
    assert await caller.desk("GET", "/tokens") == {"issued": 2, "denied": 0, "alive": 1}
