"""Services of now beside those of before, on their servers."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from deploy.local.addresses import Addresses
from deploy.local.office import answers_ok
from deploy.local.table import MIGRATE, PROXY, TICKER, WORKER, Job, Service, Wiring
from deploy.local.waiting import LONG, wait_until


class Now:
    """The services of this checkout; `urls` by name."""

    def __init__(self, folder: Path, addresses: Addresses) -> None:
        self.urls: dict[str, str] = {}
        self._folder = folder
        self._wiring = Wiring(addresses, folder / "no-secrets.json")
        self._running: list[subprocess.Popen[bytes]] = []

    def migrate(self) -> None:
        self.run(MIGRATE)

    def run(self, job: Job, *words: str) -> str:
        """A command of now; its output."""
        command = [*self._wiring.argv(job), *words]
        environment = self._wiring.environment(job)
        return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def start(self) -> None:
        """Worker, ticker, proxy; returns when all of them are ready."""
        for line in (WORKER, TICKER, PROXY):
            self._start(line)

    def _start(self, line: Service) -> None:
        port = _free_port()
        url = self.urls[line.name] = f"http://127.0.0.1:{port}"
        log = (self._folder / f"{line.name}.log").open("wb")
        environment = self._wiring.environment(line, port)
        process = subprocess.Popen(self._wiring.argv(line, port), env=environment, stdout=log, stderr=log)
        self._running.append(process)
        wait_until(lambda: _is_ready(process, url), f"{line.name} is ready")

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(LONG)


def _is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    if process.poll() is not None:
        raise SystemExit(f"{' '.join(map(str, process.args[1:3]))} has ended: its log is in the folder")  # type: ignore[index]
    return answers_ok(f"{url}/health/ready")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


KEYS = Job("keys", "kanzlei.keys", (), ("DATABASE_URL",))
