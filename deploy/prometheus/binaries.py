"""Prometheus' programs: those on the PATH, else Debian's, unpacked below var/ without root."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from deploy.tools import TOOLS, ToolMissing

SECONDS = 180.0


def program(name: str) -> Path:
    """`prometheus` or `promtool`. ToolMissing where there is none and Debian's package can't be had."""
    if found := shutil.which(name):
        return Path(found)
    folder = TOOLS / "prometheus"
    if (there := folder / "usr" / "bin" / name).exists():
        return there
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise ToolMissing(f"{name} is not on the PATH, and there is no apt-get to take it from Debian")
    folder.mkdir(parents=True, exist_ok=True)
    fetched = run(["apt-get", "download", "-q", "prometheus"], folder)
    packages = sorted(folder.glob("prometheus_*.deb"))
    if fetched.returncode or not packages:
        raise ToolMissing(f"Debian's package prometheus can't be had:\n{fetched.stderr.strip()}")
    unpacked = run(["dpkg", "-x", str(packages[-1]), "."], folder)
    if unpacked.returncode:
        raise ToolMissing(f"Debian's package prometheus can't be unpacked:\n{unpacked.stderr.strip()}")
    return there


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of ours to its end, at most `SECONDS`."""
    # Words of ours and paths of this checkout; no shell reads them.
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
