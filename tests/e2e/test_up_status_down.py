"""`make up && make status && make down`: everything runs, says where, and leaves no process and no port."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import answers
from deploy.local.supervisor import Supervisor, has_ended
from deploy.local.table import ROOT
from deploy.local.waiting import LONG

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


def stack(state_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "deploy.local.stack", "--state-dir", str(state_dir), *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONG)


def runs(pid: int) -> bool:
    """A zombie does not run: it waits for the first process of the machine, which may take its time."""
    try:
        return not has_ended(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def test_the_whole_stack_comes_up_says_where_and_goes_without_a_trace(tmp_path: Path) -> None:
    try:
        done = stack(tmp_path, "up", "--workers", "2")
        assert done.returncode == 0, done.stderr
        started = Supervisor(tmp_path).known()
        addresses = json.loads((tmp_path / "stack.json").read_text())

        assert set(addresses) == {"kafka", "database_url", "redis_url", "services", "sandbox"}
        workers = {"beteiligte-sync", "beteiligte-sync-2"}
        assert set(addresses["services"]) == {
            "webhook-ingress",
            *workers,
            "ticker",
            "advoware-proxy",
            "calendar-sync",
            "document-sync",
        }
        assert set(addresses["sandbox"]["espocrm"]) == {"url", "api_key"}
        google = addresses["sandbox"]["google"]
        assert set(google) == {"url", "service_account_file", "role_account"}
        assert json.loads(Path(google["service_account_file"]).read_text())["type"] == "service_account"
        assert google["url"] in done.stdout
        assert set(started) == {"kafka", "postgres", "redis", *addresses["sandbox"], *addresses["services"]}
        for service in addresses["services"].values():
            with urllib.request.urlopen(f"{service['url']}/health/live", timeout=LONG) as answer:  # noqa: S310
                assert answer.status == 200
            assert service["url"] in done.stdout

        status = stack(tmp_path, "status", "--json")
        assert {line["state"] for line in json.loads(status.stdout)} == {"ready"}
        assert status.returncode == 0
        shown = stack(tmp_path, "status").stdout
        assert "EspoCRM was bare: " in shown
        key = addresses["sandbox"]["espocrm"]["api_key"]
        assert f"ESPOCRM_API_KEY={key}" in (tmp_path / "espocrm.env").read_text().splitlines()
        assert key not in shown
        assert stack(tmp_path, "up").returncode == 0, "a second `up` finds everything running"
    finally:
        ended = stack(tmp_path, "down")
    assert ended.returncode == 0, ended.stderr
    assert [name for name, entry in started.items() if runs(entry.pid)] == []
    assert not any(answers(port) for port in json.loads((tmp_path / "ports.json").read_text()).values())
    assert not (tmp_path / "stack.json").exists()
    assert stack(tmp_path, "status").returncode == 1
