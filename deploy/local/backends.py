"""Kafka, PostgreSQL and Redis of one state folder as one thing to start, hurt and stop."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.kafka import Kafka
from deploy.local.ports import Ports
from deploy.local.postgres import Postgres
from deploy.local.redis_server import Redis
from deploy.local.supervisor import StackError, Supervisor

NAMES = ("kafka", "postgres", "redis")


class Backends:
    """The three servers; addresses stay the same over `kill`, `restart` and a new `Backends` on the same folder.

    `secure`: Kafka with TLS, passwords and rights.
    """

    def __init__(self, state_dir: Path, *, log_dir: Path | None = None, secure: bool = False) -> None:
        self.state_dir = Path(state_dir).resolve()
        self.supervisor = Supervisor(self.state_dir, log_dir)
        ports = Ports(self.state_dir)
        self.kafka = Kafka(self.state_dir, self.supervisor, ports, secure=secure)
        self.postgres = Postgres(self.state_dir, self.supervisor, ports)
        self.redis = Redis(self.state_dir, self.supervisor, ports)
        self._started: set[str] = set()

    @property
    def kafka_bootstrap(self) -> str:
        """For KAFKA_BOOTSTRAP_SERVERS."""
        return self.kafka.bootstrap_servers

    @property
    def database_url(self) -> str:
        """For DATABASE_URL."""
        return self.postgres.url()

    @property
    def redis_url(self) -> str:
        """For REDIS_URL."""
        return self.redis.url

    def start(self, *names: str) -> None:
        """Start all servers, or those named, side by side; returns when each can be used."""
        with ThreadPoolExecutor(max_workers=len(NAMES)) as pool:
            for done in [pool.submit(self._server(name).start) for name in names or NAMES]:
                done.result()

    def stop(self, *names: str) -> None:
        """End all servers, or those named, gracefully."""
        for name in names or NAMES:
            self.supervisor.stop(name)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.supervisor.kill(self._server(name).name)

    def restart(self, name: str) -> None:
        """Start again, on the same port and with what it had stored; ends it gracefully first where it still runs."""
        self.supervisor.stop(name)
        self.start(name)

    def freeze(self, name: str) -> None:
        """SIGSTOP: alive for the kernel, silent for its clients."""
        self.supervisor.signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.supervisor.signal(name, signal.SIGCONT)

    def is_alive(self, name: str) -> bool:
        return self.supervisor.is_alive(name)

    def is_ready(self, name: str) -> bool:
        """It answers, and it is ours."""
        return self.is_alive(name) and self._server(name).is_ready()

    def create_database(self, database: str) -> str:
        """A fresh, empty database on our server; returns its URL."""
        return self.postgres.create_database(database)

    def drop_database(self, database: str) -> None:
        self.postgres.drop_database(database)

    def _server(self, name: str) -> Kafka | Postgres | Redis:
        servers: dict[str, Kafka | Postgres | Redis]
        servers = {each.name: each for each in (self.kafka, self.postgres, self.redis)}
        if name not in servers:
            raise StackError(f"no server is called {name}; there are {', '.join(servers)}")
        return servers[name]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class LazyBackends(Backends):
    """Asking for an address starts that server, if it never ran in this folder; for tests, which rarely need all."""

    @property
    def kafka_bootstrap(self) -> str:
        self._first_use("kafka")
        return super().kafka_bootstrap

    @property
    def database_url(self) -> str:
        self._first_use("postgres")
        return super().database_url

    @property
    def redis_url(self) -> str:
        self._first_use("redis")
        return super().redis_url

    def create_database(self, database: str) -> str:
        """A fresh, empty database on our server; returns its URL."""
        self._first_use("postgres")
        return super().create_database(database)

    def _first_use(self, name: str) -> None:
        if name not in self._started:
            self._started.add(name)
            self.start(name)
