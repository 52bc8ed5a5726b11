"""The register command against the sandbox EspoCRM, and the ingress against what that then sends."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from deploy.local.waiting import LONG
from recordsync.testing.memory import FakePublisher
from sandbox.espocrm.app import build as build_espocrm
from sandbox.espocrm.settings import API_KEY, OFFICE_USER_NAME, Settings
from synckit.clock import SystemClock
from synckit.events import decode
from webhook_ingress.adapters.secrets_source import SecretsSource
from webhook_ingress.handlers import Webhooks
from webhook_ingress.routes import WebhookRoutes


@pytest.fixture
async def espocrm() -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(build_espocrm(Settings()))) as client:
        yield client


async def registered(client: TestClient[Any, Any], url: str, *more: str) -> tuple[int, dict[str, Any]]:
    status, out, err = await ended(client, url, *more)
    assert out, err
    return status, json.loads(out)


async def ended(client: TestClient[Any, Any], url: str, *more: str, api_key: str = API_KEY) -> tuple[int, bytes, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "webhook_ingress.register",
        "--espocrm-url",
        str(client.make_url("")).rstrip("/"),
        "--url",
        url,
        "--json",
        *more,
        env={"ESPOCRM_API_KEY": api_key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LONG)
    return process.returncode or 0, out, err.decode()


async def test_all_webhooks_are_made_once_and_what_they_send_is_believed(
    espocrm: TestClient[Any, Any], tmp_path: Path
) -> None:
    path, publisher = tmp_path / "secrets.json", FakePublisher()
    app = web.Application()
    source = SecretsSource({}, path, SystemClock())
    WebhookRoutes(Webhooks(publisher, SystemClock()), source, SystemClock()).add_to(app)
    async with TestServer(app, host="localhost") as ingress:
        url = f"http://localhost:{ingress.port}"
        await espocrm.post("/_sandbox/settings", json={"allowed_addresses": [f"localhost:{ingress.port}"]})
        status, report = await registered(espocrm, url, "--secrets-file", str(path))
        assert (status, len(report["created"]), report["skipped"]) == (0, 12, {})
        status, again = await registered(espocrm, url, "--secrets-file", str(path))
        assert (status, len(again["created"]), len(again["present"])) == (0, 0, 12)
        made = await espocrm.post(
            "/_sandbox/as-user",
            json={"user": OFFICE_USER_NAME, "method": "POST", "path": "/CBeteiligte", "body": {"lastName": "Zwiebel"}},
        )
        assert made.status == 200, await made.text()
        run = await espocrm.post("/_sandbox/webhooks/run")
        assert run.status == 200, await run.text()
    events = [decode(record.key, record.value, record.headers) for _, record in publisher.sent]
    assert [event.type for event in events] == ["vmh.beteiligte.create"]


async def test_a_low_list_limit_makes_no_webhook_twice(espocrm: TestClient[Any, Any], tmp_path: Path) -> None:
    """EspoCRM gives no page larger than `recordListMaxSizeLimit`; what is behind the first one is there as well."""
    more = ("--secrets-file", str(tmp_path / "secrets.json"))
    await registered(espocrm, "http://ingress.example:8080", *more)
    await espocrm.post("/_sandbox/settings", json={"list_max_size": 5})
    status, again = await registered(espocrm, "http://ingress.example:8080", *more)
    assert (status, len(again["created"]), len(again["present"])) == (0, 0, 12), again


async def test_a_dry_run_makes_nothing(espocrm: TestClient[Any, Any], tmp_path: Path) -> None:
    status, report = await registered(espocrm, "http://ingress.example", "--dry-run")
    assert (status, len(report["missing"]), report["created"]) == (0, 12, [])
    _, report = await registered(espocrm, "http://ingress.example", "--dry-run")
    assert len(report["missing"]) == 12


async def test_a_refused_key_names_variable_and_remedy(espocrm: TestClient[Any, Any]) -> None:
    """And it is no server that is away."""
    status, out, err = await ended(espocrm, "http://ingress.example", "--dry-run", api_key="x" * 32)
    assert (status, out) == (4, b"")
    assert "ESPOCRM_API_KEY" in err, err
    assert "python -m kanzlei.espocrm install" in err
    assert "x" * 32 not in err
