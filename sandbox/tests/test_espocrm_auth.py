"""Who may in: keys, HMAC, passwords and tokens; refusals without a body; too many failures; roles; routes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.espocrm import settings as known
from sandbox.espocrm.auth import hmac_header
from sandbox.tests.espocrm_caller import Caller, basic, sandbox

HTML = "text/html; charset=UTF-8"
LIST = "/CBeteiligte?maxSize=1"


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox() as caller:
        yield caller


def signed(path: str = "/CBeteiligte", *, secret: str = known.HMAC_SECRET_KEY, raw: bool = False) -> str:
    return hmac_header(known.HMAC_API_KEY, secret, "GET", path, raw=raw)


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Api_Key": known.API_KEY},
        {"X_Hmac_Authorization": signed()},
        {"X_Hmac_Authorization": signed(raw=True)},
        {"Authorization": "Basic " + basic("anna", "anna")},
        {"Espo_Authorization": basic("admin", "admin")},
        {"Espo_Authorization": basic("anna", "anna"), "X_Api_Key": "wrong"},
    ],
)
async def test_every_way_in_that_espocrm_has_works(caller: Caller, headers: dict[str, str]) -> None:
    assert (await caller.api("GET", LIST, by="nobody", **headers)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Api_Key": "wrong"},
        {"X_Api_Key": known.HMAC_API_KEY},
        {"X_Api_Key": known.INACTIVE_API_KEY},
        {"X_Hmac_Authorization": signed(secret="wrong")},
        {"X_Hmac_Authorization": signed("/CBeteiligte?maxSize=1")},
        {"X_Hmac_Authorization": "garbage"},
        {"Authorization": "Basic " + basic("anna", "wrong")},
        {"Authorization": "Basic " + basic(known.API_USER_NAME, known.API_KEY)},
        {"Espo_Authorization": basic("anna", "anna"), "Espo_Authorization_By_Token": "true"},
    ],
)
async def test_a_refused_login_is_an_empty_401_without_a_reason(caller: Caller, headers: dict[str, str]) -> None:
    answer = await caller.api("GET", LIST, by="nobody", **headers)
    assert (answer.status, answer.reason, answer.body, answer.content_type) == (401, None, "", HTML)


async def test_a_token_is_as_good_as_the_password(caller: Caller) -> None:
    token = (await caller.api("GET", "/App/user", by="anna")).body["token"]
    headers = {"Espo_Authorization": basic("anna", token), "Espo_Authorization_By_Token": "true"}
    assert (await caller.api("GET", LIST, by="nobody", **headers)).status == 200


async def test_more_than_ten_failures_block_the_address_even_with_the_right_key(caller: Caller) -> None:
    statuses = [(await caller.api("GET", LIST, by="nobody", X_Api_Key="wrong")).status for _ in range(12)]
    assert statuses == [401] * 11 + [403]
    blocked = await caller.api("GET", LIST)
    assert (blocked.status, blocked.reason, blocked.body, blocked.content_type) == (403, None, "", HTML)
    await caller.control("DELETE", "failed-logins")
    assert (await caller.api("GET", LIST)).status == 200


async def test_requests_without_credentials_are_not_failures(caller: Caller) -> None:
    for _ in range(13):
        assert (await caller.api("GET", LIST, by="nobody")).status == 401
    assert (await caller.api("GET", LIST)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/Nope", 404, "Controller 'Nope' does not exist."),
        ("GET", "/Lead", 403, "No read access."),
        ("POST", "/Lead", 403, "No create access."),
        ("POST", "/Notification", 403, "No create access."),
        ("GET", "/CBeteiligte/zzz/nolink", 404, ""),
        ("HEAD", "/CBeteiligte/zzz", 404, "Action HEAD 'read' does not exist in controller 'CBeteiligte'."),
    ],
)
async def test_what_is_not_there_or_not_allowed_has_its_reason(
    caller: Caller, method: str, path: str, status: int, reason: str
) -> None:
    answer = await caller.api(method, path)
    assert (answer.status, answer.reason, answer.body) == (status, reason, "")


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/CBeteiligte/zzz", 405, "405 Method Not Allowed"),
        ("PUT", "/CBeteiligte", 405, "405 Method Not Allowed"),
        ("GET", "/a/b/c/d/e/f", 404, "404 Not Found"),
        ("GET", "/CBeteiligte/zzz/", 404, "404 Not Found"),
    ],
)
async def test_routes_that_do_not_exist_are_answered_below_espocrm(
    caller: Caller, method: str, path: str, status: int, message: str
) -> None:
    answer = await caller.api(method, path)
    assert (answer.status, answer.reason, answer.body) == (status, None, {"message": message})


async def test_the_first_letter_of_a_controller_may_be_small(caller: Caller) -> None:
    assert (await caller.api("GET", "/cBeteiligte")).status == 200


async def test_maintenance_answers_503_to_all_but_admins(caller: Caller) -> None:
    await caller.control("POST", "settings", {"maintenance": True})
    answer = await caller.api("GET", LIST)
    assert (answer.status, answer.body) == (503, {"message": answer.reason})
    assert (await caller.api("GET", LIST, by="admin")).status == 200


async def test_fields_that_a_role_hides_are_neither_shown_nor_written(caller: Caller) -> None:
    record = await caller.create(lastName="Probe", betnr=7)
    await caller.control("POST", "users/advoware_sync", {"role": {"hidden": {"CBeteiligte": ["betnr"]}}})
    assert "betnr" not in (await caller.put(record, betnr=8)).body
    assert "betnr" not in (await caller.api("GET", LIST)).body["list"][0]
    whole = await caller.api("GET", f"/CBeteiligte/{record}", by="admin")
    assert whole.body["betnr"] == 7
