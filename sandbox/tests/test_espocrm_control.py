"""The control API, the page, the call log with faults, and the sandbox as a process."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from deploy.local.waiting import LONG
from sandbox.espocrm import settings as known
from sandbox.tests.espocrm_caller import CREDENTIALS, Caller, sandbox

CPU_SECONDS = 10.0
"""Of this process, so that others on the machine do not count; a scan of everything takes many times more."""


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox(profile="office") as caller:
        yield caller


async def test_calls_are_counted_by_record_and_caller_but_not_edits_as_a_user(caller: Caller) -> None:
    record = await caller.create(lastName="Probe")
    await caller.read(record)
    await caller.put(record, betnr=3)
    edit = {"user": "anna", "method": "PUT", "path": f"/CBeteiligte/{record}", "body": {"betnr": 4}}
    done = await caller.control("POST", "as-user", edit)
    assert (done["status"], done["body"]["betnr"], done["body"]["modifiedByName"]) == (200, 4, "Anna Anwältin")
    counted = await caller.control("GET", f"calls/count?record={record}&caller={known.API_USER_NAME}")
    assert (counted["total"], counted["writes"]) == (3, 2)


async def test_faults_hit_the_rest_api_before_or_after_the_effect(caller: Caller) -> None:
    rule = {"match": {"method": "POST", "path_regex": "/CBeteiligte$"}, "times": 1, "fault": {"kind": "reset_after"}}
    await caller.control("POST", "faults", rule)
    with pytest.raises(aiohttp.ClientError):
        await caller.api("POST", "/CBeteiligte", {"lastName": "Probe"})
    assert (await caller.api("GET", "/CBeteiligte")).body["total"] == 1
    await caller.control("POST", "faults", {"times": 1, "fault": {"kind": "empty_list"}})
    assert (await caller.api("GET", "/CBeteiligte")).body == {"total": 0, "list": []}


async def test_reset_forgets_everything_and_can_change_the_profile(caller: Caller) -> None:
    await caller.create(lastName="Probe")
    changed = await caller.control("POST", "reset", {"profile": "recording", "version": "9.2.7"})
    assert (changed["profile"], changed["version"]) == ("recording", "9.2.7")
    assert (await caller.api("GET", "/CBeteiligte")).body["total"] == 0
    kontakte = await caller.api("GET", "/Metadata?key=entityDefs.CBeteiligte.fields.kontakte")
    assert kontakte.body == {"type": "linkMultiple"}


async def test_state_that_is_dumped_can_be_seeded_again(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", emailAddress="a@x.de", phoneNumber="+49511123")
    before = await caller.read(record)
    dumped = await caller.control("GET", "state?entity=CBeteiligte")
    await caller.control("POST", "reset")
    await caller.control("POST", "state", dumped)
    assert await caller.read(record) == before
    assert (await caller.control("GET", "webhooks"))["events_pending"] == 0


async def test_a_snapshot_brings_the_state_back(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", betnr=1)
    number = (await caller.control("POST", "snapshots"))["snapshot"]
    await caller.put(record, betnr=2)
    await caller.create(lastName="Zweite")
    await caller.control("POST", f"snapshots/{number}")
    assert (await caller.api("GET", "/CBeteiligte")).body["total"] == 1
    assert (await caller.read(record))["betnr"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"nope": 1}),
        ("reset", {"profile": "nope"}),
        ("clock", {"now": "gestern"}),
        ("state", {"Nope": []}),
        ("as-user", {"user": "niemand"}),
    ],
)
async def test_a_wrong_control_request_is_a_400(caller: Caller, path: str, body: dict[str, object]) -> None:
    async with caller.client.post(f"/_sandbox/{path}", json=body) as response:
        assert response.status == 400


async def test_a_person_creates_edits_and_deletes_on_the_page_as_anna(caller: Caller) -> None:
    form = {"firstName": "Ida", "lastName": "<Sommer>", "syncStatus": "pending_sync", "xaiSyncActive": "false"}
    async with caller.client.post("/_page/save/CBeteiligte", data=form) as response:
        assert "Nicht gespeichert (400)" in await response.text()
    form["lastName"] = "Sommer"
    async with caller.client.post("/_page/save/CBeteiligte", data=form) as response:
        text = await response.text()
        record = str(response.url.query["id"])
    assert "Gespeichert." in text
    assert "Ida Sommer" in text
    async with caller.client.post(f"/_page/save/CBeteiligte/{record}", data={"titel": "Dr. & <b>"}) as response:
        assert "Dr. &amp; &lt;b&gt;" in await response.text()
    stored = await caller.read(record)
    assert (stored["titel"], stored["firstName"], stored["createdByName"]) == ("Dr. & <b>", "Ida", "Anna Anwältin")
    async with caller.client.post(f"/_page/delete/CBeteiligte/{record}") as response:
        assert "Gelöscht." in await response.text()
    assert (await caller.api("GET", f"/CBeteiligte/{record}")).status == 404


async def test_the_page_shows_notes_and_the_queue_and_every_record_type(caller: Caller) -> None:
    note = {"type": "Post", "targetType": "self", "post": "Bitte <prüfen>"}
    await caller.api("POST", "/Note", note)
    for kind in ("CBeteiligte", "CAdressen", "CBankverbindungen", "CDokumente", "CVmhErstgespraech", "Account"):
        async with caller.client.get(f"/?typ={kind}") as response:
            text = await response.text()
        assert response.status == 200
        assert "Bitte &lt;prüfen&gt;" in text
        assert "0 wartend" in text
    for part in ("list/CBeteiligte", "notes", "queue"):
        async with caller.client.get(f"/_page/{part}") as response:
            assert response.status == 200


async def test_ten_thousand_records_are_read_by_id_without_a_scan(caller: Caller) -> None:
    rows = [{"id": f"7f{number:015x}", "lastName": f"Nr {number}", "betnr": number} for number in range(10_000)]
    await caller.control("POST", "state", {"CBeteiligte": rows})
    started = time.process_time()
    for number in range(0, 10_000, 500):
        assert (await caller.read(str(rows[number]["id"])))["betnr"] == number
    where = "where[0][type]=equals&where[0][attribute]=betnr&where[0][value]=9000"
    assert (await caller.api("GET", f"/CBeteiligte?{where}")).body["total"] == 1
    assert time.process_time() - started < CPU_SECONDS


async def test_the_process_prints_its_address_and_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.espocrm",
        "--port",
        "0",
        "--dispatch-interval",
        "0.2",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), LONG)).decode()
        assert line.startswith("espocrm sandbox listening on http://127.0.0.1:")
        async with aiohttp.ClientSession() as session:
            url = line.rsplit(" ", 1)[1].strip()
            async with session.get(f"{url}/api/v1/CBeteiligte", headers=CREDENTIALS["api"]) as response:
                assert response.status == 200
            process.terminate()
            assert await asyncio.wait_for(process.wait(), LONG) == 0
    finally:
        if process.returncode is None:
            process.kill()
