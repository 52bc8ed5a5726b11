"""Erstgespräche with the real adapters on the sandbox EspoCRM: lists in order, a write that minds what people save."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from beteiligte_sync.consultations import ConsultationHandler
from kanzlei.consultations import NEW, NOUN, WAITING, check_event
from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from kanzlei.office_hours import office_hours
from recordsync.mapping.codecs import espo_time
from sandbox.espocrm.app import build
from sandbox.espocrm.settings import API_KEY, Settings
from synckit.errors import RemoteRejected, RemoteUnavailable, StaleVersion
from synckit.handling import Attempt
from synckit.testing.clock import FakeClock
from synckit.testing.patience import PATIENT
from ticker.adapters.lists import EspoConsultations
from ticker.consultations import ConsultationsDue

KIND = NOUN.espocrm
MONDAY = datetime(2026, 6, 1, 10, tzinfo=UTC)
HOURS = office_hours("Mon-Fri 08:00-18:00")


class Office:
    """The sandbox, our adapters on it, and Anna at her screen."""

    def __init__(self, client: TestClient[Any, Any], url: str) -> None:
        self._client = client
        self.espocrm = EspoClient(url, EspoAuth(API_KEY), PATIENT)
        self.records = EspoStore(self.espocrm, KIND)
        self.clock = FakeClock(MONDAY)
        self.look = ConsultationsDue(EspoConsultations(self.espocrm), HOURS, self.clock)
        self.handler = ConsultationHandler(self.records, HOURS, self.clock)

    async def seed(self, *rows: dict[str, Any]) -> None:
        await self.sandbox("POST", "/_sandbox/state", {KIND: list(rows)})

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self._client.request(method, path, json=body)
        assert answer.status < 300, await answer.text()
        return await answer.json()

    async def anna(self, method: str, record_id: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": aiohttp.encode_basic_auth("anna", "anna")}
        path = f"/api/v1/{KIND}/{record_id}"
        answer = await self._client.request(method, path, json=body, headers=headers)
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found

    async def handled(self, record_id: str) -> str:
        event = check_event(record_id, "ticker", MONDAY)
        return (await self.handler.handle(event, Attempt(1, 0.0, (event,)))).result

    async def writes(self) -> int:
        calls = (await self.sandbox("GET", "/_sandbox/calls"))["calls"]
        return sum(call["method"] == "PUT" and call["caller"] != "anna" for call in calls)


def row(number: int, due: datetime | None, status: str = WAITING) -> dict[str, Any]:
    shown = espo_time(due) if due else None
    return {"id": f"5c{number:015x}", "name": f"n{number}", "status": status, "nextCall": shown}


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    server = TestServer(build(Settings()))
    async with TestClient(server) as client:
        made = Office(client, str(server.make_url("")).rstrip("/"))
        yield made
        await made.espocrm.close()


async def test_what_waits_and_is_due_is_found_the_longest_due_first(office: Office) -> None:
    hour = timedelta(hours=1)
    await office.seed(
        row(1, MONDAY - hour),
        row(2, MONDAY - 3 * hour),
        row(3, MONDAY - 2 * hour),
        row(4, MONDAY + timedelta(seconds=1)),
        row(5, None),
        row(6, MONDAY - hour, "In Bearbeitung"),
        row(7, MONDAY),
    )
    found = await office.look.find()
    assert [int(one[2:], 16) for one in found.ids] == [2, 3, 1, 7]


async def test_a_night_of_them_is_found_over_pages(office: Office) -> None:
    await office.seed(*(row(number, MONDAY - timedelta(minutes=number // 3)) for number in range(450)))
    found = await office.look.find()
    assert len(found.ids) == len(set(found.ids)) == 450


async def test_one_is_new_again_and_once(office: Office) -> None:
    await office.seed(row(1, MONDAY - timedelta(hours=1)))
    one = row(1, None)["id"]
    assert [await office.handled(one) for _ in range(3)] == ["reset", "left_alone", "left_alone"]
    assert (await office.anna("GET", one))["status"] == NEW
    assert await office.writes() == 1
    assert list((await office.look.find()).ids) == []


async def test_a_write_after_a_persons_is_refused_and_then_leaves_it_alone(office: Office) -> None:
    await office.seed(row(1, MONDAY - timedelta(hours=1)))
    one = row(1, None)["id"]
    seen = await office.records.read(one)
    assert seen is not None
    assert seen.version is not None
    await office.anna("PUT", one, {"status": "In Bearbeitung"})
    with pytest.raises(StaleVersion):
        await office.records.update_unmoved(one, {"status": NEW}, seen.version)
    assert await office.handled(one) == "left_alone"
    assert (await office.anna("GET", one))["status"] == "In Bearbeitung"


async def test_a_new_time_of_the_call_is_a_persons_write_too(office: Office) -> None:
    await office.seed(row(1, MONDAY - timedelta(hours=1)))
    one = row(1, None)["id"]
    seen = await office.records.read(one)
    assert seen is not None
    await office.anna("PUT", one, {"nextCall": espo_time(MONDAY + timedelta(days=1))})
    with pytest.raises(StaleVersion):
        await office.records.update_unmoved(one, {"status": NEW}, seen.version)
    assert await office.handled(one) == "not_due"


async def test_a_lost_answer_is_found_done(office: Office) -> None:
    await office.seed(row(1, MONDAY - timedelta(hours=1)))
    one = row(1, None)["id"]
    await office.sandbox("POST", "/_sandbox/faults", {"fault": {"kind": "reset_after"}, "match": {"method": "PUT"}})
    with pytest.raises(RemoteUnavailable):
        await office.handled(one)
    await office.sandbox("DELETE", "/_sandbox/faults")
    assert await office.handled(one) == "left_alone"
    assert (await office.anna("GET", one))["status"] == NEW


async def test_a_refused_write_changes_nothing_and_is_permanent(office: Office) -> None:
    await office.seed(row(1, MONDAY - timedelta(hours=1)))
    one = row(1, None)["id"]
    fault = {"kind": "status", "status": 403, "headers": {"X-Status-Reason": "No edit access."}}
    await office.sandbox("POST", "/_sandbox/faults", {"fault": fault, "match": {"method": "PUT"}})
    with pytest.raises(RemoteRejected):
        await office.handled(one)
    assert (await office.anna("GET", one))["status"] == WAITING


async def test_one_that_was_deleted_is_gone(office: Office) -> None:
    assert await office.handled("5c00000000000000f") == "gone"
