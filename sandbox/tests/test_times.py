"""Clocks that are off and times that are lies, in both sandboxes; people see the records as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.advoware.app import build as build_advoware
from sandbox.clocks import TIME_LIES
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, Settings
from sandbox.tests.advoware_caller import logged_in

SHORT = timedelta(minutes=1)


def seconds_ahead(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("offset", [600, -600])
async def test_espocrm_runs_ahead_or_behind(offset: int) -> None:
    """Its own stamps and the header Date; null lets it run right again."""
    async with TestClient(TestServer(build_espocrm(Settings()))) as client:
        await client.post("/_sandbox/clock", json={"offset": offset})
        answer = await client.post("/api/v1/CBeteiligte", json={"lastName": "Probe"}, headers={"X-Api-Key": API_KEY})
        assert abs(seconds_ahead(answer.headers["Date"]) - offset) < SHORT.seconds
        stamp = datetime.strptime((await answer.json())["modifiedAt"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        assert abs((stamp - datetime.now(UTC)).total_seconds() - offset) < SHORT.seconds
        answer = await client.post("/_sandbox/clock", json={})
        assert abs(seconds_ahead(answer.headers["Date"])) < SHORT.seconds


async def test_a_clock_is_off_by_a_number_of_seconds() -> None:
    for app in (build_espocrm(Settings()), build_advoware()):
        async with TestClient(TestServer(app)) as client:
            for wrong in ("10", True, 1e12):
                assert (await client.post("/_sandbox/clock", json={"offset": wrong})).status == 400


async def test_advoware_runs_ahead() -> None:
    """What a desk saves is dated by it."""
    async with logged_in() as caller:
        created = await caller.desk("POST", "/desk/beteiligte", {"name": "Probe"})
        await caller.desk("POST", "/clock", {"offset": 600})
        changed = await caller.desk("POST", f"/desk/beteiligte/{created['betNr']}", {"titel": "Dr."})
    times = [datetime.fromisoformat(each["geaendertAm"]) for each in (created, changed)]
    assert times[1] - times[0] == timedelta(seconds=600)


@pytest.mark.parametrize("lie", TIME_LIES)
async def test_espocrm_lies_about_times_to_api_users(lie: str) -> None:
    key = {"X-Api-Key": API_KEY}
    async with TestClient(TestServer(build_espocrm(Settings()))) as client:
        made = await (await client.post("/api/v1/CBeteiligte", json={"lastName": "Probe"}, headers=key)).json()
        await client.post("/_sandbox/lie", json={"times": lie})
        path = f"/api/v1/CBeteiligte/{made['id']}"
        written = await (await client.put(path, json={"lastName": "Neu"}, headers=key)).json()
        read = await (await client.get(path, headers=key)).json()
        listed = (await (await client.get("/api/v1/CBeteiligte", headers=key)).json())["list"][0]
        assert made["modifiedAt"] not in {each["modifiedAt"] for each in (written, read, listed)}
        person = {"user": "anna", "method": "GET", "path": f"/CBeteiligte/{made['id']}"}
        seen = (await (await client.post("/_sandbox/as-user", json=person)).json())["body"]
        assert abs(datetime.fromisoformat(seen["modifiedAt"]) - datetime.fromisoformat(made["modifiedAt"])) < SHORT
        assert (await client.post("/_sandbox/lie", json={"times": "true"})).status == 400


@pytest.mark.parametrize("lie", TIME_LIES)
async def test_advoware_lies_about_times_to_the_api(lie: str) -> None:
    async with logged_in() as caller:
        created = await caller.desk("POST", "/desk/beteiligte", {"name": "Probe"})
        await caller.desk("POST", "/switches", {"geaendert_am_lie": lie})
        told = await caller.party(created["betNr"])
        assert told["geaendertAm"] != created["geaendertAm"]
        shown = await caller.desk("GET", f"/desk/beteiligte/{created['betNr']}")
        assert shown["geaendertAm"] == created["geaendertAm"]
