"""Checks scrape configuration and alerts with promtool, each alert by a case that fires and one that does not.

`python -m deploy.prometheus`: promtool from the PATH, else from Debian's package, unpacked below var/ without root.
Exit status: 0 all good; 1 something is wrong; 2 wrong call; 3 promtool can't be had; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.tools import TOOLS, ToolMissing
from synckit.command import run_command

HERE = Path(__file__).resolve().parent
SECONDS = 180.0
CHECKS = (
    ("check", "rules", "alerts.yml"),
    ("test", "rules", "alerts_test.yml"),
    ("check", "config", "prometheus.yml"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    argparse.ArgumentParser(prog="python -m deploy.prometheus", description=__doc__).parse_args(arguments)
    try:
        promtool = _promtool()
    except ToolMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 3
    failed = [check for check in CHECKS if _failed(promtool, check)]
    return 1 if failed else 0


def _failed(promtool: Path, check: tuple[str, ...]) -> bool:
    done = _run([str(promtool), *check], HERE)
    sys.stdout.write(f"{'ok' if done.returncode == 0 else 'WRONG':6}promtool {' '.join(check)}\n")
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return done.returncode != 0


def _promtool() -> Path:
    if found := shutil.which("promtool"):
        return Path(found)
    folder = TOOLS / "prometheus"
    if (there := folder / "usr" / "bin" / "promtool").exists():
        return there
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise ToolMissing("promtool is not on the PATH, and there is no apt-get to take it from Debian")
    folder.mkdir(parents=True, exist_ok=True)
    fetched = _run(["apt-get", "download", "-q", "prometheus"], folder)
    packages = sorted(folder.glob("prometheus_*.deb"))
    if fetched.returncode or not packages:
        raise ToolMissing(f"Debian's package prometheus can't be had:\n{fetched.stderr.strip()}")
    unpacked = _run(["dpkg", "-x", str(packages[-1]), "."], folder)
    if unpacked.returncode:
        raise ToolMissing(f"Debian's package prometheus can't be unpacked:\n{unpacked.stderr.strip()}")
    return there


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # Words of ours and paths of this checkout; no shell reads them.
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603


if __name__ == "__main__":
    run_command(main)
