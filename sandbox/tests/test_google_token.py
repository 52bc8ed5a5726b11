"""The token service: which assertions it takes, for whom, and what it says to the others."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from sandbox.google.app import KEY
from sandbox.google.scopes import METHODS, PREFIX
from sandbox.google.service_account import CLIENT_EMAIL, ROLE_ACCOUNT, ServiceAccount, account_of, new_account
from sandbox.google.tokens import GRANT
from sandbox.tests.google_caller import SB, SCOPES, Caller, office, reason
from sandbox.tests.google_schema import methods

AUDIENCE = "https://oauth2.googleapis.com/token"
NOT_THERE = {
    "freebusy.query",
    "colors.get",
    "settings.get",
    "settings.list",
    "settings.watch",
    "events.quickAdd",
    "calendars.transferOwnership",
    "acl.watch",
    "calendarList.watch",
}


async def token(caller: Caller, key: ServiceAccount | None = None, grant: str = GRANT, **claims: Any) -> Any:
    """What the service answers to an assertion that is right but for these claims."""
    signer = key or caller.client.app[KEY]
    now = int(caller.clock().timestamp())
    told = {"iss": CLIENT_EMAIL, "sub": SB, "aud": AUDIENCE, "scope": " ".join(SCOPES), "iat": now, "exp": now + 3600}
    signed = jwt.encode(told | claims, signer.key, algorithm="RS256", headers={"kid": signer.key_id})
    async with caller.client.post("/token", data={"grant_type": grant, "assertion": signed}) as answer:
        return answer.status, await answer.json()


async def test_an_assertion_becomes_a_token_for_its_subject() -> None:
    async with office() as caller:
        _, told = await token(caller)
        _, listed = await caller.api("GET", "/users/me/calendarList", token=told["access_token"])
        caller.clock.pass_(hours=1)
        dead = await caller.api("GET", "/users/me/calendarList", token=told["access_token"])
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3599)
    assert [row["id"] for row in listed["items"]] == [SB]
    assert reason(dead) == (401, "authError")


@pytest.mark.parametrize(
    ("claims", "status", "code"),
    [
        ({"iss": "someone@else.iam.gserviceaccount.com"}, 400, "invalid_grant"),
        ({"aud": "https://example.org/token"}, 400, "invalid_grant"),
        ({"sub": "stranger@kanzlei.example"}, 400, "invalid_grant"),
        ({"iat": 0, "exp": 3600}, 400, "invalid_grant"),
        ({"exp": None}, 400, "invalid_grant"),
        ({"scope": PREFIX + "drive"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_assertion_is_refused(claims: dict[str, Any], status: int, code: str) -> None:
    async with office() as caller:
        seen, told = await token(caller, **claims)
    assert (seen, told["error"]) == (status, code)


async def test_another_key_is_refused() -> None:
    async with office() as caller:
        seen, told = await token(caller, new_account())
        other = await token(caller, grant="password")
    assert (seen, told) == (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
    assert other[1]["error"] == "unsupported_grant_type"


async def test_a_clock_that_is_off_is_refused() -> None:
    async with office() as caller:
        await caller.control("POST", "/clock", {"offset": 7200})
        status, told = await token(caller)
    assert (status, "timeframe" in told["error_description"]) == (400, True)


async def test_delegation_can_be_missing_whole_or_in_part() -> None:
    async with office() as caller:
        await caller.control("POST", "/google/delegation", {"scopes": []})
        none = await token(caller)
        await caller.control("POST", "/google/delegation", {"scopes": [SCOPES[0]]})
        part = await token(caller)
        await caller.control("POST", "/google/delegation", {"scopes": None})
        whole = await token(caller)
    assert (none[0], none[1]["error"]) == (401, "unauthorized_client")
    assert (part[0], part[1]["error"]) == (403, "access_denied")
    assert whole[0] == 200


async def test_an_account_joins_and_leaves_the_domain() -> None:
    new = "neu@kanzlei.example"
    async with office() as caller:
        before = (await token(caller, sub=new))[0]
        assert (await caller.control("POST", "/google/accounts", {"email": new}))[0] == 201
        after = (await token(caller, sub=new))[0]
        assert (await caller.control("DELETE", f"/google/accounts/{new}"))[0] == 204
        gone = (await token(caller, sub=new))[0]
        nonsense = await caller.control("POST", "/google/accounts", {"email": "nobody"})
    assert (before, after, gone, nonsense[0]) == (400, 200, 400, 400)


async def test_a_key_file_is_kept_over_a_restart(tmp_path: Any) -> None:
    file = tmp_path / "key.json"
    first = account_of(file)
    first.write(file, "http://127.0.0.1:1")
    assert account_of(file).key_id == first.key_id
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("{}")
    assert account_of(file).key_id != first.key_id


def test_scopes_are_those_of_googles_description() -> None:
    described = {
        name: frozenset(scope.removeprefix(PREFIX) for scope in method["scopes"]) for name, method in methods().items()
    }
    assert described.keys() - NOT_THERE == METHODS.keys()
    assert {name for name, scopes in METHODS.items() if described[name] != scopes} == set()


async def test_a_person_needs_no_token() -> None:
    async with office() as caller:
        status, told = await caller.api("GET", "/users/me/calendarList/primary", by=ROLE_ACCOUNT)
        nobody = await caller.api("GET", "/users/me/calendarList/primary", token="sandbox:")
    assert (status, told["id"], told["primary"]) == (200, ROLE_ACCOUNT, True)
    assert reason(nobody) == (401, "authError")
