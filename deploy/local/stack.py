"""`python -m deploy.local.stack up|status|logs|down`: the whole stack in the background, from a terminal."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.addresses import Addresses, read_addresses
from deploy.local.backends import NAMES as SERVERS
from deploy.local.office import Office
from deploy.local.supervisor import StackError, Supervisor
from deploy.local.table import ROOT, SANDBOXES, SERVICES
from deploy.local.watching import NAME as PROMETHEUS
from deploy.local.watching import Watching
from synckit.command import run_command

OK, TROUBLE = 0, 1


@dataclass(frozen=True)
class Line:
    """One process in the answer of `status`; `state` is ready, starting or dead."""

    name: str
    state: str
    pid: int
    uptime: float | None
    url: str


def up(state_dir: Path, workers: int, *, watched: bool = False, secure: bool = False) -> int:
    """Start everything; says what it waits for. Does nothing where all of it already runs."""
    with _alone(state_dir):
        if lines := status_lines(state_dir):
            dead = [line.name for line in lines if line.state == "dead"]
            if dead:
                raise StackError(
                    f"not running any more: {', '.join(dead)}; `make logs` says why, `make down` clears up"
                )
            _say("already running")
        else:
            office = Office(state_dir, workers=workers, secure=secure, tell=_say)
            office.watching = Watching() if watched else None
            office.start()
        _print_addresses(read_addresses(state_dir / "stack.json"))
    return OK


def down(state_dir: Path) -> int:
    """End exactly what `up` started."""
    with _alone(state_dir):
        known = Supervisor(state_dir).known()
        Office(state_dir).stop()
    _say(f"ended: {', '.join(known)}" if known else "nothing was running")
    return OK


def status(state_dir: Path, *, as_json: bool) -> int:
    """A line per process; 1 if one is dead or none is running."""
    lines = status_lines(state_dir)
    if as_json:
        print(json.dumps([vars(line) for line in lines], indent=2))
    elif not lines:
        print("nothing is running; `make up` starts everything")
    else:
        for line in lines:
            uptime = "-" if line.uptime is None else f"{line.uptime:.0f} s"
            print(f"{line.name:<20} {line.state:<10} {line.pid:>8} {uptime:>9}  {line.url}")
        if installed := Office(state_dir).installation:
            print(f"{installed.sentence}; our key is in {installed.env_file}")
    return OK if lines and all(line.state != "dead" for line in lines) else TROUBLE


def logs(state_dir: Path, name: str | None, lines: int) -> int:
    """The ends of all logs, or of one."""
    folder = state_dir / "log"
    paths = sorted(folder.glob("*.log")) if name is None else [folder / f"{name}.log"]
    if not paths or not all(path.exists() for path in paths):
        there = ", ".join(path.stem for path in sorted(folder.glob("*.log")))
        raise StackError(f"no such log; there are: {there or 'none yet'}")
    for path in paths:
        print(f"==> {path.name}")
        print("\n".join(path.read_text(errors="replace").splitlines()[-lines:]))
    return OK


def status_lines(state_dir: Path) -> list[Line]:
    """Every process that was started and not ended by us."""
    supervisor = Supervisor(state_dir)
    stack_file = state_dir / "stack.json"
    urls = _urls(read_addresses(stack_file)) if stack_file.exists() else {}
    workers = sum(name.startswith("beteiligte-sync") for name in supervisor.known())
    office = Office(state_dir, workers=workers)
    found = []
    for name, entry in supervisor.known().items():
        pid = supervisor.pid(name)
        uptime = None if pid is None else time.time() - psutil.Process(pid).create_time()
        state = "dead" if pid is None else "ready" if office.is_ready(name) else "starting"
        found.append(Line(name, state, entry.pid, uptime, urls.get(name, "")))
    return found


def _urls(addresses: Addresses) -> dict[str, str]:
    servers = dict(zip(SERVERS, (addresses.kafka, addresses.database_url, addresses.redis_url), strict=True))
    sandboxes = {
        "espocrm": addresses.espocrm_url,
        "advoware": addresses.advoware_url,
        "google": addresses.google_url,
        "xai": addresses.xai_url,
    }
    watching = {PROMETHEUS: addresses.prometheus_url} if addresses.prometheus_url else {}
    return {**servers, **sandboxes, **addresses.services, **watching}


def _print_addresses(addresses: Addresses) -> None:
    for name, url in _urls(addresses).items():
        print(f"{name:<20} {url}")
    print("\nEspoCRM, Advoware, Google and xAI show a page to play with; `make status`, `make logs`, `make down`.")


@contextlib.contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """One `up` or `down` at a time in a checkout."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("another `make up` or `make down` is at work in this checkout") from None
        yield


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.stack", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=ROOT / "var")
    commands = parser.add_subparsers(dest="command", required=True)
    up_options = commands.add_parser("up")
    up_options.add_argument("--workers", type=int, default=1)
    up_options.add_argument("--prometheus", action="store_true", help="a Prometheus that watches, beside it")
    up_options.add_argument("--secure", action="store_true", help="Kafka with TLS, passwords and rights")
    commands.add_parser("down")
    commands.add_parser("status").add_argument("--json", action="store_true")
    log_options = commands.add_parser("logs")
    log_options.add_argument("name", nargs="?", help=", ".join(each.name for each in (*SANDBOXES, *SERVICES)))
    log_options.add_argument("--lines", type=int, default=20)
    given = parser.parse_args(arguments)
    try:
        if given.command == "up":
            return up(given.state_dir, given.workers, watched=given.prometheus, secure=given.secure)
        if given.command == "down":
            return down(given.state_dir)
        if given.command == "status":
            return status(given.state_dir, as_json=given.json)
        return logs(given.state_dir, given.name, given.lines)
    except StackError as error:
        _say(str(error))
        return TROUBLE
    except KeyboardInterrupt:
        _say("interrupted")
        return 130


if __name__ == "__main__":
    run_command(main)
