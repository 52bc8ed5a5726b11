"""What the remotes' contracts say beyond one record: lists, notes, desks, dying tokens, refused keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.espocrm.notes import EspoNotifier
from kanzlei.testing.tokens import FakeTokenCache
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, API_USER_NAME, OFFICE_USER_ID, Settings
from synckit.errors import AuthenticationRefused, Locked, RemoteRejected, RemoteUnavailable
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import IMPATIENT, PATIENT

Control = TestClient[Any, Any]


class Espo:
    def __init__(self, control: Control) -> None:
        self.control = control
        self.client = EspoClient(str(control.make_url("")), EspoAuth(API_KEY), PATIENT)
        self.store = EspoStore(self.client, "CBeteiligte")
        self.notifier = EspoNotifier(self.client, "CBeteiligte")

    async def notes(self) -> list[dict[str, Any]]:
        return list((await (await self.control.get("/_sandbox/notes")).json())["notes"])


class Advoware:
    def __init__(self, control: Control, clock: FakeClock, wiring: Wiring = PATIENT) -> None:
        self.control, self.clock = control, clock
        base = str(control.make_url("")).rstrip("/")
        self.cache = FakeTokenCache(clock)
        self.auth = AdvowareAuth(f"{base}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), self.cache, clock, PATIENT)
        self.client = AdvowareClient(base, self.auth, wiring)
        self.store = AdvowareBeteiligteStore(self.client)

    async def fault(self, **rule: Any) -> None:
        assert (await self.control.post("/_sandbox/faults", json=rule)).status < 300


@pytest.fixture
async def espo() -> AsyncIterator[Espo]:
    async with TestClient(TestServer(build_espocrm(Settings()))) as control:
        made = Espo(control)
        yield made
        await made.client.close()


@asynccontextmanager
async def running_advoware(wiring: Wiring = PATIENT) -> AsyncIterator[Advoware]:
    clock = FakeClock()
    async with TestClient(TestServer(build_advoware(clock=clock.now))) as control:
        made = Advoware(control, clock, wiring)
        yield made
        await made.client.close()
        await made.auth.close()


@pytest.fixture
async def advoware() -> AsyncIterator[Advoware]:
    async with running_advoware() as made:
        yield made


@pytest.fixture
async def advoware_of_the_hurried() -> AsyncIterator[Advoware]:
    async with running_advoware(IMPATIENT) as made:
        yield made


async def test_espocrm_lists_what_a_where_asks_for_and_what_changed_since(espo: Espo) -> None:
    made = [await espo.store.create({"lastName": f"Nummer {n}", "betnr": 100 + n}) for n in range(3)]
    where = [{"type": "in", "attribute": "betnr", "value": [100, 102]}]
    assert {row["betnr"] async for row in espo.store.select(where, ("betnr",))} == {100, 102}
    assert [row async for row in espo.store.select([{"type": "in", "attribute": "betnr", "value": []}])] == []
    started = made[0].changed_at
    assert started is not None
    assert {row[0] async for row in espo.store.changed_since(started)} == {each.id for each in made}
    assert [row async for row in espo.store.changed_since(started + timedelta(hours=1))] == []


async def test_espocrm_names_the_field_that_it_refuses(espo: Espo) -> None:
    with pytest.raises(RemoteRejected) as caught:
        await espo.store.create({"lastName": "a<b"})
    assert (caught.value.status, caught.value.field, caught.value.reason) == (400, "lastName", "pattern")
    assert "a<b" not in str(caught.value)


async def test_a_note_reaches_the_user_and_is_found_again(espo: Espo) -> None:
    record = await espo.store.create({"lastName": "Müller"})
    await espo.notifier.tell(record.id, OFFICE_USER_ID, "Konflikt (#a-1)")
    await espo.notifier.tell(record.id, None, "Auf dem Datensatz (#a-2)")
    assert [await espo.notifier.told(record.id, each) for each in ("#a-1", "#a-2", "#a-3")] == [True, True, False]
    assert {note["post"] for note in await espo.notes() if note["post"]} == {
        "Konflikt (#a-1)",
        "Auf dem Datensatz (#a-2)",
    }


async def test_a_note_of_a_role_without_messages_ends_on_the_stream(espo: Espo) -> None:
    record = await espo.store.create({"lastName": "Müller"})
    answer = await espo.control.post(
        f"/_sandbox/users/{API_USER_NAME}", json={"role": {"permissions": {"message": "no"}}}
    )
    assert answer.status == 200
    await espo.notifier.tell(record.id, OFFICE_USER_ID, "Konflikt (#a-1)")
    posts = [note for note in await espo.notes() if note["post"]]
    assert [(note["parentId"], note["post"]) for note in posts] == [(record.id, "Konflikt (#a-1)")]
    assert await espo.notifier.told(record.id, "#a-1")


async def test_a_refused_key_costs_espocrm_one_failed_login(espo: Espo) -> None:
    client = EspoClient(str(espo.control.make_url("")), EspoAuth("wrong"), PATIENT)
    for _ in range(30):
        with pytest.raises(AuthenticationRefused):
            await client.call("GET", "/CBeteiligte")
    await client.close()
    assert await espo.client.rows("CBeteiligte", {"maxSize": 1}) == []


async def test_a_party_open_at_a_desk_is_locked(advoware: Advoware) -> None:
    made = await advoware.store.create({"name": "Müller"})
    await advoware.control.post("/_sandbox/desk/open", json={"betNr": int(made.id)})
    with pytest.raises(Locked):
        await advoware.store.update(made.id, made.payload)
    await advoware.control.post("/_sandbox/desk/close", json={"betNr": int(made.id)})
    assert (await advoware.store.update(made.id, made.payload)).version != made.version


async def test_a_party_in_use_is_not_deleted(advoware: Advoware) -> None:
    made = await advoware.store.create({"name": "Müller"})
    await advoware.control.post(f"/_sandbox/desk/beteiligte/{made.id}/in-use", json={"in_use": True})
    with pytest.raises(RemoteRejected) as caught:
        await advoware.store.delete(made.id)
    assert caught.value.status == 403


async def test_a_dead_token_costs_one_request_to_the_token_service(advoware: Advoware) -> None:
    made = await advoware.store.create({"name": "Müller"})
    await advoware.control.post("/_sandbox/tokens/kill", json={})
    assert await advoware.store.read(made.id) is not None
    assert (await (await advoware.control.get("/_sandbox/tokens")).json())["issued"] == 2


async def test_a_wrong_password_is_tried_once(advoware: Advoware) -> None:
    wrong = AdvowareLogin(**{**asdict(DEFAULT), "password": "falsch"})
    auth = AdvowareAuth(str(advoware.control.make_url("/api/v1/Token")), wrong, advoware.cache, advoware.clock, PATIENT)
    for _ in range(10):
        with pytest.raises(AuthenticationRefused):
            await auth.token()
    await auth.close()
    assert (await (await advoware.control.get("/_sandbox/tokens")).json())["denied"] == 1


@pytest.mark.parametrize(
    ("kind", "is_stored"),
    [("timeout_after", True), ("reset_after", True), ("timeout_before", False), ("status", False), ("html", False)],
)
async def test_a_post_without_an_answer_is_found_among_the_candidates_or_was_not_made(
    advoware_of_the_hurried: Advoware, kind: str, is_stored: bool
) -> None:
    advoware = advoware_of_the_hurried
    await advoware.auth.token()
    await advoware.fault(match={"method": "POST", "path_regex": "/Beteiligte$"}, times=1, fault={"kind": kind})
    payload = {"name": "Müller", "vorname": "Anna"}
    since = advoware.clock.now() - timedelta(minutes=5)
    with pytest.raises(RemoteUnavailable) as caught:
        await advoware.store.create(payload)
    assert caught.value.maybe_applied
    assert len(await advoware.store.candidates(payload, since)) == int(is_stored)


async def test_changes_since_are_paged_and_come_once(advoware: Advoware) -> None:
    await advoware.control.post("/_sandbox/desk/beteiligte", json={"items": [{"name": f"N {n}"} for n in range(230)]})
    found = [each.id async for each in advoware.store.changed_since(advoware.clock.now() - timedelta(hours=1))]
    assert len(found) == len(set(found)) == 230
    assert [each async for each in advoware.store.changed_since(advoware.clock.now() + timedelta(hours=1))] == []
