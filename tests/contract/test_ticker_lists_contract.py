"""The ticker's questions against the sandboxes: who is found, in which order, at what cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from kanzlei.advoware.auth import AdvowareAuth, AdvowareLogin
from kanzlei.advoware.client import AdvowareBeteiligteStore, AdvowareClient
from kanzlei.espocrm.client import EspoAuth, EspoClient
from kanzlei.testing.tokens import FakeTokenCache
from recordsync.testing.memory import FakeLinks
from sandbox.advoware.app import build as build_advoware
from sandbox.advoware.credentials import DEFAULT
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, API_USER_ID, Settings
from synckit.http.wiring import Wiring
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT, PATIENT_LIMITS
from ticker.adapters.lists import AdvowareLists, EspoLists
from ticker.handlers import ChangedAtDesk, Modified, WaitingStates

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class EspoDesk:
    """A sandbox EspoCRM, filled from outside, and its calls counted."""

    def __init__(self, client: TestClient[Any, Any], url: str) -> None:
        self._client = client
        self.calls: list[str] = []
        wiring = Wiring(
            limits=PATIENT_LIMITS, on_call=lambda upstream, method, code, seconds: self.calls.append(f"{method} {code}")
        )
        espocrm = EspoClient(url, EspoAuth(API_KEY), wiring)
        self.lists = EspoLists(espocrm)
        self.close = espocrm.close

    async def seed(self, *rows: dict[str, Any]) -> None:
        for start in range(0, len(rows), 1000):
            answer = await self._client.post("/_sandbox/state", json={"CBeteiligte": rows[start : start + 1000]})
            assert answer.status == 200, await answer.text()


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def row(number: int, at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"id": f"5b{number:015x}", "lastName": f"n{number}", "createdAt": stamp(at), "modifiedAt": stamp(at), **more}


@pytest.fixture
async def espocrm() -> AsyncIterator[EspoDesk]:
    server = TestServer(build_espocrm(Settings()))
    async with TestClient(server) as client:
        desk = EspoDesk(client, str(server.make_url("")).rstrip("/"))
        yield desk
        await desk.close()


async def test_exactly_the_waiting_are_found(espocrm: EspoDesk) -> None:
    hour, day = timedelta(hours=1), timedelta(hours=25)
    past, future = stamp(NOON - hour), stamp(NOON + hour)
    expected = [
        row(1, syncStatus="pending_sync"),
        row(2, syncStatus="dirty"),
        row(3, NOON - day, syncStatus="failed"),
        row(4, syncStatus="failed", syncNextRetry=past),
        row(5, NOON - day, syncStatus="permanently_failed"),
        row(6, syncStatus="permanently_failed", syncNextRetry=past),
        row(7, NOON - hour, syncStatus="syncing"),
    ]
    await espocrm.seed(
        *expected,
        row(11, syncStatus="clean"),
        row(12, syncStatus="failed", syncNextRetry=future),
        row(13, NOON - hour, syncStatus="permanently_failed"),
        row(14, NOON - day, syncStatus="permanently_failed", syncNextRetry=future),
        row(15, syncStatus="syncing"),
        row(16, NOON - day, syncStatus="deleted_in_advoware"),
        row(17, NOON - day, syncStatus="conflict"),
    )
    found = await WaitingStates(espocrm.lists, FakeClock(NOON), stale_syncing=timedelta(minutes=10)).find()
    assert sorted(found.ids) == [one["id"] for one in expected]
    assert espocrm.calls == ["GET 200"]


async def test_hundreds_that_wait_are_all_found(espocrm: EspoDesk) -> None:
    await espocrm.seed(*(row(number, syncStatus="dirty") for number in range(450)))
    found = await WaitingStates(espocrm.lists, FakeClock(NOON), stale_syncing=timedelta(minutes=10)).find()
    assert len(set(found.ids)) == 450
    assert len(espocrm.calls) == 3


async def test_what_was_modified_is_found_but_for_our_own_trace(espocrm: EspoDesk) -> None:
    await espocrm.seed(row(1, NOON - timedelta(days=3)), row(2), row(3, NOON + timedelta(seconds=1)))
    store, clock = FakeLinks(), FakeClock(NOON + timedelta(minutes=1))
    found = await Modified(espocrm.lists, store, clock, overlap=timedelta(minutes=2)).find()
    assert list(found.ids) == [row(2)["id"], row(3)["id"]]
    assert await espocrm.lists.our_user() == API_USER_ID


async def test_ten_thousand_unchanged_records_cost_a_handful_of_calls(espocrm: EspoDesk) -> None:
    old = NOON - timedelta(days=30)
    await espocrm.seed(*(row(number, old, syncStatus="clean") for number in range(10_000)))
    clock = FakeClock(NOON)
    waiting = await WaitingStates(espocrm.lists, clock, stale_syncing=timedelta(minutes=10)).find()
    modified = await Modified(espocrm.lists, FakeLinks(), clock, overlap=timedelta(minutes=2)).find()
    assert (list(waiting.ids), list(modified.ids)) == ([], [])
    assert len(espocrm.calls) <= 4


async def test_a_desks_change_is_found_by_its_row_id() -> None:
    clock = FakeClock(NOON)
    server = TestServer(build_advoware(clock=clock.now))
    async with TestClient(server):
        base = str(server.make_url("")).rstrip("/")
        auth = AdvowareAuth(
            f"{base}/api/v1/Token", AdvowareLogin(**asdict(DEFAULT)), FakeTokenCache(clock), clock, PATIENT
        )
        client = AdvowareClient(base, auth, PATIENT)
        records = AdvowareBeteiligteStore(client)
        store = LinkedTo(str((await records.create({"name": "a"})).id))
        lists = AdvowareLists(records)
        found = await ChangedAtDesk(lists, store, clock, overlap=timedelta(minutes=2), limit=1000).find()
        assert list(found.ids) == ["left"]
        store.version = str((await records.read(store.right_id)).version)  # type: ignore[union-attr]
        found = await ChangedAtDesk(lists, store, clock, overlap=timedelta(minutes=2), limit=1000).find()
        assert (list(found.ids), found.seen) == ([], 1)
        await client.close()
        await auth.close()


class LinkedTo(FakeLinks):
    """One linked party, of which we saw `version` last."""

    def __init__(self, right_id: str) -> None:
        super().__init__()
        self.right_id = right_id
        self.version = "never"

    async def linked(self, right_ids: Any) -> dict[str, str]:
        return {self.right_id: "left"} if self.right_id in right_ids else {}

    async def right_versions_known(self, right_ids: Any) -> dict[str, str]:
        return {self.right_id: self.version}
