"""Installations that were broken over EspoCRM's own administration: each difference has a consequence and a mend."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kanzlei.espocrm.api import Api, admin_login
from kanzlei.espocrm.compare_delivery import MOST_SKEW_SECONDS
from tests.installation.conftest import INGRESS, Crm

Break = Callable[[Crm], Awaitable[None]]
KNOWN_WARNINGS = {"betnr-open"}
"""What a fresh installation still tells: only a person can set a form's rules."""


def field(path: str, **changes: Any) -> Break:
    async def change(crm: Crm) -> None:
        await crm.as_admin("PUT", f"/Admin/fieldManager/{path}", changes)

    return change


def manager(action: str, **body: Any) -> Break:
    async def act(crm: Crm) -> None:
        await crm.as_admin("POST", f"/EntityManager/action/{action}", body)

    return act


def role(scope: str, **rights: str) -> Break:
    async def lower(crm: Crm) -> None:
        found = await crm.first("Role", "name", "Kanzlei-Sync")
        data = {**found["data"], scope: {**found["data"][scope], **rights}}
        await crm.as_admin("PUT", f"/Role/{found['id']}", {"data": data})

    return lower


def role_attributes(**changes: Any) -> Break:
    async def change(crm: Crm) -> None:
        found = await crm.first("Role", "name", "Kanzlei-Sync")
        await crm.as_admin("PUT", f"/Role/{found['id']}", changes)

    return change


async def no_webhook_right(crm: Crm) -> None:
    found = await crm.first("Role", "name", "Kanzlei-Sync")
    await crm.as_admin("PUT", f"/Role/{found['id']}", {"data": {**found["data"], "Webhook": False}})


def webhook(event: str, **changes: Any) -> Break:
    async def change(crm: Crm) -> None:
        found = await crm.first("Webhook", "event", event)
        await crm.as_admin("PUT", f"/Webhook/{found['id']}", changes)

    return change


async def no_webhook(crm: Crm) -> None:
    found = await crm.first("Webhook", "event", "CBeteiligte.delete")
    await crm.as_admin("DELETE", f"/Webhook/{found['id']}")


def deleted(path: str) -> Break:
    async def delete(crm: Crm) -> None:
        await crm.as_admin("DELETE", f"/Admin/fieldManager/{path}")

    return delete


async def another_type(crm: Crm) -> None:
    await crm.as_admin("DELETE", "/Admin/fieldManager/CBeteiligte/titel")
    await crm.as_admin("POST", "/Admin/fieldManager/CBeteiligte", {"name": "titel", "label": "Titel", "type": "bool"})


async def required_by_the_office(crm: Crm) -> None:
    body = {"name": "kategorie", "label": "Kategorie", "type": "varchar", "required": True}
    await crm.as_admin("POST", "/Admin/fieldManager/CAdressen", body)


async def several_assigned(crm: Crm) -> None:
    await crm.control("metadata", {"CBeteiligte": {"fields": {"assignedUsers": {"type": "linkMultiple"}}}})


def setting(**changes: Any) -> Break:
    async def change(crm: Crm) -> None:
        await crm.control("settings", changes)

    return change


def clock(offset: int) -> Break:
    async def shift(crm: Crm) -> None:
        await crm.control("clock", {"offset": offset})

    return shift


async def national_numbers(crm: Crm) -> None:
    await crm.as_admin("PUT", "/Settings", {"phoneNumberInternational": False})


