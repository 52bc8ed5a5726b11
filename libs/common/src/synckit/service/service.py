"""What all services are: settings, a composition root that wires a `Service`, and its run."""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from synckit import VERSION
from synckit.log import logging
from synckit.service import collector, metrics
from synckit.service.server import Health, HttpServer, Step, run_service
from synckit.service.settings import ServiceSettings, load

REVISION = "SYNCKIT_REVISION"
"""Variable with the commit that an image was built from: git is not in it."""


@dataclass(frozen=True, slots=True)
class Service:
    """Wired and not started. `starting` and `closing` may be a command's as well.

    `deadline`: seconds from the signal to the end. `schema`: the revision of the database that the code was written
    for, "" for one without a database.
    """

    server: HttpServer
    health: Health
    starting: Sequence[Step] = ()
    background: Sequence[Step] = ()
    closing: Sequence[Step] = ()
    deadline: float = 20.0
    schema: str = ""

    async def run(self) -> int:
        """Until it is told to stop; the exit status."""
        try:
            return await run_service(
                self.server,
                self.health,
                starting=[*self.starting, settle],
                background=self.background,
                closing=self.closing,
                deadline=self.deadline,
            )
        finally:
            logging.at_once()


async def settle() -> None:
    """The last step of every start: from here on it runs for days."""
    collector.settle()
    logging.in_batches()


S = TypeVar("S", bound=ServiceSettings)


EXIT_STATUS = """exit status:
  0   asked to end
  1   it can't go on: a missing topic, another schema, too many bugs in a row; the last line says which
  2   wrong call, or a wrong or missing variable
  70  a bug of ours, or a worker's watchdog: it stood still"""


def main(kind: type[S], build: Callable[[S], Service], arguments: Sequence[str]) -> int:
    """Settings, wiring, run; the exit status. `build` is called inside the running loop."""
    _parser(kind).parse_args(arguments)
    settings = load(kind)
    logging.configure(
        settings.service, level=settings.log.level, style=settings.log.format, on_lost=metrics.log_lines_lost
    )
    _as_many_files_as_allowed()

    async def run() -> int:
        service = build(settings)
        metrics.built(settings.service, os.environ.get(REVISION) or "unknown", service.schema)
        return await service.run()

    return asyncio.run(run())


def _as_many_files_as_allowed() -> None:
    """The usual soft limit of 1,024 would let some hundred idle connections shut everybody out."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _parser(kind: type[ServiceSettings]) -> argparse.ArgumentParser:
    """A service takes no arguments: what it is given was meant for something else."""
    module = kind.service.replace("-", "_")
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=f"Runs {kind.service} until it is told to end. Settings come from the environment: "
        f"python -m synckit.service.settings_doc {module}.settings:Settings",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_of(kind.service))
    return parser


def version_of(service: str) -> str:
    """What `--version` prints."""
    return f"{service} {VERSION}"
