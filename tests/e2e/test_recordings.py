"""What a real EspoCRM did, against running processes: its webhooks to our ingress, its answers from the sandbox."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from demo.morning import Morning
from demo.wait import until
from deploy.local.office import Office
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.supervisor import Supervisor
from deploy.local.table import INGRESS, ROOT
from deploy.local.waiting import LONG
from sandbox import webhook_vectors
from tests.e2e.outside import metric

RECORDINGS = [ROOT / "sandbox" / "recordings" / "espocrm" / f"{name}.jsonl" for name in ("exchanges", "admin")]


@pytest.mark.stack
async def test_all_recorded_webhooks_are_accepted_and_none_with_one_byte_changed(office: Office, seen: Morning) -> None:
    url, vectors = seen.addresses.services[INGRESS.name], webhook_vectors.load()
    before = json.loads(office.secrets_file.read_text())
    keys = webhook_vectors.secrets(vectors)
    office.secrets_file.write_text(json.dumps(before | keys))
    try:
        await until(lambda: _known(office, len(before | keys)), "the ingress has read its secrets again")
        published = metric(url, "sync_events_published_total")
        verdicts = await asyncio.to_thread(webhook_vectors.post, url, vectors)
        brought = metric(url, "sync_events_published_total") - published
    finally:
        office.secrets_file.write_text(json.dumps(before))
    await until(lambda: _known(office, len(before)), "the ingress has its own secrets again")
    assert len(verdicts) == 46
    assert [one.vector.file for one in verdicts if not one.accepted] == []
    assert [(one.vector.file, one.changed_status) for one in verdicts if one.changed_status != 401] == []
    assert brought == sum(_records(vector) for vector in vectors), "what was forged is not published"


async def _known(office: Office, count: int) -> bool | None:
    """Asking for readiness makes it look at the file."""
    url = office.addresses.services[INGRESS.name]
    return True if office.is_ready(INGRESS.name) and metric(url, "sync_webhook_secrets") == count else None


def _records(vector: webhook_vectors.Vector) -> int:
    """How many different records a request is about."""
    told = json.loads(vector.body)
    return len({item["id"] for item in (told if isinstance(told, list) else [told])})


async def test_the_recorded_answers_are_those_of_the_running_sandbox(tmp_path: Path) -> None:
    supervisor, port = Supervisor(tmp_path), Ports(tmp_path).claim("espocrm")
    url = f"http://{LOOPBACK}:{port}"
    supervisor.spawn("espocrm", [sys.executable, "-m", "sandbox.espocrm", "--port", str(port)])
    try:
        supervisor.wait_until("espocrm", lambda: "listening" in supervisor.log_tail("espocrm"), LONG)
        words = ["--base-url", url, *map(str, RECORDINGS)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox.replay", *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), LONG)
    finally:
        supervisor.stop("espocrm")
    assert out.decode().splitlines()[-1].startswith("338 exchanges, 0 differ"), out.decode()
    assert process.returncode == 0
