"""The Advoware client: token single flight and latch, tolerated shapes, and answers that must not be believed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin, Token
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient, local_to_utc, utc_to_local
from kanzlei.testing.tokens import FakeTokenCache
from synckit.errors import AuthenticationRefused, Locked, RateLimited, RemoteRejected, RemoteUnavailable
from synckit.http.answer import parse_retry_after
from synckit.http.client import HttpClient
from synckit.http.wiring import HttpLimits, Wiring
from synckit.redis.locks import LockTimes, RedisLease
from synckit.testing.clock import FakeClock
from synckit.testing.patience import ABRUPT_LIMITS, PATIENT_LIMITS
from synckit.testing.scripted_http import ScriptedServer

KEY = base64.b64encode(b"a key of no value").decode()
LOGIN = AdvowareLogin("app", "64", KEY, "Kanzlei", "db", "user", "2", "geheim")
PARTY = {"betNr": 101, "rowId": "AAA=", "name": "Müller", "geaendertAm": "2026-06-01T12:00:00"}


class Replica:
    """One process: its own memory, the shared cache."""

    def __init__(self, api: str, tokens: str, cache: FakeTokenCache, clock: FakeClock, limits: HttpLimits) -> None:
        self.refusals: list[str] = []
        wiring = Wiring(
            limits=replace(limits, concurrency=20),
            on_refused=self.refusals.append,
            monotonic=clock.monotonic,
        )
        self.auth = AdvowareAuth(tokens + "/api/v1/Token", LOGIN, cache, clock, wiring)
        self.client = AdvowareClient(api, self.auth, wiring)
        self.store = AdvowareBeteiligteStore(self.client)

    async def close(self) -> None:
        await self.client.close()
        await self.auth.close()


class Advoware:
    """API and token service, scripted, and one replica. A token is there unless the test takes it away."""

    def __init__(self, api: ScriptedServer, tokens: ScriptedServer) -> None:
        self.api, self.tokens, self.clock = api, tokens, FakeClock()
        self.cache = FakeTokenCache(self.clock)
        self.replicas: list[Replica] = []
        self.one = self.replica()
        self.store = self.one.store

    def replica(self, limits: HttpLimits = PATIENT_LIMITS) -> Replica:
        made = Replica(self.api.url, self.tokens.url, self.cache, self.clock, limits)
        self.replicas.append(made)
        return made

    def has_token(self, value: str = "token-0") -> None:
        self.cache.token = Token(value, self.clock.now() + timedelta(minutes=30), LOGIN.fingerprint)


@pytest.fixture
async def advoware() -> AsyncIterator[Advoware]:
    async with ScriptedServer() as api, ScriptedServer() as tokens:
        made = Advoware(api, tokens)
        yield made
        for replica in made.replicas:
            await replica.close()


async def test_the_token_request_is_signed_as_the_contract_says(advoware: Advoware) -> None:
    advoware.tokens.says(200, {"access_token": "t"})
    assert await advoware.one.auth.token() == "t"
    sent = advoware.tokens.asked[0].json()
    text = f"64:app:{sent['Nonce']}:{sent['RequestTimeStamp']}"
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha512).digest()
    assert sent["HMAC512Signature"] == base64.b64encode(digest).decode()
    assert uuid.UUID(sent["Nonce"]).version == 4
    assert sent["RequestTimeStamp"] == "2026-06-01T12:00:00.000Z"
    assert (sent["AppID"], sent["Kanzlei"], sent["Database"]) == ("app", "Kanzlei", "db")
    assert (sent["User"], sent["Role"], sent["Product"], sent["Password"]) == ("user", "2", "64", "geheim")


async def test_ten_callers_in_three_replicas_cost_one_token_request(advoware: Advoware) -> None:
    advoware.tokens.says(200, {"access_token": "t"})
    replicas = [advoware.replica() for _ in range(3)]
    got = await asyncio.gather(*(replicas[n % 3].auth.token() for n in range(10)))
    assert got == ["t"] * 10
    assert len(advoware.tokens.asked) == 1


@pytest.mark.parametrize(
    ("told", "usable"),
    [
        ({}, 3300),
        ({"expires_in": 3600}, 3300),
        ({"expires_in": "600"}, 300),
        ({"expires_in": 60}, 30),
        ({"expires_in": -1}, 3300),
    ],
)
async def test_a_token_is_dead_five_minutes_early(advoware: Advoware, told: dict[str, Any], usable: int) -> None:
    advoware.tokens.says(200, {"access_token": "one", **told}).says(200, {"access_token": "two"})
    assert await advoware.one.auth.token() == "one"
    advoware.clock.advance(usable - 1)
    assert await advoware.one.auth.token() == "one"
    advoware.clock.advance(1)
    assert await advoware.one.auth.token() == "two"


async def test_a_refused_login_is_left_alone_by_all_replicas_for_ten_minutes(advoware: Advoware) -> None:
    advoware.tokens.says(401).says(200, {"access_token": "t"})
    second = advoware.replica()
    for auth in [advoware.one.auth, second.auth] * 5:
        with pytest.raises(AuthenticationRefused):
            await auth.token()
    assert len(advoware.tokens.asked) == 1
    assert (advoware.one.refusals, second.refusals) == (["advoware_auth"], [])
    advoware.clock.advance(601)
    assert await second.auth.token() == "t"


async def test_another_configuration_is_tried_at_once(advoware: Advoware) -> None:
    advoware.tokens.says(401).says(200, {"access_token": "t"})
    with pytest.raises(AuthenticationRefused):
        await advoware.one.auth.token()
    repaired = AdvowareLogin("app", "64", KEY, "Kanzlei", "db", "user", "2", "richtig")
    auth = AdvowareAuth(advoware.tokens.url, repaired, advoware.cache, advoware.clock)
    assert await auth.token() == "t"
    await auth.close()


@pytest.mark.parametrize(
    ("status", "body"), [(500, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"access_token": ""}')]
)
async def test_a_token_service_in_trouble_hides_no_write_and_is_not_latched(
    advoware: Advoware, status: int, body: bytes
) -> None:
    advoware.tokens.says(status, body=body).says(200, {"access_token": "t"})
    with pytest.raises(RemoteUnavailable) as caught:
        await advoware.store.create({"name": "x"})
    assert not caught.value.maybe_applied
    assert await advoware.one.auth.token() == "t"


async def test_without_the_cache_a_token_in_memory_still_serves(advoware: Advoware) -> None:
    advoware.tokens.says(200, {"access_token": "t"})
    await advoware.one.auth.token()
    advoware.cache.away = True
    assert await advoware.one.auth.token() == "t"
    with pytest.raises(RemoteUnavailable):
        await advoware.replica().auth.token()


async def test_a_token_that_died_early_is_replaced_once_and_the_call_repeated(advoware: Advoware) -> None:
    advoware.has_token("old")
    advoware.tokens.says(200, {"access_token": "new"})
    advoware.api.says(401).says(200, [PARTY])
    found = await advoware.store.read("101")
    assert found is not None
    assert [each.headers["Authorization"] for each in advoware.api.asked] == ["Bearer old", "Bearer new"]


async def test_where_all_tokens_died_at_once_another_replicas_is_not_taken_for_a_new_one(advoware: Advoware) -> None:
    advoware.has_token("ours")
    advoware.api.says(200, [PARTY])
    await advoware.store.read("101")
    advoware.has_token("theirs")
    advoware.tokens.says(200, {"access_token": "new"})
    advoware.api.says(401).says(401).says(200, [PARTY])
    assert await advoware.store.read("101") is not None
    used = [each.headers["Authorization"].removeprefix("Bearer ") for each in advoware.api.asked]
    assert used == ["ours", "ours", "theirs", "new"]
    assert len(advoware.tokens.asked) == 1


async def test_a_fresh_token_that_is_refused_costs_no_token_request_a_call(advoware: Advoware) -> None:
    advoware.has_token("old")
    advoware.tokens.says(200, {"access_token": "new"})
    advoware.api.says(401).says(401)
    for _ in range(10):
        with pytest.raises(AuthenticationRefused):
            await advoware.store.read("101")
    assert (len(advoware.api.asked), len(advoware.tokens.asked)) == (2, 1)


@pytest.mark.parametrize("answer", [PARTY, [PARTY], {**PARTY, "betNr": "101"}])
async def test_both_shapes_of_a_single_record_are_read(advoware: Advoware, answer: Any) -> None:
    advoware.has_token()
    advoware.api.says(200, answer)
    found = await advoware.store.read("101")
    assert found is not None
    assert (found.id, found.version, found.changed_at) == ("101", "AAA=", datetime(2026, 6, 1, 10, tzinfo=UTC))


async def test_gone_is_what_the_api_itself_calls_gone(advoware: Advoware) -> None:
    advoware.has_token()
    advoware.api.says(404, {"message": "nicht gefunden"}).says(404)
    assert [await advoware.store.read("101") for _ in range(2)] == [None, None]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"[]"),
        (200, b""),
        (200, b"{}"),
        (200, b'[{"betNr": 102, "rowId": "x"}]'),
        (200, b'[{"betNr": 101}]'),
        (200, b'[{"betNr": 101, "rowId": null}]'),
        (200, b'[{"betNr": 101, "rowId": "x"}, {"betNr": 101, "rowId": "y"}]'),
        (200, b'[{"betNr": 101, "ro'),
        (200, b"<!DOCTYPE html>"),
        (404, b"<html>404</html>"),
        (404, b"404: Not Found"),
        (502, b"<html>"),
    ],
)
async def test_an_answer_that_is_not_the_record_never_reads_as_gone(
    advoware: Advoware, status: int, body: bytes
) -> None:
    advoware.has_token()
    advoware.api.says(status, body=body)
    with pytest.raises(RemoteUnavailable) as caught:
        await advoware.store.read("101")
    assert not caught.value.maybe_applied


async def test_a_created_party_without_row_id_costs_one_more_get(advoware: Advoware) -> None:
    advoware.has_token()
    advoware.api.says(201, {"betNr": 101, "name": "Müller"}).says(200, [PARTY]).says(201, PARTY)
    assert (await advoware.store.create({"name": "Müller"})).version == "AAA="
    assert [each.method for each in advoware.api.asked] == ["POST", "GET"]
    assert (await advoware.store.create({"name": "Müller"})).version == "AAA="
    assert [each.method for each in advoware.api.asked] == ["POST", "GET", "POST"]


async def test_a_created_party_that_can_not_be_read_back_may_have_been_made(advoware: Advoware) -> None:
    advoware.has_token()
    advoware.api.says(201, {"betNr": 101}).says(503)
    with pytest.raises(RemoteUnavailable) as caught:
        await advoware.store.create({"name": "Müller"})
    assert caught.value.maybe_applied


async def test_the_put_answer_is_what_was_stored_and_costs_no_get(advoware: Advoware) -> None:
    advoware.has_token()
    advoware.api.says(200, [{**PARTY, "rowId": "BBB=", "name": "gekürzt"}])
    stored = await advoware.store.update("101", {"name": "gekürzt und mehr"})
    assert (stored.version, stored.payload["name"]) == ("BBB=", "gekürzt")
    assert len(advoware.api.asked) == 1


@pytest.mark.parametrize("trouble", ["silence", "reset", "cut_short"])
async def test_a_lost_answer_of_a_post_may_have_been_applied(advoware: Advoware, trouble: Any) -> None:
    advoware.has_token()
    advoware.api.says(201, PARTY, trouble=trouble)
    with pytest.raises(RemoteUnavailable) as caught:
        await advoware.replica(ABRUPT_LIMITS).store.create({"name": "Müller"})
    assert caught.value.maybe_applied


async def test_a_post_that_waits_for_its_token_or_its_turn_is_never_sent_later(advoware: Advoware) -> None:
    hurried = Wiring(limits=replace(PATIENT_LIMITS, whole=0.2))
    auth = AdvowareAuth(advoware.tokens.url, LOGIN, advoware.cache, advoware.clock, hurried)
    client = AdvowareClient(advoware.api.url, auth, hurried)
    advoware.tokens.says(trouble="silence")
    with pytest.raises(RemoteUnavailable):
        await client.call("POST", "/Beteiligte", body={})
    assert advoware.api.asked == []
    await client.close()
    await auth.close()


async def test_a_write_whose_lease_ended_while_it_waited_for_its_token_is_never_sent(
    advoware: Advoware, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a process that was frozen just there."""
    lease = RedisLease("p1", advoware.clock, LockTimes())
    lease.renewed(advoware.clock.monotonic())
    advoware.has_token()
    read = advoware.cache.read

    async def frozen() -> Token | None:
        advoware.clock.advance(30)
        return await read()

    monkeypatch.setattr(advoware.cache, "read", frozen)
    with pytest.raises(Locked):
        await lease.during(advoware.store.update("101", {"name": "Müller"}))
    assert advoware.api.asked == []