BROKEN: dict[str, tuple[Break, str, str]] = {
    "entity": (manager("removeEntity", name="CAdressen"), "entity-missing", "CAdressen"),
    "field": (deleted("CBeteiligte/zusatz"), "field-missing", "CBeteiligte.zusatz"),
    "type": (another_type, "field-type", "CBeteiligte.titel"),
    "option": (field("CBeteiligte/syncStatus", options=["pending_sync", "clean"]), "option-missing", "syncStatus"),
    "required": (field("CBeteiligte/lastName", required=True), "field-required", "CBeteiligte.lastName"),
    "required by the office": (required_by_the_office, "field-required", "CAdressen.kategorie"),
    "read-only": (field("CBeteiligte/zusatz", readOnly=True), "field-read-only", "CBeteiligte.zusatz"),
    "length": (field("CBankverbindungen/kontoinhaber", maxLength=20), "field-too-short", "kontoinhaber"),
    "count": (field("CBeteiligte/phoneNumber", maxCount=3), "entries-too-few", "CBeteiligte.phoneNumber"),
    "phone types": (field("CBeteiligte/phoneNumber", typeList=["Mobile"]), "phone-types", "CBeteiligte.phoneNumber"),
    "link": (
        manager("removeLink", entity="CBeteiligte", link="bankverbindungens"),
        "link-missing",
        "bankverbindungens",
    ),
    "create": (role("CBankverbindungen", create="no"), "right-missing", "CBankverbindungen: create"),
    "edit": (role("CBeteiligte", edit="own"), "right-missing", "CBeteiligte: edit"),
    "stream right": (role("CBeteiligte", stream="no"), "right-missing", "CBeteiligte: stream"),
    "user read": (role("User", read="team"), "user-read", "User: read"),
    "messages": (role_attributes(messagePermission="no"), "message-permission", "messagePermission"),
    "webhook right": (no_webhook_right, "right-missing", "Webhook"),
    "field edit": (
        role_attributes(fieldData={"CBeteiligte": {"titel": {"read": "yes", "edit": "no"}}}),
        "field-edit-no",
        "CBeteiligte.titel",
    ),
    "webhook": (no_webhook, "webhook-missing", "CBeteiligte.delete"),
    "webhook off": (webhook("CBeteiligte.update", isActive=False), "webhook-off", "CBeteiligte.update"),
    "webhook url": (webhook("CAdressen.create", url="http://old.example/x"), "webhook-url", "CAdressen.create"),
    "skip own": (webhook("CBeteiligte.update", skipOwn=False), "skip-own", "CBeteiligte.update"),
    "stream": (manager("updateEntity", name="CBeteiligte", stream=False), "stream-off", "CBeteiligte"),
    "assigned users": (several_assigned, "assigned-users", "CBeteiligte"),
    "list limit": (setting(list_max_size=100), "list-limit", "recordListMaxSizeLimit"),
    "version": (setting(version="8.3.1"), "version", "EspoCRM"),
    "clock ahead": (clock(600), "clock", "EspoCRM"),
    "clock behind": (clock(-600), "clock", "EspoCRM"),
    "national": (national_numbers, "phone-national", "phoneNumberInternational"),
}
REFUSED_WITH_IT = {"field-missing", "right-missing", "link-missing"}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_installation_is_told(name: str, installed: Crm, capsys: pytest.CaptureFixture[str]) -> None:
    broken, code, where = BROKEN[name]
    await broken(installed)
    status = await installed.command("check", "--url", installed.url, "--ingress-url", INGRESS, "--json")
    told = capsys.readouterr()
    found = [each for each in json.loads(told.out)["differences"] if each["code"] not in KNOWN_WARNINGS]
    named = [each for each in found if each["code"] == code and where in each["where"]]
    assert named, told
    assert all(each["what"] and each["consequence"] and each["mend"] for each in found)
    assert status == (1 if any(each["severity"] == "error" for each in found) else 0)
    assert {each["code"] for each in found} <= {code, *REFUSED_WITH_IT}, told


@pytest.mark.parametrize(
    "name", ["entity", "field", "option", "required", "read-only", "length", "count", "phone types", "link"]
)
async def test_what_is_mendable_is_mended_by_another_run(
    name: str, installed: Crm, capsys: pytest.CaptureFixture[str]
) -> None:
    await BROKEN[name][0](installed)
    assert await installed.install("--yes") == 0, capsys.readouterr()
    capsys.readouterr()
    status = await installed.command("check", "--url", installed.url, "--json")
    told = json.loads(capsys.readouterr().out)["differences"]
    assert {each["code"] for each in told} <= KNOWN_WARNINGS
    assert status == 0


