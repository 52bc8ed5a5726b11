"""Advoware's token service: what is its trouble, what speaks of our login, and how often it is asked."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin, Token
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.testing.tokens import FakeTokenCache
from synckit.errors import AuthenticationRefused, CircuitOpen, RemoteUnavailable, TransientError
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT_LIMITS
from synckit.testing.scripted_http import Line, ScriptedServer

LOGIN = AdvowareLogin("app", "64", base64.b64encode(b"no value").decode(), "Kanzlei", "db", "user", "2", "geheim")
PAGE = b"<!DOCTYPE html><html>Not Found</html>"


@dataclass
class Service:
    """The token service, and replicas that share a cache."""

    server: ScriptedServer

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.cache = FakeTokenCache(self.clock)
        self.hooks: list[str] = []
        self.used_until: list[datetime] = []
        self.made: list[AdvowareAuth] = []

    def replica(self, login: AdvowareLogin = LOGIN) -> AdvowareAuth:
        wiring = Wiring(
            limits=PATIENT_LIMITS,
            monotonic=self.clock.monotonic,
            on_refused=lambda upstream: self.hooks.append(f"refused {upstream}"),
            on_left_alone=lambda upstream: self.hooks.append(f"left alone {upstream}"),
            on_accepted=lambda upstream: self.hooks.append(f"accepted {upstream}"),
            on_token=lambda _upstream, until: self.used_until.append(until),
        )
        self.made.append(AdvowareAuth(self.server.url, login, self.cache, self.clock, wiring))
        return self.made[-1]


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with ScriptedServer() as server:
        made = Service(server)
        yield made
        for auth in made.made:
            await auth.close()


TROUBLE = [
    (400, b'{"message": "Nonce"}'),
    (400, b""),
    (404, b""),
    (404, PAGE),
    (405, b""),
    (408, b""),
    (409, b""),
    (415, b""),
    (422, b"{}"),
    (429, b""),
    (301, b""),
    (500, b""),
    (503, PAGE),
    (403, PAGE),
    (200, b""),
    (200, PAGE),
    (200, b"{}"),
    (200, b"[]"),
    (200, b"null"),
    (200, b'"token"'),
    (200, b'{"access_token": 7}'),
    (200, b'{"access_token": "two words"}'),
    (200, b'{"access_token": "t\\r\\nX-Injected: b"}'),
    (200, b'{"access_token": "M\\u00fcller"}'),
    (204, b""),
]


@pytest.mark.parametrize(("status", "body"), TROUBLE)
async def test_trouble_of_the_service_latches_nothing(service: Service, status: int, body: bytes) -> None:
    """Asked again at once by us and by another replica, and nobody is told of wrong credentials."""
    service.server.says(status, body=body).says(200, {"access_token": "t"})
    with pytest.raises(TransientError):
        await service.replica().token()
    assert await service.replica().token() == "t"
    assert service.hooks == ["accepted advoware_auth"]


@pytest.mark.parametrize(
    ("status", "body"), [(401, b""), (401, PAGE), (401, b"{}"), (403, b""), (403, b'{"message": "x"}')]
)
async def test_a_refused_login_is_told_by_each_replica(service: Service, status: int, body: bytes) -> None:
    """One request of all of them in ten minutes, also where IIS adds a page for people to its 401."""
    service.server.says(status, body=body).says(200, {"access_token": "t"})
    one, two = service.replica(), service.replica()
    for auth in (one, two, one):
        with pytest.raises(AuthenticationRefused):
            await auth.token()
    assert len(service.server.asked) == 1
    assert service.hooks == ["refused advoware_auth", "left alone advoware_auth", "left alone advoware_auth"]
    service.clock.advance(601)
    assert [await auth.token() for auth in (one, two)] == ["t", "t"]
    assert service.hooks[3:] == ["accepted advoware_auth"] * 2


@pytest.mark.parametrize("tail", ["A" * 60, "B" * 60])
async def test_any_change_of_the_login_ends_the_latch(service: Service, tail: str) -> None:
    """Also one at the end of a long key."""
    long = base64.b64encode(b"x" * 60).decode()
    refused = replace(LOGIN, api_key=long + base64.b64encode(b"C" * 60).decode())
    service.server.says(401).says(200, {"access_token": "t"})
    with pytest.raises(AuthenticationRefused):
        await service.replica(refused).token()
    repaired = replace(refused, api_key=long + base64.b64encode(tail.encode()).decode())
    assert await service.replica(repaired).token() == "t"


async def test_a_service_in_trouble_is_asked_ever_more_rarely(service: Service) -> None:
    """After three failures in a row in pauses of 1 to 30 seconds, by one caller; then at once again."""
    service.server.otherwise = Line(404)
    auth = service.replica()
    for _ in range(600):
        with pytest.raises(RemoteUnavailable):
            await auth.token()
        service.clock.advance(0.5)
    assert 10 <= len(service.server.asked) <= 25
    with pytest.raises(CircuitOpen) as waits:
        await auth.token()
    assert 0 < (waits.value.retry_after or 0) <= 30
    assert not auth.may_call()
    service.server.otherwise = Line(200, b'{"access_token": "t"}')
    service.clock.advance(30)
    assert await auth.token() == "t"
    assert auth.may_call()


async def test_a_page_with_the_401_of_a_dead_token(service: Service) -> None:
    """The token is replaced all the same."""
    async with ScriptedServer() as api:
        service.cache.token = Token("old", service.clock.now() + timedelta(minutes=30), LOGIN.fingerprint)
        service.server.says(200, {"access_token": "new"})
        api.says(401, body=PAGE).says(200, [{"betNr": 1, "rowId": "x"}])
        client = AdvowareClient(api.url, service.replica(), Wiring(limits=PATIENT_LIMITS))
        assert await AdvowareBeteiligteStore(client).read("1") is not None
        await client.close()


@pytest.mark.parametrize(
    ("told", "usable"),
    [
        (10**400, 3300),
        (10**20, 86_100),
        (1e308, 86_100),
        ("1e400", 3300),
        ("Infinity", 3300),
        (True, 3300),
        (0, 3300),
        (-(10**30), 3300),
        ([], 3300),
        (0.000001, 10),
        ("900", 600),
    ],
)
async def test_a_lifetime_is_between_seconds_and_a_day(service: Service, told: Any, usable: int) -> None:
    """Five minutes early, or half of what is too short for that."""
    service.server.says(200, {"access_token": "one", "expires_in": told}).says(200, {"access_token": "two"})
    auth, began = service.replica(), service.clock.now()
    assert await auth.token() == "one"
    assert service.used_until == [began + timedelta(seconds=usable)]
    service.clock.advance(usable - 1)
    assert await auth.token() == "one"
    service.clock.advance(2)
    assert await auth.token() == "two"


@given(st.text(max_size=200), st.text(max_size=200))
def test_two_logins_have_two_fingerprints(one: str, other: str) -> None:
    """Whatever part of the key differs."""
    same = replace(LOGIN, api_key=one).fingerprint == replace(LOGIN, api_key=other).fingerprint
    assert same == (one == other)
