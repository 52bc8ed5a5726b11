"""Tries an image: whose user it runs as, whether it can write its code, whether it starts, answers and drains."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.images.build import ROOT, Image, run_command_line

START_SECONDS = 120.0
DRAIN_SECONDS = 45.0
TRIES = 5
USER = "10001 10001 0000000000000000"
WHO = 'echo $(id -u) $(id -g) $(sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status)'


@dataclass(frozen=True)
class Trial:
    """A command to start in an image, where it listens, and what it answers there once it runs."""

    command: tuple[str, ...]
    variables: dict[str, str]
    port: int
    path: str


def linted(hadolint: Path, image: Image) -> list[str]:
    """What hadolint finds in a Dockerfile, warnings and worse, a line each."""
    command = [str(hadolint), "--no-color", "--failure-threshold", "warning", str(ROOT / image.dockerfile)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)  # noqa: S603
    return done.stdout.splitlines() if done.returncode else []


def hardened(container: str) -> list[str]:
    """What is wrong with the user and the rights of an image's processes, a line each."""
    wrong = []
    if (who := _said(container, {}, "sh", "-c", WHO)) != USER:
        wrong.append(f"runs as {who!r} (user, group, capabilities), not as {USER!r}")
    if _said(container, {}, "sh", "-c", "touch /app/x 2>/dev/null && echo writable || echo refused") != "refused":
        wrong.append("can write its code")
    return wrong


def exits(container: str, variables: dict[str, str], command: tuple[str, ...], status: int) -> list[str]:
    """What is wrong with how a command of an image ends."""
    done = _run(container, variables, *command)
    if done.returncode == status:
        return []
    return [f"{' '.join(command)} ended with {done.returncode}, not {status}: {done.stderr.strip()[-300:]}"]


def serves(container: str, trial: Trial) -> list[str]:
    """Starts a service, waits for its answer, asks it to end, waits for that."""
    command = run_command_line(container, trial.variables, *trial.command)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    try:
        if trouble := _answers(running, trial):
            return [trouble]
        return _drains(running, trial)
    finally:
        _end(running)


def _end(running: subprocess.Popen[str]) -> None:
    if running.poll() is None:
        for child in psutil.Process(running.pid).children(recursive=True):
            child.kill()
        running.kill()
    running.wait()


def _answers(running: subprocess.Popen[str], trial: Trial) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if running.poll() is not None:
            said = running.stdout.read() if running.stdout else ""
            return f"ended with {running.returncode} at its start: {said[-500:]}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{trial.port}{trial.path}", timeout=5) as answer:
                return "" if answer.status == 200 else f"{trial.path} answers {answer.status}"
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return f"{trial.path} did not answer within {START_SECONDS:.0f} s"


def _drains(running: subprocess.Popen[str], trial: Trial) -> list[str]:
    """SIGTERM goes to the service itself: buildah would not pass it on."""
    module = trial.command[-1] if len(trial.command) == 3 else trial.command[2]
    ours = [
        child for child in psutil.Process(running.pid).children(recursive=True)
        if "python" in child.name() and module in child.cmdline()
    ]  # fmt: skip
    if not ours:
        return ["its process is not to be found"]
    ours[-1].terminate()
    try:
        running.communicate(timeout=DRAIN_SECONDS)
    except subprocess.TimeoutExpired:
        return [f"did not end within {DRAIN_SECONDS:.0f} s of SIGTERM"]
    return [] if running.returncode == 0 else [f"ended with {running.returncode} after SIGTERM"]


def _said(container: str, variables: dict[str, str], *command: str) -> str:
    # buildah may end before it has passed on the last output of a short command.
    for _ in range(TRIES):
        if said := _run(container, variables, *command).stdout.strip():
            return said
    return ""


def _run(container: str, variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    line = run_command_line(container, variables, *command)
    return subprocess.run(line, capture_output=True, text=True, timeout=START_SECONDS, check=False)  # noqa: S603


__all__ = ["Trial", "exits", "hardened", "serves"]
