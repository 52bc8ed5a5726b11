"""The supervisor ends what it started and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.supervisor import StackError, Supervisor
from deploy.local.waiting import LONG

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]

HEADLESS = [
    sys.executable,
    "-c",
    "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start();"
    "print('up', flush=True); ctypes.CDLL(None).pthread_exit(None)",
]
"""Its first thread has gone, which makes it a zombie for the kernel; the second one lives on."""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    watched = Supervisor(tmp_path)
    yield watched
    for name in watched.known():
        watched.kill(name)


def start(supervisor: Supervisor, argv: list[str]) -> int:
    pid = supervisor.spawn("sleeper", argv)
    supervisor.wait_until("sleeper", lambda: "up" in supervisor.log_tail("sleeper"), LONG)
    return pid


def test_another_supervisor_on_the_same_folder_sees_and_ends_the_process(supervisor: Supervisor) -> None:
    pid = start(supervisor, SLEEPER)
    other = Supervisor(supervisor.state_dir)
    assert other.pid("sleeper") == pid
    other.stop("sleeper")
    assert not supervisor.is_alive("sleeper")
    assert other.known() == {}


def test_a_pid_that_belongs_to_somebody_else_by_now_is_left_alone(supervisor: Supervisor) -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        entry = {"pid": stranger.pid, "started": psutil.Process(stranger.pid).create_time() - 60, "log": ""}
        (supervisor.state_dir / "processes.json").write_text(json.dumps({"sleeper": entry}))
        assert not supervisor.is_alive("sleeper")
        supervisor.stop("sleeper")
        supervisor.kill("sleeper")
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(supervisor: Supervisor) -> None:
    pid = start(supervisor, DEAF)
    supervisor.stop("sleeper", grace=0.2)
    assert not psutil.pid_exists(pid)


def test_a_frozen_process_can_be_stopped(supervisor: Supervisor) -> None:
    pid = start(supervisor, SLEEPER)
    supervisor.signal("sleeper", signal.SIGSTOP)
    supervisor.stop("sleeper", grace=5)
    assert not psutil.pid_exists(pid)


def test_a_process_has_not_ended_before_its_last_thread(supervisor: Supervisor) -> None:
    """Until then it has its ports: what is started again too early would find its own taken."""
    pid = start(supervisor, HEADLESS)
    supervisor.wait_until("sleeper", lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, LONG)
    assert supervisor.is_alive("sleeper")
    supervisor.kill("sleeper")
    assert not psutil.pid_exists(pid)


def test_a_process_that_dies_while_starting_is_told_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    supervisor.spawn("broken", [sys.executable, "-c", "raise SystemExit('no such setting')"])
    with pytest.raises(StackError, match=r"broken ended while starting(.|\n)*no such setting"):
        supervisor.wait_until("broken", lambda: False, 10)


def test_nothing_is_started_twice(supervisor: Supervisor) -> None:
    start(supervisor, SLEEPER)
    with pytest.raises(StackError, match="already running"):
        supervisor.spawn("sleeper", SLEEPER)


def test_a_renamed_process_leaves_its_name_to_another(supervisor: Supervisor) -> None:
    pid = start(supervisor, SLEEPER)
    supervisor.rename("sleeper", "old")
    assert (supervisor.pid("old"), supervisor.pid("sleeper")) == (pid, None)
    assert start(supervisor, SLEEPER) != pid
    with pytest.raises(StackError):
        supervisor.rename("sleeper", "old")
    supervisor.kill("old")
    assert supervisor.is_alive("sleeper")
