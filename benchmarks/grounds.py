"""Where benchmarks run: servers of their own under var/bench/grounds, sandboxes, and our services, as processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil

from benchmarks.report_card import FOLDER
from deploy.local.addresses import Addresses
from deploy.local.backends import LazyBackends
from deploy.local.guardian import Guardian
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.supervisor import StackError
from deploy.local.table import ESPOCRM_API_KEY, MIGRATE, ROOT, SANDBOXES, TOPICS, Job, Service, Wiring
from sandbox.google.service_account import ROLE_ACCOUNT

SECRET_ID, SECRET = "benchwebhook", "bench-secret-of-no-value"


@dataclass(frozen=True)
class Running:
    """A process that has been started and is ready."""

    name: str
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


class Grounds:
    """Made fresh, torn down at the end, also where the benchmark dies. Servers start when they are first asked for."""

    def __init__(self, parent: Path = FOLDER / "grounds") -> None:
        _sweep(parent)
        folder = self.folder = parent / str(os.getpid())
        folder.mkdir(parents=True)
        self.backends = LazyBackends(folder, log_dir=folder / "log")
        self.supervisor = self.backends.supervisor
        self._ports = Ports(folder)
        self._secrets = folder / "secrets.json"
        self._secrets.write_text(json.dumps({SECRET_ID: SECRET}))

    def __enter__(self) -> Self:
        self._guardian = Guardian(self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self.supervisor.known())):
            if name not in ("kafka", "postgres", "redis"):
                self.supervisor.stop(name, 15.0)
        self._guardian.close()
        if error is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def kafka(self) -> str:
        """Its address, with all our topics there."""
        bootstrap = self.backends.kafka_bootstrap
        self._job(TOPICS, Addresses(bootstrap, "", "", "", "", ""))
        return bootstrap

    @property
    def kafka_only(self) -> Addresses:
        """For what talks to nothing else."""
        return Addresses(self.kafka, "", "", "", "", "")

    @cached_property
    def addresses(self) -> Addresses:
        """Everything a service needs: servers with topics and tables, and all sandboxes."""
        key_file = str(self.folder / "google-service-account.json")
        urls = {each.name: self.start(each, replace(_NOWHERE, google_key_file=key_file)).url for each in SANDBOXES}
        found = Addresses(
            kafka=self.kafka,
            database_url=self.backends.database_url,
            redis_url=self.backends.redis_url,
            espocrm_url=urls["espocrm"],
            espocrm_api_key=ESPOCRM_API_KEY,
            advoware_url=urls["advoware"],
            google_url=urls["google"],
            google_key_file=key_file,
            google_role_account=ROLE_ACCOUNT,
        )
        self._job(MIGRATE, found)
        return found

    def start(
        self,
        service: Service,
        addresses: Addresses | None = None,
        *,
        name: str | None = None,
        extra: Mapping[str, str] | None = None,
        profile: Path | None = None,
    ) -> Running:
        """One of the table's services, ready; under cProfile where a file for it is named."""
        wiring = Wiring(addresses or self.addresses, self._secrets, dict(extra or {}))
        called = name or service.name
        port = self._ports.claim(called)
        argv = wiring.argv(service, port)
        if profile is not None:
            argv = [*_python(service.module, profile), *argv[3:]]
        return self._spawn(called, argv, wiring.environment(service, port), port, service.ready)

    def program(
        self,
        module: str,
        name: str,
        options: Mapping[str, object],
        ready: str = "/health/ready",
        profile: Path | None = None,
    ) -> Running:
        """A program of ours, its options as JSON in BENCH; ready when that path answers, at once without one."""
        port = self._ports.claim(name)
        wiring = Wiring(_NOWHERE, self._secrets)
        environment = {
            **wiring.environment(Service(name, module)),
            "BENCH": json.dumps(options),
            "PORT": str(port),
        }
        return self._spawn(name, _python(module, profile), environment, port, ready)

    def stop(self, *running: Running, grace: float = 15.0) -> None:
        for each in running:
            self.supervisor.stop(each.name, grace)

    def wait(self, running: Running, path: str, limit: float = 60.0) -> None:
        self.supervisor.wait_until(running.name, lambda: _answers(running.url + path), limit)

    def _spawn(self, name: str, argv: Sequence[str], env: Mapping[str, str], port: int, ready: str) -> Running:
        self.supervisor.spawn(name, argv, env=env)
        running = Running(name, self.supervisor.pid(name) or 0, port)
        if ready:
            self.wait(running, ready)
        return running

    def _job(self, job: Job, addresses: Addresses) -> None:
        wiring = Wiring(addresses, self._secrets)
        done = subprocess.run(  # noqa: S603 - our own process table
            wiring.argv(job), env=wiring.environment(job), cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StackError(f"{job.name} failed with {done.returncode}:\n{done.stdout}{done.stderr}")


_NOWHERE = Addresses("", "", "", "", "", "")


def _sweep(parent: Path) -> None:
    """What earlier benchmarks have left that failed; kept until now for their logs."""
    for folder in parent.glob("*"):
        if not (folder.name.isdigit() and psutil.pid_exists(int(folder.name))):
            shutil.rmtree(folder, ignore_errors=True)


def _python(module: str, profile: Path | None) -> list[str]:
    under = ["benchmarks.profiled", str(profile)] if profile else []
    return [sys.executable, "-m", *under, module]


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2.0) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except HTTPError as error:
        error.close()
        return bool(url.endswith("/") and error.code == 404)  # a baseline without a health page: it listens
    except (URLError, OSError):
        return False


def until(condition: Callable[[], bool], limit: float, what: str, pause: float = 0.05) -> None:
    """Waits for a condition of the outside world."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit:.0f} s: {what}")
        time.sleep(pause)


__all__ = ["ROOT", "SECRET", "SECRET_ID", "Grounds", "Running", "until"]