@pytest.mark.parametrize(("has_effects", "counted"), [(True, []), (False, ["200"])])
async def test_a_request_that_a_lease_refused_is_not_counted_and_one_without_effects_is_not_refused(
    advoware: Advoware, has_effects: bool, counted: list[str]
) -> None:
    calls: list[str] = []
    wiring = Wiring(limits=PATIENT_LIMITS, on_call=lambda _upstream, _method, code, _seconds: calls.append(code))
    client = HttpClient("advoware", advoware.api.url, wiring, has_effects=has_effects)
    advoware.api.says(200, {})
    lease = RedisLease("p1", advoware.clock, LockTimes())
    lease.renewed(advoware.clock.monotonic())

    async def frozen() -> None:
        advoware.clock.advance(30)
        await client.send("POST", "/")

    with pytest.raises(Locked) if has_effects else nullcontext() as refused:
        await lease.during(frozen())
    assert (calls, len(advoware.api.asked)) == (counted, len(counted))
    assert refused is None or not refused.value.maybe_applied
    await client.close()


async def test_what_the_statuses_mean(advoware: Advoware) -> None:
    advoware.has_token()
    said = {"message": "Müller ist geheim", "errors": {"geburtsdatum": ["Müller zu früh"]}}
    advoware.api.says(409).says(409).says(429, headers={"Retry-After": "3"}).says(400, said).says(403, said)
    with pytest.raises(Locked):
        await advoware.store.update("101", {})
    with pytest.raises(RemoteRejected):
        await advoware.store.create({})
    with pytest.raises(RateLimited) as limited:
        await advoware.store.read("101")
    assert limited.value.retry_after == 3
    advoware.clock.advance(3)
    with pytest.raises(RemoteRejected) as refused:
        await advoware.store.update("101", {})
    assert (refused.value.status, refused.value.field) == (400, "geburtsdatum")
    assert "Müller" not in str(refused.value)
    with pytest.raises(RemoteRejected) as in_use:
        await advoware.store.delete("101")
    assert in_use.value.status == 403


