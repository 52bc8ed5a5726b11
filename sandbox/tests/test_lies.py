"""The twelve lies of both sandboxes: told to the product, to nobody else, and gone when they end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.advoware.app import BASE
from sandbox.advoware.lies import LIES as ADVOWARE_LIES
from sandbox.espocrm.app import build
from sandbox.espocrm.lies import LIES as ESPO_LIES
from sandbox.espocrm.settings import Settings
from sandbox.tests.advoware_caller import Caller, logged_in
from sandbox.tests.espocrm_caller import CREDENTIALS

Espo = TestClient[web.Request, web.Application]
PEOPLE = (("Paula", "Probe"), ("Otto", "Ohne"), ("Vera", "Vogel"))


@pytest.fixture
async def espo() -> AsyncIterator[Espo]:
    async with TestClient(TestServer(build(Settings(webhooks_enabled=False)))) as client:
        for number, (first, last) in enumerate(PEOPLE):
            row = {"id": f"r{number}", "firstName": first, "lastName": last, "dateOfBirth": "1980-02-29"}
            await client.post("/_sandbox/state", json={"CBeteiligte": [row]})
        yield client


@pytest.fixture
async def advoware() -> AsyncIterator[Caller]:
    async with logged_in() as caller:
        for first, last in PEOPLE:
            await caller.create(name=last, vorname=first, geburtsdatum="1980-02-29T00:00:00")
        yield caller


async def read(client: Espo, path: str, headers: dict[str, str]) -> tuple[int, Any, str]:
    async with client.get(path, headers=headers) as answer:
        text, reason = await answer.text(), answer.headers.get("X-Status-Reason", "")
        try:
            return answer.status, json.loads(text), reason
        except ValueError:
            return answer.status, None, reason


async def espo_tells(espo: Espo, by: str = "api") -> tuple[tuple[int, Any, str], tuple[int, Any, str]]:
    path = "/api/v1/CBeteiligte"
    return await read(espo, f"{path}/r0", CREDENTIALS[by]), await read(espo, path, CREDENTIALS[by])


async def advoware_tells(advoware: Caller) -> tuple[tuple[int, Any, str], tuple[int, Any, str]]:
    headers = {"Authorization": f"Bearer {advoware.token}"}
    path = f"{BASE}/Beteiligte"
    return await read(advoware.client, f"{path}/10001", headers), await read(advoware.client, path, headers)


def test_both_know_the_same_twelve() -> None:
    assert set(ADVOWARE_LIES) == set(ESPO_LIES)
    assert len(ESPO_LIES) == 12


@pytest.mark.parametrize("lie", sorted(ESPO_LIES))
async def test_espocrm_lies_to_api_users_and_not_to_people(espo: Espo, lie: str) -> None:
    truth = await espo_tells(espo)
    assert (await espo.post("/_sandbox/lie", json={"lie": lie})).status == 200
    if lie == "old_snapshot":
        await espo.post("/_sandbox/state", json={"CBeteiligte": [{"id": "r0", "lastName": "Neu"}]})
        assert await espo_tells(espo) == truth
        assert (await espo_tells(espo, "anna"))[0][1]["lastName"] == "Neu"
        return
    single, several = await espo_tells(espo)
    assert (single, several) != truth
    assert (single == truth[0]) is (lie == "half_list")
    assert (await espo_tells(espo, "anna"))[0][1]["lastName"] == "Probe"
    await espo.post("/_sandbox/lie", json={"lie": None})
    assert await espo_tells(espo) == truth


@pytest.mark.parametrize("lie", sorted(ADVOWARE_LIES))
async def test_advoware_lies_to_the_api_and_not_to_desks(advoware: Caller, lie: str) -> None:
    truth = await advoware_tells(advoware)
    await advoware.desk("POST", "/switches", {"lie": lie})
    if lie == "old_snapshot":
        await advoware.desk("POST", "/desk/beteiligte/10001", {"name": "Neu"})
        assert await advoware_tells(advoware) == truth
    else:
        told = await advoware_tells(advoware)
        assert told != truth
        assert (told[0] == truth[0]) is (lie == "half_list")
    shown = await advoware.desk("GET", "/desk/beteiligte/10001")
    assert shown["name"] == ("Neu" if lie == "old_snapshot" else "Probe")
    await advoware.desk("POST", "/switches", {"lie": None})
    assert (await advoware_tells(advoware))[0][1][0]["name"] == shown["name"]


async def test_what_is_said_not_to_exist_is_said_as_espocrm_says_it(espo: Espo) -> None:
    await espo.post("/_sandbox/lie", json={"lie": "not_found"})
    (status, _, reason), (_, several, _) = await espo_tells(espo)
    assert (status, reason, several["list"]) == (404, "Record r0 does not exist.", [])


async def test_an_unknown_lie_is_refused(espo: Espo) -> None:
    assert (await espo.post("/_sandbox/lie", json={"lie": "truth"})).status == 400
