"""Servers behind addresses that stay: PostgreSQL may fall back to an older state, and both may move elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from deploy.local.backends import Backends
from deploy.local.ports import Ports, answers
from deploy.local.postgres import Postgres
from deploy.local.table import ROOT
from tests.chaos.relay import address_of

MAY_MOVE = ("postgres", "redis")
READ_ONLY = "default_transaction_read_only"


def old(name: str) -> str:
    """The process that was at the address before."""
    return f"{name}-old"


class MovableBackends(Backends):
    """`database_url` and `redis_url` are the addresses; `direct` and `direct_redis` the servers of this moment."""

    def __init__(self, state_dir: Path, *, log_dir: Path | None = None) -> None:
        super().__init__(state_dir, log_dir=log_dir)
        self._ports = Ports(self.state_dir)
        self._moves = 0

    def start(self, *names: str) -> None:
        super().start(*names)
        for name in MAY_MOVE:
            address = address_of(name)
            if self.supervisor.is_alive(address):
                continue
            port = self._ports.claim(address)
            argv = [sys.executable, "-m", "tests.chaos.relay", str(self.state_dir), name]
            self.supervisor.spawn(address, argv, env={**os.environ, "PYTHONPATH": str(ROOT)})
            self.supervisor.wait_until(address, lambda port=port: answers(port), 60.0)  # type: ignore[misc]

    @property
    def database_url(self) -> str:
        return self._at_address(super().database_url, "postgres")

    @property
    def redis_url(self) -> str:
        return self._at_address(super().redis_url, "redis")

    @property
    def direct(self) -> str:
        """PostgreSQL's own URL."""
        return super().database_url

    @property
    def direct_redis(self) -> str:
        return super().redis_url

    def copy_postgres(self) -> None:
        """What it knows when this ends is kept beside it."""
        shutil.rmtree(self._copy, ignore_errors=True)
        self.postgres.copy_to(self._copy)

    def fall_back(self) -> None:
        """kill -9, and a server with what the copy knows in its place: all since then is lost."""
        self.kill("postgres")
        shutil.rmtree(self.postgres.folder)
        self._copy.rename(self.postgres.folder)
        self.start("postgres")

    def move_postgres(self) -> None:
        """The copy goes on at the address, and takes writes; the server that was there lives on as it is.

        In a folder of its own: sessions of the old one read their settings by its path whenever they wake up.
        """
        settings = self._copy / "postgresql.auto.conf"
        kept = [line for line in settings.read_text().splitlines(keepends=True) if READ_ONLY not in line]
        settings.write_text("".join(kept))
        self._moves += 1
        self.postgres = Postgres(self.state_dir / f"moved-{self._moves}", self.supervisor, self._ports)
        self.postgres.folder.parent.mkdir(parents=True)
        self._copy.rename(self.postgres.folder)
        self._make_room("postgres")

    def move_redis(self) -> None:
        """A new, empty one at the address; the server that was there lives on as it is."""
        self._make_room("redis")

    def end_old(self, name: str) -> None:
        """The server that was at the address before."""
        self.supervisor.kill(old(name))

    def _make_room(self, name: str) -> None:
        self.supervisor.rename(name, old(name))
        self.start(name)

    @property
    def _copy(self) -> Path:
        return self.state_dir / "postgres-copy"

    def _at_address(self, url: str, name: str) -> str:
        return url.replace(f":{self._ports.of(name)}/", f":{self._ports.of(address_of(name))}/")