async def test_candidates_are_asked_for_by_name_and_local_time_over_all_pages(advoware: Advoware) -> None:
    advoware.has_token()
    page = [{**PARTY, "betNr": n, "name": "Müller-Lüdenscheidt"} for n in range(1, 101)]
    advoware.api.says(200, page).says(200, [{**PARTY, "betNr": 101, "geaendertAm": None}])
    found = await advoware.store.candidates({"name": " Müller"}, datetime(2026, 6, 1, 11, 55, tzinfo=UTC))
    assert [(each.id, each.changed_at) for each in found] == [("101", None)]
    queries = [parse_qs(urlsplit(each.target).query) for each in advoware.api.asked]
    assert queries[0] == {"name": ["Müller"], "geaendertSeit": ["2026-06-01T13:55:00"], "skip": ["0"], "take": ["100"]}
    assert queries[1]["skip"] == ["100"]


async def test_candidates_are_found_however_their_name_is_spelled(advoware: Advoware) -> None:
    """An older release posted letters in parts: asked for as posted and as of today, and compared in one form."""
    advoware.has_token()
    posted = "Mu\u0308ller\u200b"
    advoware.api.says(200, []).says(
        200, [{**PARTY, "betNr": 7, "name": "MÜLLER"}, {**PARTY, "betNr": 8, "name": "Muller"}]
    )
    found = await advoware.store.candidates({"name": posted}, datetime(2026, 6, 1, tzinfo=UTC))
    assert [each.id for each in found] == ["7"]
    assert [parse_qs(urlsplit(each.target).query)["name"] for each in advoware.api.asked] == [[posted], ["Müller"]]