@pytest.mark.parametrize("limit", [1, 5, 12, 13, 100])
async def test_a_low_list_limit_hides_no_webhook(
    limit: int, installed: Crm, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page larger than the limit would be a 403, and all webhooks unknown."""
    await no_webhook(installed)
    await installed.control("settings", {"list_max_size": limit})
    await installed.command("check", "--url", installed.url, "--ingress-url", INGRESS, "--json")
    told = json.loads(capsys.readouterr().out)["differences"]
    assert {each["code"] for each in told} == {*KNOWN_WARNINGS, "list-limit", "webhook-missing"}
    assert [each["where"] for each in told if each["code"] == "webhook-missing"] == ["webhook CBeteiligte.delete"]


async def test_a_whole_installation_has_no_errors(installed: Crm, capsys: pytest.CaptureFixture[str]) -> None:
    status = await installed.command("check", "--url", installed.url, "--ingress-url", INGRESS)
    told = capsys.readouterr().out
    assert status == 0, told
    assert told.startswith("EspoCRM 10.0.0: 0 errors, 1 warnings\n"), told


async def test_a_wrong_key_is_four(
    installed: Crm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ESPOCRM_API_KEY", "0" * 32)
    assert await installed.command("check", "--url", installed.url) == 4
    assert "refuses the key" in capsys.readouterr().err


async def test_nobody_there_is_three(installed: Crm, unused_tcp_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert await installed.command("check", "--url", f"http://127.0.0.1:{unused_tcp_port}") == 3, capsys.readouterr()


async def test_a_key_that_cannot_be_one_is_a_wrong_variable(
    installed: Crm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newline at its end, from a file: told before EspoCRM is asked, without the key."""
    monkeypatch.setenv("ESPOCRM_API_KEY", "0" * 32 + "\n")
    with pytest.raises(SystemExit) as caught:
        await installed.command("check", "--url", installed.url)
    told = capsys.readouterr().err
    assert (caught.value.code, told.startswith("ESPOCRM_API_KEY: wrong")) == (2, True), told
    assert "0" * 32 not in told


@pytest.mark.parametrize(("offset", "words"), [(600, r"\d+ s ahead of ours"), (-600, r"\d+ s behind ours")])
async def test_a_clock_that_is_off_is_told_by_how_much(
    installed: Crm, offset: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """To within some seconds, and in the direction in which it is off. It is a warning: the status is 0."""
    await installed.control("clock", {"offset": offset})
    assert await installed.command("check", "--url", installed.url, "--json") == 0
    [told] = [each for each in json.loads(capsys.readouterr().out)["differences"] if each["code"] == "clock"]
    assert re.search(words, told["what"]), told
    assert abs(int(re.sub(r"\D", "", told["what"])) - 600) <= 60
    assert "NTP" in told["mend"]


async def test_slow_answers_are_no_clock_that_is_off() -> None:
    """`Date` is of the moment when an answer begins: of several answers the quickest tells the clock."""
    late = iter([8, 0, 30])

    async def answer(_: web.Request) -> web.Response:
        at = datetime.now(UTC) - timedelta(seconds=next(late))
        return web.json_response({}, headers={"Date": format_datetime(at, usegmt=True)})

    app = web.Application()
    app.router.add_get("/api/v1/App/user", answer)
    async with TestServer(app) as server:
        api = Api(str(server.make_url("")), admin_login("admin", "admin"))
        for _ in range(3):
            await api.call("GET", "/App/user")
        await api.close()
    assert api.skew is not None
    assert abs(api.skew) <= MOST_SKEW_SECONDS
