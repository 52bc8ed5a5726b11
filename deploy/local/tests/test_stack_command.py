"""`make up`, `status`, `logs`, `down` when things are not as they should be; the good case is an end-to-end test."""

from __future__ import annotations

import fcntl
import json
import sys
from pathlib import Path

import pytest

from deploy.local.addresses import Addresses, read_addresses
from deploy.local.office import Office, worker
from deploy.local.ports import Ports, answers, is_free
from deploy.local.stack import main
from deploy.local.supervisor import StackError, Supervisor
from deploy.local.table import INGRESS, SANDBOXES, WORKER, Wiring

ADDRESSES = Addresses(
    "127.0.0.1:1", "postgresql://a@b/c", "redis://d", "http://e", "key", "http://f", {"ticker": "http://g"}
)


def command(state_dir: Path, *words: str) -> int:
    return main(["--state-dir", str(state_dir), *words])


def test_status_of_nothing_says_how_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "status") == 1
    assert "make up" in capsys.readouterr().out


def test_down_of_nothing_is_fine(tmp_path: Path) -> None:
    assert command(tmp_path, "down") == 0


def test_status_tells_a_dead_process_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor(tmp_path, tmp_path / "log")
    supervisor.spawn("ticker", [sys.executable, "-c", "import time; time.sleep(60)"])
    pid = supervisor.pid("ticker")
    Ports(tmp_path).claim("ticker")
    assert command(tmp_path, "status", "--json") == 0
    assert [line["state"] for line in json.loads(capsys.readouterr().out)] == ["starting"]
    file = tmp_path / "processes.json"
    before = file.read_text()
    supervisor.kill("ticker")
    file.write_text(before)  # as after a crash: remembered, and gone
    assert command(tmp_path, "status", "--json") == 1
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["name"], line["state"], line["pid"]) == ("ticker", "dead", pid)


def test_up_refuses_where_a_process_has_died(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "processes.json").write_text(json.dumps({"redis": {"pid": 2**22 + 1, "started": 0.0, "log": ""}}))
    assert command(tmp_path, "up") == 1
    assert "not running any more: redis" in capsys.readouterr().err


def test_two_commands_do_not_meet_in_one_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command(tmp_path, "down") == 1
    assert "at work" in capsys.readouterr().err


def test_logs_of_an_unknown_name_tell_those_that_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "ticker.log").write_text("one\ntwo\n")
    assert command(tmp_path, "logs", "tacker") == 1
    assert "there are: ticker" in capsys.readouterr().err
    assert command(tmp_path, "logs", "ticker", "--lines", "1") == 0
    assert capsys.readouterr().out == "==> ticker.log\ntwo\n"


@pytest.mark.stack
def test_a_start_that_fails_half_way_leaves_nothing_running(tmp_path: Path) -> None:
    office = Office(tmp_path, extra={"KAFKA_BOOTSTRAP_SERVERS": "not-a-broker"})
    with pytest.raises(StackError, match="topics failed"):
        office.start()
    ports = json.loads((tmp_path / "ports.json").read_text())
    assert len(ports) >= 6
    assert not any(answers(port) for port in ports.values())
    assert office.supervisor.known() == {}
    assert not office.stack_file.exists()


def test_variables_of_the_shell_do_not_reach_a_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ESPOCRM_HMAC_SECRET_KEY", "of a real office")
    monkeypatch.setenv("ESPOCRM_BASE_URL", "https://crm.of.a.real.office.example")
    monkeypatch.setenv("BETEILIGTE_DELETE", "when-unused")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    environment = Wiring(ADDRESSES, tmp_path / "secrets.json").environment(WORKER, 4711)
    assert "ESPOCRM_HMAC_SECRET_KEY" not in environment
    assert "BETEILIGTE_DELETE" not in environment
    assert environment["ESPOCRM_BASE_URL"] == ADDRESSES.espocrm_url
    assert environment["BETEILIGTE_SYNC_PORT"] == "4711"
    assert environment["LOG_LEVEL"] == "debug"


def test_services_learn_their_port_from_a_variable_and_sandboxes_from_an_option(tmp_path: Path) -> None:
    wiring = Wiring(ADDRESSES, tmp_path / "secrets.json")
    assert wiring.argv(INGRESS, 4711)[1:] == ["-m", "webhook_ingress"]
    assert wiring.argv(SANDBOXES[0], 4711)[1:5] == ["-m", "sandbox.espocrm", "--port", "4711"]


def test_workers_have_names_of_their_own() -> None:
    assert [worker(number).name for number in range(3)] == ["beteiligte-sync", "beteiligte-sync-2", "beteiligte-sync-3"]


def test_the_addresses_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    ADDRESSES.write(tmp_path / "stack.json")
    assert read_addresses(tmp_path / "stack.json") == ADDRESSES


def test_a_port_is_kept_as_long_as_it_is_free(tmp_path: Path) -> None:
    ports = Ports(tmp_path)
    first = ports.claim("ticker")
    assert is_free(first)
    assert Ports(tmp_path).claim("ticker") == first
    assert Ports(tmp_path).of("ticker") == first
    assert ports.claim("ingress") != first
