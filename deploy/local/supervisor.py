"""Processes of a stack by name: started in the background, remembered in a file, ended by pid *and* start time.

A pid alone proves nothing: after a crash or a reboot it may belong to somebody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

POLL = 0.05  # seconds
SAME_START = 1.0  # seconds; the kernel's clock and ours drift apart a little


class StackError(RuntimeError):
    """Something of the local stack did not start, or is not ours."""


@dataclass(frozen=True)
class Entry:
    """What is remembered of a process: `started` is its start time as the kernel has it, in seconds."""

    pid: int
    started: float
    log: str


class Supervisor:
    """Starts, ends and watches the processes of one state folder."""

    def __init__(self, state_dir: Path, log_dir: Path | None = None) -> None:
        self.state_dir = state_dir
        self.log_dir = log_dir or state_dir / "log"
        self._file = state_dir / "processes.json"
        self._lock = threading.Lock()

    def spawn(self, name: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
        """Start `argv` in a session of its own, output to the log file of that name; returns its pid.

        `env` is the whole environment; without it the process inherits ours.
        """
        if self.is_alive(name):
            raise StackError(f"{name} is already running (pid {self.pid(name)})")
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_path(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            os.environ if env is None else env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        self._remember(name, Entry(pid, psutil.Process(pid).create_time(), str(log)))
        return pid

    def stop(self, name: str, grace: float = 10.0) -> None:
        """SIGTERM, and SIGKILL for the whole family when the grace is over; forgets the process."""
        if found := self._find(name):
            found.send_signal(signal.SIGCONT)  # a frozen process would not hear the other one
            found.terminate()
            if not self._gone(found, grace):
                self._kill_family(found)
        self._forget(name)

    def kill(self, name: str) -> None:
        """SIGKILL for the process and its children; waits until it is gone."""
        if found := self._find(name):
            self._kill_family(found)
        self._forget(name)

    def signal(self, name: str, number: int) -> None:
        """Send any signal, e.g. SIGSTOP and SIGCONT."""
        if (found := self._find(name)) is None:
            raise StackError(f"{name} is not running")
        found.send_signal(number)

    def rename(self, name: str, other: str) -> None:
        """The running process is known by the other name from now on; its first one is free."""
        entry = self.known().get(name)
        if entry is None or self.is_alive(other):
            raise StackError(f"{name} is not running, or {other} is")
        with self._lock:
            self._write({other if key == name else key: each for key, each in self.known().items() if key != other})

    def is_alive(self, name: str) -> bool:
        return self._find(name) is not None

    def pid(self, name: str) -> int | None:
        found = self._find(name)
        return found.pid if found else None

    def known(self) -> dict[str, Entry]:
        """Everything that was started and not ended by us, alive or dead, in the order of starting."""
        if not self._file.exists():
            return {}
        return {name: Entry(**entry) for name, entry in json.loads(self._file.read_text()).items()}

    def log_path(self, name: str) -> Path:
        return self.log_dir / f"{name}.log"

    def log_tail(self, name: str, lines: int = 20) -> str:
        path = self.log_path(name)
        if not path.exists():
            return ""
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

    def wait_until(self, name: str, ready: Callable[[], bool], limit: float) -> None:
        """Poll until ready; raises with the end of the log when the process died or the limit (seconds) is over."""
        deadline = time.monotonic() + limit
        while not ready():
            if not self.is_alive(name):
                raise StackError(f"{name} ended while starting; its log ends with\n{self.log_tail(name)}")
            if time.monotonic() > deadline:
                raise StackError(f"{name} is not ready after {limit:.0f} s; its log ends with\n{self.log_tail(name)}")
            time.sleep(POLL)

    def _find(self, name: str) -> psutil.Process | None:
        entry = self.known().get(name)
        if entry is None:
            return None
        try:
            found = psutil.Process(entry.pid)
            same = abs(found.create_time() - entry.started) < SAME_START
        except psutil.NoSuchProcess:
            return None
        return found if same and not has_ended(found) else None

    def _gone(self, found: psutil.Process, limit: float) -> bool:
        deadline = time.monotonic() + limit
        while not has_ended(found):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _kill_family(self, found: psutil.Process) -> None:
        """The process and all below it: PostgreSQL's children are no members of its process group."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [found, *found.children(recursive=True)]
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            self._gone(found, 10.0)
            for member in family[1:]:
                self._gone(member, 10.0)

    def _remember(self, name: str, entry: Entry) -> None:
        with self._lock:
            self._write({**self.known(), name: entry})

    def _forget(self, name: str) -> None:
        with self._lock:
            self._write({key: entry for key, entry in self.known().items() if key != name})

    def _write(self, entries: dict[str, Entry]) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({name: asdict(entry) for name, entry in entries.items()}, indent=1))
        fresh.replace(self._file)


def has_ended(found: psutil.Process) -> bool:
    """A zombie has ended: it is reaped where it is our child, and left to its parent where it is not.

    The kernel calls it a zombie once its first thread is gone. While others still end, it has its ports and files.
    """
    try:
        if found.status() != psutil.STATUS_ZOMBIE or found.num_threads() > 1:
            return False
    except psutil.NoSuchProcess:
        return True
    with contextlib.suppress(ChildProcessError):
        os.waitpid(found.pid, os.WNOHANG)
    return True
