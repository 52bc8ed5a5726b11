"""Ends a stack when the process that wanted it is gone, however it went: kill -9 and a closed terminal included.

The guardian reads from a pipe that only its owner holds open; the end of the pipe is the end of the owner.
"""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local.supervisor import Supervisor

GRACE = 5.0
ROOT = Path(__file__).resolve().parents[2]


class Guardian:
    """Watches over the processes of one state folder from now until `close`, or until we die."""

    def __init__(self, state_dir: Path, *, remove: bool = False) -> None:
        read_end, self._write_end = os.pipe()
        words = [sys.executable, "-m", "deploy.local.guardian", str(state_dir), *(["--remove"] if remove else [])]
        self._pid = os.posix_spawn(
            sys.executable,
            words,
            {**os.environ, "PYTHONPATH": str(ROOT)},
            file_actions=[(os.POSIX_SPAWN_DUP2, read_end, 0)],
            setsid=True,
        )
        os.close(read_end)

    def close(self) -> None:
        """Let it end what still runs in that folder, and wait for it."""
        os.close(self._write_end)
        os.waitpid(self._pid, 0)


def stand_guard(state_dir: Path, *, remove: bool) -> None:
    """Wait for the end of standard input, then end everything that was started in `state_dir`."""
    sys.stdin.buffer.read()
    supervisor = Supervisor(state_dir)
    if known := list(supervisor.known()):
        with ThreadPoolExecutor(max_workers=len(known)) as pool:
            list(pool.map(lambda name: supervisor.stop(name, GRACE), known))
    if remove:
        shutil.rmtree(state_dir, ignore_errors=True)


if __name__ == "__main__":
    stand_guard(Path(sys.argv[1]), remove="--remove" in sys.argv[2:])
