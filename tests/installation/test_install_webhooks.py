"""`install` with an ingress and a file for the secrets: the webhooks too, so that one command does it all."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kanzlei.espocrm.webhook_secrets import parse_secrets
from tests.installation.conftest import INGRESS, Crm

Told = pytest.CaptureFixture[str]
LIST = {"path_regex": "/Webhook$", "method": "GET"}
POST = {"path_regex": "/Webhook$", "method": "POST"}


def secrets_of(crm: Crm) -> Path:
    return crm.folder / "var" / "secrets.json"


async def install(crm: Crm, *more: str) -> int:
    return await crm.install("--ingress-url", INGRESS, "--secrets-file", str(secrets_of(crm)), *more)


async def webhooks(crm: Crm) -> list[dict[str, Any]]:
    found = await crm.as_admin("GET", "/Webhook?maxSize=50")
    return list(found["list"])


async def test_one_command_installs_and_registers(bare: Crm, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API user owns the webhooks, their secrets are kept for us alone, and the check has nothing to complain of."""
    assert await install(bare, "--yes") == 0, capsys.readouterr()
    told = capsys.readouterr()
    assert "webhooks: 12 created, 0 there already" in told.out
    assert "webhook_ingress.register" not in told.out
    secrets = parse_secrets(secrets_of(bare).read_bytes())
    assert stat.S_IMODE(secrets_of(bare).stat().st_mode) == 0o600
    assert set(secrets) == {each["id"] for each in await webhooks(bare)}
    assert not any(key.decode() in told.out + told.err for keys in secrets.values() for key in keys)
    for name, value in bare.keys().items():
        monkeypatch.setenv(name, value)
    assert await bare.command("check", "--url", bare.url, "--ingress-url", INGRESS) == 0, capsys.readouterr()


async def test_again_nothing_is_made(bare: Crm, capsys: Told) -> None:
    assert await install(bare, "--yes") == 0, capsys.readouterr()
    before = secrets_of(bare).stat().st_mtime_ns
    assert await install(bare) == 0, "nothing to write, so nobody is asked"
    assert "webhooks: 0 created, 12 there already" in capsys.readouterr().out
    assert len(await webhooks(bare)) == 12
    assert secrets_of(bare).stat().st_mtime_ns == before


async def test_a_dry_run_names_all_and_makes_none(bare: Crm, capsys: Told) -> None:
    assert await install(bare, "--dry-run") == 0
    assert "webhooks: 12 to create, 0 there already" in capsys.readouterr().out
    assert await webhooks(bare) == []
    assert not secrets_of(bare).exists()


async def test_missing_webhooks_alone_are_asked_about(bare: Crm, capsys: Told) -> None:
    assert await bare.install("--yes") == 0, capsys.readouterr()
    assert await install(bare) == 4
    told = capsys.readouterr()
    assert "plan: webhook CBeteiligte.update" in told.err
    assert "declined" in told.err
    assert await webhooks(bare) == []


@pytest.mark.parametrize("auth", ["ApiKey", "Hmac"])
async def test_either_login_registers(bare: Crm, auth: str, capsys: Told) -> None:
    assert await install(bare, "--yes", "--auth", auth) == 0, capsys.readouterr()
    assert len(await webhooks(bare)) == 12


@pytest.mark.parametrize("match", [LIST, POST], ids=["list", "create"])
@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
async def test_a_broken_registration_is_resumed(bare: Crm, match: dict[str, str], kind: str, capsys: Told) -> None:
    """What was installed is told, and the same command ends it; a webhook made before the cut is not made twice."""
    body = {"match": match, "times": 5, "fault": {"kind": kind}}
    if match is LIST:
        body["skip"] = 2  # The administrator's own looks.
    await bare.control("faults", body)
    assert await install(bare, "--yes", "--json") == 3
    report = json.loads(capsys.readouterr().out)
    assert report["done"] == len(report["planned"]) > 50
    assert report["webhooks"]["error"]
    await bare.client.delete("/_sandbox/faults")
    assert await install(bare, "--yes") == 0, capsys.readouterr()
    made = await webhooks(bare)
    assert len({each["event"] for each in made}) == len(made) == 12
    assert set(parse_secrets(secrets_of(bare).read_bytes())) == {each["id"] for each in made}


async def test_without_an_api_user_nothing_is_registered(bare: Crm, capsys: Told) -> None:
    """A person has the API user's name: that is told, and nothing is registered in the person's name."""
    assert await install(bare, "--yes", "--user", "anna") == 1
    assert "the webhooks are not registered: there is no API user" in capsys.readouterr().out
    assert await webhooks(bare) == []


async def test_secrets_without_an_ingress_are_a_wrong_call(bare: Crm, capsys: Told) -> None:
    assert await bare.install("--yes", "--secrets-file", str(secrets_of(bare))) == 2
    assert "--ingress-url" in capsys.readouterr().err


async def test_an_unusable_secrets_file_stops_everything(bare: Crm, capsys: Told) -> None:
    secrets_of(bare).mkdir(parents=True)
    assert await install(bare, "--yes") == 2
    assert f"{secrets_of(bare)}: Is a directory" in capsys.readouterr().err
    assert not bare.env_file.exists()


async def test_an_internal_ingress_that_is_not_listed_names_the_line(bare: Crm, capsys: Told) -> None:
    """Since 9.3.2 EspoCRM takes no webhook to an internal host that its config does not list: that comes first."""
    await bare.control("settings", {"allowed_addresses": []})
    where = ("--ingress-url", "http://localhost:8080", "--secrets-file", str(secrets_of(bare)))
    assert await bare.install("--yes", *where) == 4
    told = capsys.readouterr().out
    assert "done: 63 of 63 steps" in told
    assert "'webhookAllowedAddressList' => ['localhost:8080']," in told
    assert "the webhooks are not registered: " in told
    assert "webhookAllowedAddressList" in told.partition("the webhooks are not registered: ")[2]
    await bare.control("settings", {"allowed_addresses": ["localhost:8080"]})
    assert await bare.install("--yes", *where) == 0, capsys.readouterr()
    assert len(await webhooks(bare)) == 12
