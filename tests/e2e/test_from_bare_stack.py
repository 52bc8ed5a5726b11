"""The whole stack began with a bare EspoCRM: one command, and the first record is in Advoware."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from typing import Any

import aiohttp
import pytest

from demo import people
from demo.morning import Morning
from demo.wait import until
from deploy.local.office import Office
from deploy.local.waiting import LONG

pytestmark = pytest.mark.stack


async def check(office: Office) -> tuple[int, list[dict[str, Any]]]:
    """What the command for it says, with the credentials that the installation has written."""
    written = dict(line.split("=", 1) for line in office.env_file.read_text().splitlines())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kanzlei.espocrm", "check", "--json"),
        env=written,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), LONG)
    return process.returncode or 0, json.loads(out)["differences"]


async def test_from_bare_to_the_first_synced_record(office: Office, seen: Morning) -> None:
    """Nothing is preset: the services use the key and the secrets that the installation has made."""
    installed = office.installation
    assert installed is not None
    assert (installed.steps > 50, installed.webhooks) == (True, 12)
    assert stat.S_IMODE(office.env_file.stat().st_mode) == stat.S_IMODE(office.secrets_file.stat().st_mode) == 0o600
    linked = await seen.espo.until_linked(await seen.espo.create_person(people.PERSON))
    party = await seen.advo.party(linked.right)
    assert (party["name"], party["vorname"]) == (people.PERSON.last, people.PERSON.first)
    assert len(await seen.espo.our_calls(0, record=linked.left)) > 0, "not by the user that was installed"


async def test_the_check_finds_no_errors(office: Office) -> None:
    status, found = await check(office)
    assert (status, [each for each in found if each["severity"] == "error"]) == (0, [])


@pytest.mark.parametrize("name", ["beteiligte-sync", "ticker"])
async def test_the_services_find_no_errors_either(seen: Morning, name: str) -> None:
    page = f"{seen.addresses.services[name]}/health/installation"

    async def checked() -> list[dict[str, Any]] | None:
        async with aiohttp.ClientSession() as session, session.get(page) as answer:
            shown = await answer.json()
        return [each for each in shown["differences"] if each["severity"] == "error"] if shown["checked_at"] else None

    assert await until(checked, "the service has compared EspoCRM") == []
