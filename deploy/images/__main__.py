"""Builds every image and tries it: `python -m deploy.images [--only NAME …] [--json]`. Needs root; no container engine.

Each image: its Dockerfile is clean (hadolint) and builds; it runs as 10001 without capabilities, can't write its code,
starts while no server is there, answers on /health/live, ends with 0 after SIGTERM. Exit status: 0 all good; 1 an image
is not; 2 wrong call; 3 a tool can't be had; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.images.build import (
    ROOT,
    BuildFailed,
    Image,
    build,
    container_of,
    ensure_base,
    ensure_tools,
    remove,
)
from deploy.images.smoke import Trial, exits, hardened, linted, serves
from deploy.local.table import MIGRATE, SANDBOXES, SERVICES, TOPICS, Service
from deploy.tools import ToolMissing, environment_of
from synckit.command import run_command

SERVER_AWAY = 3
PINS = Path(__file__).with_name("requirements.txt")
NOBODY = "127.0.0.1:9"
NOWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": NOBODY,
    "DATABASE_URL": f"postgresql://synckit:secret@{NOBODY}/synckit",
    "REDIS_URL": f"redis://{NOBODY}/0",
}
IMAGES = {
    **{service.name: f"services/{service.name}/Dockerfile" for service in SERVICES},
    "migrate": "deploy/migrate/Dockerfile",
    "sandbox": "sandbox/Dockerfile",
}


@dataclass(frozen=True)
class Report:
    """One image: seconds that its build took, and what is wrong, a line each."""

    name: str
    seconds: float
    wrong: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _parser().parse_args(arguments)
    try:
        ensure_tools(_say)
        ensure_base(_parent(), _say)
        hadolint = environment_of(PINS, "hadolint") / "hadolint"
        reports = [_report(name, hadolint) for name in options.only or IMAGES]
    except ToolMissing as missing:
        _say(str(missing))
        return SERVER_AWAY
    except BuildFailed as failed:
        _say(str(failed))
        return 1
    if options.json:
        sys.stdout.write(json.dumps([asdict(report) for report in reports]) + "\n")
    return 1 if any(report.wrong for report in reports) else 0


def _report(name: str, hadolint: Path) -> Report:
    started = time.monotonic()
    image = Image(name, IMAGES[name])
    try:
        build(image)
    except BuildFailed as failed:
        return _told(Report(name, time.monotonic() - started, (str(failed),)))
    seconds = time.monotonic() - started
    container = container_of(image)
    try:
        wrong = (*linted(hadolint, image), *hardened(container), *_tried(name, container))
    finally:
        remove(container)
    return _told(Report(name, round(seconds, 1), wrong))


def _told(report: Report) -> Report:
    lines = (f"{'ok' if not report.wrong else 'WRONG':6}{report.name}  built in {report.seconds:.0f} s", *report.wrong)
    _say("\n      ".join(lines))
    return report


def _tried(name: str, container: str) -> list[str]:
    if name == "migrate":
        return [
            *exits(container, NOWHERE, _call(MIGRATE.module, "check"), SERVER_AWAY),
            *exits(container, NOWHERE, _call(TOPICS.module, "check"), SERVER_AWAY),
        ]
    if name == "sandbox":
        return [trouble for each in SANDBOXES for trouble in serves(container, _sandbox(each))]
    (service,) = [each for each in SERVICES if each.name == name]
    return serves(container, _service(service))


def _call(module: str, *arguments: str) -> tuple[str, ...]:
    return ("python", "-m", module, *arguments)


def _sandbox(sandbox: Service) -> Trial:
    port = _free_port()
    more = ("--management-port", "0") if sandbox.module == "sandbox.xai" else ()
    return Trial(_call(sandbox.module, "--port", str(port), *more), {}, port, sandbox.ready)


def _service(service: Service) -> Trial:
    """With servers that nobody answers for: it waits for them, and is alive."""
    port = _free_port()
    example = dict(re.findall(r"^#?([A-Z_]+)=(.+)$", (ROOT / ".env.example").read_text(), re.M))
    variables = {name: NOWHERE.get(name) or example[name] for name in service.variables}
    return Trial(
        _call(service.module),
        {**variables, str(service.port_variable): str(port), "HTTP_HOST": "127.0.0.1"},
        port,
        "/health/live",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _parent() -> str:
    (parent,) = {
        name for file in IMAGES.values() for name in re.findall(r"^FROM (\S+)", (ROOT / file).read_text(), re.M)
    }
    return str(parent)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.images", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=tuple(IMAGES), help="these images alone")
    parser.add_argument("--json", action="store_true", help="the result for programs")
    return parser


if __name__ == "__main__":
    run_command(main)
