"""What a sandbox says was stored: every write, by whom, and by which call."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp.test_utils import TestClient, TestServer

from sandbox.advoware.app import build as build_advoware
from sandbox.changes import ChangeLog
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, Settings

DESK = "/_sandbox/desk/beteiligte"


async def _changes(client: TestClient[Any, Any], **query: str) -> list[dict[str, Any]]:
    answer = await client.get("/_sandbox/changes", params=query)
    rows: list[dict[str, Any]] = (await answer.json())["changes"]
    return rows


async def test_espocrm_tells_a_persons_write_from_a_programs() -> None:
    async with TestClient(TestServer(build_espocrm(Settings()))) as client:
        anna = {"Authorization": aiohttp.encode_basic_auth("anna", "anna")}
        made = await (await client.post("/api/v1/CBeteiligte", json={"lastName": "Probe"}, headers=anna)).json()
        path = f"/api/v1/CBeteiligte/{made['id']}"
        body = {"user": "anna", "method": "PUT", "path": path, "body": {"titel": "Dr."}}
        await client.post("/_sandbox/as-user", json=body)
        await client.put(path, json={"zusatz": "c/o"}, headers={"X-Api-Key": API_KEY, "User-Agent": "program/1"})
        await client.delete(path, headers=anna)

        rows = await _changes(client, record=made["id"])
        calls = {call["seq"]: call for call in (await (await client.get("/_sandbox/calls")).json())["calls"]}
    assert [(row["action"], row["by"]) for row in rows] == [
        ("create", "anna"),
        ("update", "anna"),
        ("update", "advoware_sync"),
        ("delete", "anna"),
    ]
    assert rows[1]["values"]["titel"] == "Dr."
    assert rows[1]["call"] is None
    assert calls[rows[2]["call"]]["agent"] == "program/1"


async def test_advoware_tells_what_a_desk_stored_and_what_was_deleted() -> None:
    async with TestClient(TestServer(build_advoware())) as client:
        made = await (await client.post(DESK, json={"name": "Probe"})).json()
        await client.post(f"{DESK}/{made['betNr']}", json={"titel": "Dr.", "name": "Probe"})
        before = await _changes(client)
        await client.delete(f"{DESK}/{made['betNr']}")
        after = await _changes(client, since=str(before[-1]["seq"]))
    assert [(row["action"], row["by"], dict(row["values"])) for row in before] == [
        ("create", "desk", {"name": "Probe"}),
        ("update", "desk", {"titel": "Dr."}),
    ]
    assert [(row["action"], row["record"]) for row in after] == [("delete", str(made["betNr"]))]


def test_the_log_is_bounded_and_its_numbers_go_on() -> None:
    log = ChangeLog(capacity=2)
    for number in range(4):
        log.add("Thing", str(number), "create", "desk", {})
    assert [change.record for change in log.find()] == ["2", "3"]
    assert [change.record for change in log.find(since=3)] == ["3"]
    assert list(log.find(since=4)) == []
