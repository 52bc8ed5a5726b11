"""The hook that offices install in EspoCRM, run by PHP with EspoCRM's classes stood in for, against the ingress."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from deploy.local.waiting import LONG
from recordsync.testing.memory import FakePublisher
from sandbox.espocrm import link_hook
from synckit.clock import SystemClock
from synckit.events import decode
from webhook_ingress.domain.links import NOUNS
from webhook_ingress.handlers import Webhooks
from webhook_ingress.routes import WebhookRoutes

ROOT = Path(__file__).parents[2]
CUSTOM = ROOT / "deploy/espocrm/custom/Espo/Custom"
HOOK, JOB = CUSTOM / "Hooks/Common/VmhLinks.php", CUSTOM / "Jobs/SendVmhLink.php"
STAGE = Path(__file__).with_name("link_hook_stage.php")
ID, KEY = "6b00d1c895d766ce6", "3a603ad58d64b53896fda06c52821b55"
CHANGE = ["link", "CBeteiligte", "p1", "adressens", "CAdressen", "a1"]
needs_php = pytest.mark.skipif(shutil.which("php") is None, reason="no PHP on this machine")


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
async def ingress(publisher: FakePublisher) -> AsyncIterator[str]:
    app, clock = web.Application(), SystemClock()
    WebhookRoutes(Webhooks(publisher, clock), lambda: {ID: (KEY.encode(),)}, clock).add_to(app)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


def webhook(base: str, **more: Any) -> dict[str, Any]:
    url = f"{base}/vmh/webhook/beteiligte/update"
    return {"id": ID, "secretKey": KEY, "url": url, "isActive": True, "createdAt": "2026-06-01 08:00:00", **more}


async def php(*arguments: str, given: dict[str, Any] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        "php",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(json.dumps(given or {}).encode()), LONG)
    assert process.returncode == 0, out.decode()
    return out.decode()


async def played(*changes: list[str], webhooks: Any = (), run: int = 0, broken: bool = False) -> dict[str, Any]:
    given = {"webhooks": list(webhooks), "changes": list(changes), "run": run, "broken": broken}
    out: dict[str, Any] = json.loads(await php(str(STAGE), given=given))
    return out


def test_hook_ingress_and_sandbox_know_the_same_types_and_wait_equally_long() -> None:
    listed = re.search(r"TYPES = \[(.*?)\];", HOOK.read_text(), flags=re.DOTALL)
    delays = re.search(r"DELAYS = \[(.*?)\];", JOB.read_text())
    assert listed is not None
    assert delays is not None
    assert set(re.findall(r"'(\w+)'", listed[1])) == set(NOUNS) == set(link_hook.TYPES)
    assert [60.0 * int(minutes) for minutes in delays[1].split(",")] == list(link_hook.DELAYS)


@needs_php
@pytest.mark.parametrize("file", [HOOK, JOB, STAGE], ids=lambda file: str(file.name))
async def test_php_reads_it(file: Path) -> None:
    assert "No syntax errors" in await php("-l", str(file))


@needs_php
@pytest.mark.parametrize("action", ["link", "unlink"])
async def test_what_the_hook_sends_is_believed_and_is_two_events(
    ingress: str, publisher: FakePublisher, action: str
) -> None:
    left = await played([action, *CHANGE[1:]], webhooks=[webhook(ingress)], run=1)
    assert left == {"jobs": [], "log": []}
    told = [decode(record.key, record.value, record.headers) for _, record in publisher.sent]
    assert [(one.type, one.entity, one.entity_id, one.changed) for one in told] == [
        (f"vmh.entity.{action}", "beteiligte", "p1", ("adressens",)),
        (f"vmh.entity.{action}", "adressen", "a1", ()),
    ]


@needs_php
async def test_the_hook_itself_only_leaves_a_job_with_the_pair_in_it() -> None:
    left = await played(CHANGE, ["link", "CBeteiligte", "p1", "teams", "Team", "t1"])
    [job] = left["jobs"]
    pair = {"leftType": "CBeteiligte", "leftId": "p1", "rightType": "CAdressen", "rightId": "a1", "link": "adressens"}
    assert job == {
        "class": "Espo\\Custom\\Jobs\\SendVmhLink",
        "group": "vmh-links",
        "delay": None,
        "data": {"action": "link", "pair": pair, "tries": 0},
    }


@needs_php
async def test_a_job_that_cannot_be_made_is_a_line_in_the_log_and_no_failed_save() -> None:
    left = await played(CHANGE, broken=True)
    assert left["jobs"] == []
    assert left["log"] == ["error VmhLinks: the job could not be made: no database"]


@needs_php
async def test_an_ingress_that_is_away_is_tried_again_four_times_ever_later_and_then_left_to_the_ticker() -> None:
    away = [webhook(f"http://127.0.0.1:{unused_port()}")]
    delays = []
    for run in range(1, 6):
        left = await played(CHANGE, webhooks=away, run=run)
        delays += [job["delay"] for job in left["jobs"]]
    assert delays == [60, 300, 900, 3600]
    assert left["log"][-1].startswith("error SendVmhLink: given up, the ingress answered 0 ")


@needs_php
async def test_a_wrong_key_is_tried_again_and_a_wrong_body_is_not(ingress: str, publisher: FakePublisher) -> None:
    left = await played(CHANGE, webhooks=[webhook(ingress, secretKey="x" * 32)], run=1)
    assert [job["data"]["tries"] for job in left["jobs"]] == [1]
    wrong = await played([*CHANGE[:3], "no link", *CHANGE[4:]], webhooks=[webhook(ingress)], run=1)
    said = '{"error": "wrong_link", "item": 0, "name": "link"}'
    assert wrong == {"jobs": [], "log": [f"error SendVmhLink: given up, the ingress answered 400 {said}"]}
    assert [topic for topic, _ in publisher.sent] == ["webhook-ingress.dlq"]


@needs_php
async def test_without_a_webhook_to_an_ingress_the_log_says_so() -> None:
    left = await played(CHANGE, run=1)
    assert left["log"] == [
        "warning SendVmhLink: not taken, tried again later, "
        "the ingress answered 0 no active webhook ends in /vmh/webhook/beteiligte/update"
    ]


@needs_php
async def test_the_newest_active_webhook_to_an_ingress_is_the_one_that_counts(
    ingress: str, publisher: FakePublisher
) -> None:
    webhooks = [
        webhook("http://old.invalid", createdAt="2026-05-01 08:00:00"),
        webhook("http://off.invalid", isActive=False, createdAt="2026-07-01 08:00:00"),
        webhook("http://other.invalid", url="http://other.invalid/hook", createdAt="2026-08-01 08:00:00"),
        webhook(ingress),
    ]
    assert (await played(CHANGE, webhooks=webhooks, run=1))["jobs"] == []
    assert len(publisher.sent) == 2
