"""`POST /google/push`: whose channel it is says the token alone, and only what the broker has is answered with 200."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from kanzlei.calendar_events import push_token
from recordsync.testing.memory import FakePublisher
from synckit.events import decode
from synckit.testing.clock import FakeClock
from webhook_ingress.domain.openapi import document
from webhook_ingress.domain.paths import PUSH_PATH
from webhook_ingress.routes import Limits

Client = TestClient[web.Request, web.Application]
Start = Callable[[web.Application], Awaitable[Client]]
Make = Callable[..., web.Application]
CHANNEL = "c0ffee-0001"
PUSH_SECRET = "0123456789abcdef0123456789abcdef"
NOW = FakeClock().now()
SOON = NOW + timedelta(days=7)


def headers(state: str = "exists", channel: str = CHANNEL, token: str | None = None) -> Mapping[str, str]:
    """As Google sends them."""
    return {
        "X-Goog-Channel-ID": channel,
        "X-Goog-Channel-Token": push_token(PUSH_SECRET, CHANNEL, "ÄB", SOON) if token is None else token,
        "X-Goog-Channel-Expiration": "Tue, 08 Dec 2026 09:00:00 GMT",
        "X-Goog-Resource-ID": "r1",
        "X-Goog-Resource-URI": "https://www.googleapis.com/calendar/v3/calendars/x/events?alt=json",
        "X-Goog-Resource-State": state,
        "X-Goog-Message-Number": "17",
    }


@pytest.mark.parametrize("state", ["exists", "not_exists"])
async def test_a_message_is_one_event_of_its_employee(aiohttp_client: Start, make_app: Make, state: str) -> None:
    publisher = FakePublisher()
    client = await aiohttp_client(make_app(publisher, push_secret=PUSH_SECRET))
    answer = await client.post(PUSH_PATH, headers=headers(state))
    assert (answer.status, await answer.json()) == (200, {})
    ((topic, record),) = publisher.sent
    event = decode(record.key, record.value, record.headers)
    assert (topic, record.key) == ("calendar.sync", b"%C3%84B")
    assert (event.type, event.origin, event.entity_id) == ("calendar.sync.employee", "google", "%C3%84B")


async def test_a_sync_message_is_answered_and_nothing_more(aiohttp_client: Start, make_app: Make) -> None:
    publisher = FakePublisher()
    client = await aiohttp_client(make_app(publisher, push_secret=PUSH_SECRET))
    assert (await client.post(PUSH_PATH, headers=headers("sync"))).status == 200
    assert publisher.sent == []


def strangers() -> dict[str, Mapping[str, str]]:
    good = push_token(PUSH_SECRET, CHANNEL, "AB", SOON)
    key, until, proof = good.rsplit(".", 2)
    return {
        "nothing": {},
        "another channel's": headers(channel="c0ffee-0002", token=good),
        "another's name": headers(token=f"CD.{until}.{proof}"),
        "a later end": headers(token=f"{key}.{int(until) + 1}.{proof}"),
        "over": headers(token=push_token(PUSH_SECRET, CHANNEL, "AB", NOW)),
        "another secret": headers(token=push_token("x" * 32, CHANNEL, "AB", SOON)),
        "a piece": headers(token=good[:-1]),
        "capitals": headers(token=f"{key}.{until}.{proof.upper()}"),
        "no token": headers(token=""),
        "letters": headers(token="ä.ö.ü"),
        "sync of a stranger": headers("sync", token="x"),
        "no channel": headers(channel="", token=push_token(PUSH_SECRET, "", "AB", SOON)),
        "too long": headers(channel="c" * 65, token=push_token(PUSH_SECRET, "c" * 65, "AB", SOON)),
    }


@pytest.mark.parametrize("who", strangers())
async def test_a_stranger_gets_404(aiohttp_client: Start, make_app: Make, who: str) -> None:
    publisher = FakePublisher()
    client = await aiohttp_client(make_app(publisher, push_secret=PUSH_SECRET))
    answer = await client.post(PUSH_PATH, headers=strangers()[who])
    assert (answer.status, await answer.json()) == (404, {"error": "unknown_channel"})
    assert publisher.sent == []


async def test_without_a_secret_all_are_strangers(aiohttp_client: Start, make_app: Make) -> None:
    client = await aiohttp_client(make_app(FakePublisher(), push_secret=""))
    signed_with_nothing = push_token("", CHANNEL, "AB", SOON)
    assert (await client.post(PUSH_PATH, headers=headers(token=signed_with_nothing))).status == 404


async def test_trouble_of_our_own_is_503(aiohttp_client: Start, make_app: Make) -> None:
    """Google sends such a message again."""
    publisher = FakePublisher()
    publisher.refuse = True
    client = await aiohttp_client(make_app(publisher, push_secret=PUSH_SECRET))
    busy = await aiohttp_client(make_app(FakePublisher(), limits=Limits(in_flight=0), push_secret=PUSH_SECRET))
    for asked in (client, busy):
        answer = await asked.post(PUSH_PATH, headers=headers())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_the_description_names_every_answer(aiohttp_client: Start, make_app: Make) -> None:
    assert set(document()["paths"][PUSH_PATH]["post"]["responses"]) == {"200", "404", "503"}
    client = await aiohttp_client(make_app(FakePublisher()))
    assert (await client.get(PUSH_PATH)).status == 405