async def test_a_list_that_repeats_its_page_ends_with_an_error(advoware: Advoware) -> None:
    advoware.has_token()
    page = [{**PARTY, "betNr": n} for n in range(1, 101)]
    advoware.api.says(200, page).says(200, page)
    with pytest.raises(RemoteUnavailable):
        _ = [each async for each in advoware.store.changed_since(datetime(2026, 6, 1, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-06-01T12:00:00", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-12-01T12:00:00.123", datetime(2026, 12, 1, 11, 0, 0, 123000, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-06-01T12:00:00Z", datetime(2026, 6, 1, 12, tzinfo=UTC)),
        (None, None),
        ("gestern", None),
    ],
)
def test_local_times_become_utc(local: str | None, utc: datetime | None) -> None:
    assert local_to_utc(local) == utc


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        (datetime(2026, 6, 1, 10, tzinfo=UTC), "2026-06-01T12:00:00"),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), "2026-10-25T01:30:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25T01:30:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25T02:30:00"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "2026-03-29T01:59:00"),
    ],
)
def test_nothing_that_changes_from_then_on_is_before_the_local_time_asked_for(utc: datetime, local: str) -> None:
    assert utc_to_local(utc) == local


def test_secrets_never_show() -> None:
    token = Token("geheimes-token", datetime(2026, 6, 1, tzinfo=UTC))
    assert "geheim" not in repr(LOGIN) + repr(token)
    assert KEY not in repr(LOGIN)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("999999", 3600.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Mon, 01 Jun 2026 12:00:30 GMT", 30.0),
        ("Mon, 01 Jun 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_an_hour(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, lambda: datetime(2026, 6, 1, 12, tzinfo=UTC)) == seconds
