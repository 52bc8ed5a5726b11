"""A stack does not outlive the process that wanted it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from deploy.local.guardian import Guardian
from deploy.local.supervisor import Supervisor
from deploy.local.table import ROOT
from deploy.local.waiting import LONG

OWNER = """
import signal, sys
from pathlib import Path
from deploy.local.guardian import Guardian
from deploy.local.supervisor import Supervisor
folder = Path(sys.argv[1])
guardian = Guardian(folder, remove=True)
print(Supervisor(folder).spawn("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"]), flush=True)
signal.pause()
"""


def test_what_a_killed_owner_started_is_ended_and_its_folder_removed(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    with subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        sleeper = psutil.Process(int(owner.stdout.readline()))
        guardian = next(each for each in psutil.Process(owner.pid).children() if each != sleeper)
        owner.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs([sleeper, guardian], timeout=LONG)
    assert len(gone) == 2
    assert alive == []
    assert not folder.exists()


def test_a_guardian_that_is_closed_ends_what_is_left(tmp_path: Path) -> None:
    guardian = Guardian(tmp_path)
    supervisor = Supervisor(tmp_path)
    supervisor.spawn("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])
    guardian.close()
    assert not supervisor.is_alive("sleeper")
