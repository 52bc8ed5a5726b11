"""The whole stack as one thing: servers, sandboxes, jobs, services; every process can be hurt by name.

`make up` and `make down`, the demo and the chaos tests all go through here.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.addresses import Addresses
from deploy.local.backends import NAMES as SERVERS
from deploy.local.backends import Backends
from deploy.local.guardian import Guardian
from deploy.local.installation import Installation, api_key, read_installation
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.supervisor import StackError
from deploy.local.table import (
    BARE_SANDBOXES,
    GRANT,
    INGRESS,
    INSTALL,
    MIGRATE,
    PARTS,
    ROOT,
    SERVICES,
    TOPICS,
    WORKER,
    XAI_MANAGEMENT,
    Job,
    Service,
    Wiring,
)
from deploy.local.watching import NAME as PROMETHEUS
from deploy.local.watching import Watching
from deploy.tools import ToolMissing
from sandbox.google.service_account import ROLE_ACCOUNT

JOB_LIMIT = 120.0
STOP_GRACE = 40.0  # a worker may take its drain time; whoever is silent for longer is killed


class Office:
    """One stack in one state folder.

    `extra` is added to the environment of every service and job. A `guarded` stack ends when its owner does.
    `secure`: Kafka with TLS, passwords and rights, and a user for each of ours.
    """

    def __init__(
        self,
        state_dir: Path = ROOT / "var",
        *,
        workers: int = 1,
        extra: Mapping[str, str] | None = None,
        guarded: bool = False,
        secure: bool = False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.state_dir = Path(state_dir).resolve()
        self.backends = Backends(self.state_dir, log_dir=self.state_dir / "log", secure=secure)
        self.supervisor = self.backends.supervisor
        self._ports = Ports(self.state_dir)
        self._tell = tell
        self._extra = dict(extra or {})
        self._guarded = guarded
        self._guardian: Guardian | None = None
        self.watching: Watching | None = None
        copies = [worker(number) for number in range(workers)]
        lines = [line for each in SERVICES for line in (copies if each is WORKER else [each])]
        self.services = {each.name: each for each in lines}
        self.sandboxes = {each.name: each for each in BARE_SANDBOXES}

    @property
    def stack_file(self) -> Path:
        return self.state_dir / "stack.json"

    @property
    def secrets_file(self) -> Path:
        """Webhook id → secret, as the installation wrote it for the ingress."""
        return self.state_dir / "webhook-secrets.json"

    @property
    def env_file(self) -> Path:
        """EspoCRM's address and our API user's key, as the installation wrote them for worker and ticker."""
        return self.state_dir / "espocrm.env"

    @property
    def google_key_file(self) -> Path:
        """The service account's key, as the sandbox wrote it."""
        return self.state_dir / "google-service-account.json"

    @property
    def installation(self) -> Installation | None:
        """What the last start did to the bare EspoCRM; None before."""
        return read_installation(self._installation_file)

    @property
    def _installation_file(self) -> Path:
        return self.state_dir / "espocrm-installation.json"

    @property
    def addresses(self) -> Addresses:
        """Known once the servers run."""
        return Addresses(
            kafka=self.backends.kafka_bootstrap,
            database_url=self.backends.database_url,
            redis_url=self.backends.redis_url,
            espocrm_url=self._url("espocrm"),
            espocrm_api_key=api_key(self.env_file),
            advoware_url=self._url("advoware"),
            services={name: self._url(name) for name in self.services},
            google_url=self._url("google"),
            google_key_file=str(self.google_key_file),
            google_role_account=ROLE_ACCOUNT,
            xai_url=self._url("xai"),
            xai_management_url=self._url(XAI_MANAGEMENT),
            prometheus_url=self.prometheus_url if self.watching is not None else "",
            kafka_settings=self.backends.kafka.security.settings(),
            kafka_users=self.backends.kafka.security.users,
        )

    def start(self) -> Addresses:
        """Start everything and wait until all of it is ready; ends again what it started if anything fails."""
        if self.supervisor.known():
            raise StackError(f"something is left of an earlier start in {self.state_dir}: stop it first")
        self._forget_old_contents()
        if self._guarded:
            self._guardian = Guardian(self.state_dir)
        try:
            self._step("Kafka, PostgreSQL, Redis", self.backends.start)
            watched = [PROMETHEUS] if self.watching is not None else []
            for name in (*self.sandboxes, XAI_MANAGEMENT, *self.services, *watched):
                self._ports.claim(name)
            self._step("sandboxes", lambda: self._start_all(self.sandboxes))
            if self.addresses.kafka_users:
                self._step("rights in Kafka", lambda: self.run_job(GRANT))
            self._step("topics, tables, installation into EspoCRM", self._run_jobs)
            self._tell(f"  {self.installation.sentence}" if self.installation else "")
            self._step(", ".join(self.services), lambda: self._start_all(self.services))
            if self.watching is not None:
                self._step(PROMETHEUS, self.start_watching)
        except BaseException:
            self.stop()
            raise
        self.addresses.write(self.stack_file)
        return self.addresses

    def stop(self) -> None:
        """End everything that was started in this folder: services first, so that they can say goodbye."""
        known = list(self.supervisor.known())
        first = [name for name in known if name not in SERVERS and name not in self.sandboxes]
        for group in (first, [name for name in known if name not in first]):
            if group:
                with ThreadPoolExecutor(max_workers=len(group)) as pool:
                    list(pool.map(lambda name: self.supervisor.stop(name, STOP_GRACE), group))
        self.stack_file.unlink(missing_ok=True)
        if self._guardian is not None:
            self._guardian.close()
            self._guardian = None

    def start_watching(self) -> None:
        """A Prometheus, as `watching` says; with nothing of an earlier one."""
        watching, folder = self.watching or Watching(), self.state_dir / PROMETHEUS
        shutil.rmtree(folder, ignore_errors=True)
        watching.write(folder, self.addresses.services)
        try:
            argv = watching.argv(folder, self._ports.claim(PROMETHEUS))
        except ToolMissing as missing:
            raise StackError(str(missing)) from None
        self.supervisor.spawn(PROMETHEUS, argv)
        self.supervisor.wait_until(PROMETHEUS, lambda: self.is_ready(PROMETHEUS), JOB_LIMIT)

    @property
    def prometheus_url(self) -> str:
        """Of the Prometheus that was started with this stack."""
        return self._url(PROMETHEUS)

    def start_process(self, name: str, *, wait: bool = True) -> None:
        """Start one service, sandbox or server (again), on its old port."""
        if name in SERVERS:
            self.backends.start(name)
            return
        line = self._line(name)
        port = self._ports.of(name)  # others know it by now: where it is taken, the process says so and ends
        wiring = Wiring(self.addresses, self.secrets_file, self._extra)
        self.supervisor.spawn(name, wiring.argv(line, port), env=wiring.environment(line, port))
        if wait:
            self.wait_ready(name)

    def wait_ready(self, name: str, limit: float | None = None) -> None:
        """Wait until the service says that it is ready; raises with the end of its log when it does not get there."""
        line = self._line(name)
        self.supervisor.wait_until(name, lambda: self.is_ready(name), line.limit if limit is None else limit)

    def stop_process(self, name: str, grace: float = STOP_GRACE) -> None:
        """SIGTERM, and SIGKILL after the grace."""
        self.supervisor.stop(name, grace)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.supervisor.kill(name)

    def restart(self, name: str) -> None:
        """End it gracefully where it runs, and start it again."""
        self.supervisor.stop(name, STOP_GRACE)
        self.start_process(name)

    def freeze(self, name: str) -> None:
        """SIGSTOP."""
        self.supervisor.signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.supervisor.signal(name, signal.SIGCONT)

    def is_ready(self, name: str) -> bool:
        """Servers: they answer and are ours. Services and sandboxes: their health page answers 200."""
        if name in SERVERS:
            return self.backends.is_ready(name)
        if name == PROMETHEUS:
            return answers_ok(f"{self.prometheus_url}/-/ready")
        return answers_ok(f"{self._url(name)}{self._line(name).ready}")

    def run_job(self, job: Job, *arguments: str) -> str:
        """Run a command to its end, and answer its output; raises with all that it said when it fails."""
        wiring = Wiring(self.addresses, self.secrets_file, self._extra)
        argv = [*wiring.argv(job), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - our own process table
                argv,
                env=wiring.environment(job),
                cwd=ROOT,
                input=job.typed,
                capture_output=True,
                text=True,
                check=False,
                timeout=JOB_LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise StackError(f"{job.name} did not end within {JOB_LIMIT:.0f} s") from None
        self.supervisor.log_path(job.name).write_text(done.stdout + done.stderr)
        if done.returncode:
            raise StackError(f"{job.name} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _run_jobs(self) -> None:
        with ThreadPoolExecutor(max_workers=3) as pool:
            acts: tuple[Callable[[], object], ...] = (
                lambda: self.run_job(TOPICS),
                lambda: self.run_job(MIGRATE),
                self._install,
            )
            for done in [pool.submit(act) for act in acts]:
                done.result()

    def install(self, *parts: str) -> Installation:
        """What an office's IT does: one command, as EspoCRM's administrator. `parts` as its `--with` takes them."""
        # A name, as EspoCRM 10 stops all its webhooks at one whose host is a literal address.
        ingress, began = self._url(INGRESS.name, "localhost"), time.monotonic()
        files = ("--env-file", str(self.env_file), "--secrets-file", str(self.secrets_file))
        more = [word for part in parts for word in ("--with", part)]
        report = self.run_job(INSTALL, "--url", self._url("espocrm"), "--ingress-url", ingress, *files, *more)
        return Installation.of(report, time.monotonic() - began, self.env_file)

    def _install(self) -> None:
        self.install(*PARTS).write(self._installation_file)

    def _start_all(self, names: Mapping[str, Service]) -> None:
        for name in names:
            self.start_process(name, wait=False)
        for name in names:
            self.wait_ready(name)

    def _step(self, what: str, act: Callable[[], object]) -> None:
        self._tell(f"waiting for {what} ...")
        began = time.monotonic()
        act()
        self._tell(f"  ready after {time.monotonic() - began:.1f} s")

    def _forget_old_contents(self) -> None:
        """The sandboxes begin empty, so must what we remember of them: links to records that are gone would mislead."""
        for name in (*SERVERS, PROMETHEUS, "log"):
            shutil.rmtree(self.state_dir / name, ignore_errors=True)
        for file in (self.secrets_file, self.env_file, self._installation_file, self.google_key_file):
            file.unlink(missing_ok=True)

    def _line(self, name: str) -> Service:
        line = self.services.get(name) or self.sandboxes.get(name)
        if line is None:
            raise StackError(f"no process is called {name}")
        return line

    def _url(self, name: str, host: str = LOOPBACK) -> str:
        return f"http://{host}:{self._ports.of(name)}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def worker(number: int) -> Service:
    """The n-th worker, from 0: `beteiligte-sync`, `beteiligte-sync-2`, …"""
    name = WORKER.name if number == 0 else f"{WORKER.name}-{number + 1}"
    return Service(name, WORKER.module, port_variable=WORKER.port_variable, variables=WORKER.variables)


def answers_ok(url: str) -> bool:
    """GET answers 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:  # noqa: S310 - loopback only
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refusal:
        # It holds the connection, and is freed in an order that may leave the socket to a warning.
        refusal.close()
        return False
    except (urllib.error.URLError, OSError, ValueError):
        return False


def stderr(text: str) -> None:
    """For `tell`: progress goes beside the output."""
    sys.stderr.write(f"{text}\n")
