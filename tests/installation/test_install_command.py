"""The install command on a bare EspoCRM: what it writes, what it asks, what it keeps, how it ends."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from sandbox.espocrm.settings import ADMIN_PASSWORD, OFFICE_USER_NAME
from tests.installation.conftest import Crm

Told = pytest.CaptureFixture[str]


async def calls(crm: Crm, method: str) -> int:
    answer = await crm.client.get(f"/_sandbox/calls/count?method={method}")
    return int((await answer.json())["total"])


async def writes(crm: Crm) -> int:
    return sum([await calls(crm, method) for method in ("POST", "PUT", "DELETE")])


async def test_a_dry_run_writes_nothing(bare: Crm, capsys: Told) -> None:
    assert await bare.install("--dry-run") == 0
    told = capsys.readouterr().out
    assert "would do: entity  CBeteiligte (Person): there is none" in told
    assert "'webhookBatchSize' => 200," in told
    assert await writes(bare) == 0
    assert not bare.env_file.exists()


async def test_without_a_yes_nothing_is_written(bare: Crm, capsys: Told) -> None:
    assert await bare.install() == 4
    assert "--yes confirms" in capsys.readouterr().err
    assert await writes(bare) == 0


async def test_a_second_run_writes_nothing(bare: Crm, capsys: Told) -> None:
    assert await bare.install("--yes") == 0, capsys.readouterr()
    before, file = await writes(bare), bare.env_file.read_text()
    capsys.readouterr()
    assert await bare.install("--yes") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert await writes(bare) == before
    assert bare.env_file.read_text() == file


async def test_the_key_is_kept_for_us_alone(bare: Crm, capsys: Told) -> None:
    bare.env_file.write_text("ADVOWARE_USER=sync\nESPOCRM_API_KEY=old\n")
    bare.env_file.chmod(0o644)
    assert await bare.install("--yes") == 0
    told = capsys.readouterr()
    keys = bare.keys()
    assert stat.S_IMODE(bare.env_file.stat().st_mode) == 0o600
    assert keys["ADVOWARE_USER"] == "sync"
    assert keys["ESPOCRM_BASE_URL"] == bare.url
    assert len(keys["ESPOCRM_API_KEY"]) == 32
    assert keys["ESPOCRM_API_KEY"] not in told.out + told.err
    assert ADMIN_PASSWORD not in bare.env_file.read_text().splitlines()


async def test_a_user_with_hmac_gets_its_secret(bare: Crm, capsys: Told) -> None:
    assert await bare.install("--yes", "--auth", "Hmac") == 0, capsys.readouterr()
    assert len(bare.keys()["ESPOCRM_HMAC_SECRET_KEY"]) == 32


CUT: dict[str, dict[str, Any]] = {
    "first": {"path_regex": "/action/"},
    "entity": {"path_regex": "/action/", "skip": 3},
    "field": {"path_regex": "fieldManager", "skip": 20},
    "link": {"path_regex": "createLink", "skip": 1},
    "role": {"path_regex": "/Role$", "method": "POST"},
    "user": {"path_regex": "/User$", "method": "POST"},
}


@pytest.mark.parametrize("at", CUT)
@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
async def test_a_broken_run_is_resumed(bare: Crm, at: str, kind: str, capsys: Told) -> None:
    """EspoCRM ends in the middle, before or after it has done what was asked."""
    rule = {name: value for name, value in CUT[at].items() if name != "skip"}
    fault = {"match": rule, "skip": CUT[at].get("skip", 0), "times": 1, "fault": {"kind": kind}}
    await bare.control("faults", fault)
    first = await bare.install("--yes")
    assert first == 3, capsys.readouterr()
    assert "run the same command again" in capsys.readouterr().err
    assert await bare.install("--yes") == 0, capsys.readouterr()


async def test_a_refused_step_does_not_stop_the_others(bare: Crm, capsys: Told) -> None:
    await bare.control(
        "faults",
        {"match": {"path_regex": "fieldManager/CAdressen$", "body_regex": "postfachPLZ"}, "times": 1}
        | {"fault": {"kind": "status", "status": 403}},
    )
    status = await bare.install("--yes")
    told = capsys.readouterr()
    assert status in (1, 3), told
    assert await bare.install("--yes") == 0, capsys.readouterr()


async def test_what_an_office_has_already_stays(bare: Crm, capsys: Told) -> None:
    """Its own Beteiligte with fields, options, a role and a layout of its own."""
    body: dict[str, Any] = {"name": "Beteiligte", "type": "Person", "stream": True}
    await bare.as_admin("POST", "/EntityManager/action/createEntity", body)
    own = {"name": "rechtsform", "label": "Form", "type": "enum", "options": ["", "GmbH", "Partnerschaft"]}
    await bare.as_admin("POST", "/Admin/fieldManager/CBeteiligte", own)
    layout = [{"label": "Kopf", "rows": [[{"name": "rechtsform"}, {"name": "name"}]]}]
    await bare.as_admin("PUT", "/CBeteiligte/layout/detail", layout)
    rights = {"CBeteiligte": {"read": "all", "delete": "all"}, "Contact": {"read": "own"}}
    await bare.as_admin("POST", "/Role", {"name": "Kanzlei-Sync", "data": rights})
    assert await bare.install("--yes") == 0, capsys.readouterr()
    made = await bare.as_admin("GET", "/Metadata?key=entityDefs.CBeteiligte")
    assert made["fields"]["rechtsform"]["options"][:3] == ["", "GmbH", "Partnerschaft"]
    assert "Behörde" in made["fields"]["rechtsform"]["options"]
    shown = await bare.as_admin("GET", "/CBeteiligte/layout/detail")
    assert shown[0] == layout[0]
    assert [panel.get("customLabel") for panel in shown[1:]] == ["Advoware"]
    role = await bare.first("Role", "name", "Kanzlei-Sync")
    assert role["data"]["CBeteiligte"] == {"read": "all", "delete": "all", "edit": "all", "stream": "all"}
    assert role["data"]["Contact"] == {"read": "own"}
    assert role["data"]["User"]["read"] == "all"


async def test_only_an_administrator_can_install(bare: Crm, capsys: Told) -> None:
    login = ("--url", bare.url, "--admin", OFFICE_USER_NAME, "--password-stdin", "--dry-run")
    await bare.control(f"users/{OFFICE_USER_NAME}", {"password": ADMIN_PASSWORD})
    assert await bare.command("install", *login) == 4
    assert "no administrator" in capsys.readouterr().err


async def test_a_wrong_password_is_four(bare: Crm, capsys: Told) -> None:
    login = ("--url", bare.url, "--admin", "nobody", "--password-stdin", "--dry-run")
    assert await bare.command("install", *login) == 4
    assert "refuses the name or the password" in capsys.readouterr().err


async def test_the_report_as_json_holds_no_key(bare: Crm, capsys: Told) -> None:
    assert await bare.install("--yes", "--json") == 0
    told = capsys.readouterr().out
    report = json.loads(told)
    assert report["done"] == len(report["planned"]) > 50
    assert report["failed"] == report["left"] == report["blocked"] == []
    assert bare.keys()["ESPOCRM_API_KEY"] not in told


async def test_further_parts_are_installed_on_request(bare: Crm, capsys: Told) -> None:
    """On EspoCRM's own Account the fields get a `c` before their names."""
    assert await bare.install("--yes", "--with", "documents", "--with", "consultations") == 0, capsys.readouterr()
    account = await bare.as_admin("GET", "/Metadata?key=entityDefs.Account")
    assert {"cXaiCollectionId", "cXaiSyncActive"} <= set(account["fields"])
    assert await bare.as_admin("GET", "/Metadata?key=entityDefs.CVmhErstgespraech")
    assert await bare.install("--yes", "--with", "documents") == 0
    assert "nothing to do" in capsys.readouterr().out
